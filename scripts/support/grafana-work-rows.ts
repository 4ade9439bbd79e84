// The rows of the dashboard for Grafana about work besides runs, and about people.

import { chart, SOURCE, type Row } from './grafana-panels.ts'

export const STEPS: Row = {
  title: 'Images and models',
  panels: [
    chart('Images that wait or have failed', 'short', [
      'max by (state) (shelfsync_image_addresses)',
      '{{state}}',
    ]),
    chart(
      'Images stored and failed',
      'short',
      ['sum by (result) (increase(shelfsync_images_total[$__rate_interval]))', '{{result}}'],
      [
        'sum by (reason) (increase(shelfsync_image_failures_total[$__rate_interval]))',
        '{{reason}}',
      ],
    ),
    chart('Fetched bytes of images', 'Bps', [
      'sum(rate(shelfsync_image_fetched_bytes_total[$__rate_interval]))',
      'bytes',
    ]),
    chart('Products that wait for the language model', 'short', [
      'max by (state) (shelfsync_model_queue)',
      '{{state}}',
    ]),
    chart(
      'Statements and failures of the language model',
      'short',
      [
        'sum by (outcome) (increase(shelfsync_model_statements_total[$__rate_interval]))',
        '{{outcome}}',
      ],
      ['sum by (code) (increase(shelfsync_model_failures_total[$__rate_interval]))', '{{code}}'],
    ),
    chart(
      'Age of the oldest waiting work',
      's',
      ['max(shelfsync_image_queue_age_seconds)', 'images'],
      ['max(shelfsync_model_queue_age_seconds)', 'language model'],
    ),
  ],
}

export const WEBHOOKS: Row = {
  title: 'Webhooks',
  panels: [
    chart('Messages that wait or are dead', 'short', [
      'max by (state) (shelfsync_webhook_deliveries)',
      '{{state}}',
    ]),
    chart('Age of the oldest change', 's', ['max(shelfsync_webhook_behind_seconds)', 'webhooks']),
    chart('Requests to webhooks', 'short', [
      'sum by (result) (increase(shelfsync_deliveries_total[$__rate_interval]))',
      '{{result}}',
    ]),
  ],
}

export const PEOPLE: Row = {
  title: 'People',
  panels: [
    chart('Actions of people', 'short', [
      'max by (action) (increase(shelfsync_actions_total[$__rate_interval]))',
      '{{action}}',
    ]),
    chart('Signed in', 'short', ['max by (access) (shelfsync_signed_in_sessions)', '{{access}}']),
    chart('Sign-ins', 'short', [
      'sum by (result) (increase(shelfsync_sign_ins_total[$__rate_interval]))',
      '{{result}}',
    ]),
    chart('Messages of alerts', 'short', [
      'max by (channel) (increase(shelfsync_alert_messages_total[$__rate_interval]))',
      '{{channel}}',
    ]),
  ],
}

export const REVIEWS: Row = {
  title: 'Reviews',
  panels: [
    chart('Backlog', 'short', ['max by (kind) (shelfsync_review_backlog)', '{{kind}}']),
    chart('Age of the oldest', 's', [
      'max by (kind) (shelfsync_review_backlog_age_seconds)',
      '{{kind}}',
    ]),
    chart('Open reviews by source', 'short', [
      `max by (source) (shelfsync_open_reviews{${SOURCE}})`,
      '{{source}}',
    ]),
  ],
}
