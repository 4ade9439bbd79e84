// The metrics of work that waits: the queue, reviews and the language model. A part of the table of
// metrics.

import { ALERT_KINDS, type AlertKind } from '../core/alert.ts'

const REVIEW_KINDS = ['price', 'run', 'disagreement', 'proposal', 'record'] as const

const ALERT_KIND_NAMES = Object.keys(ALERT_KINDS) as readonly AlertKind[]

export const WORK_METRICS = {
  shelfsync_queue_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: {
      queue: 'name',
      state: ['waiting', 'prioritized', 'delayed', 'waiting-children', 'active', 'failed'],
    },
    help: 'Jobs in the queue. Failed jobs are dead letters, which are not retried automatically.',
  },
  shelfsync_queue_untaken_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: { queue: 'name' },
    help: 'Jobs that wait although workers are connected and execute nothing. A worker that works takes them within five seconds.',
  },
  shelfsync_review_backlog: {
    type: 'gauge',
    scope: 'system',
    labels: { kind: REVIEW_KINDS },
    help: 'Reviews of all sources that wait for a decision, by kind.',
  },
  shelfsync_review_backlog_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { kind: REVIEW_KINDS },
    help: 'Time since the oldest review of this kind was opened; 0 without one.',
  },
  shelfsync_open_alerts: {
    type: 'gauge',
    scope: 'system',
    labels: { kind: ALERT_KIND_NAMES },
    help: 'Open alerts by kind, with acknowledged and muted ones.',
  },
  shelfsync_alert_failed_sends: {
    type: 'gauge',
    scope: 'system',
    labels: { channel: ['slack', 'sentry'] },
    help: 'Failed attempts in a row to send alerts; 0 while they arrive.',
  },
  shelfsync_alert_messages_total: {
    type: 'counter',
    scope: 'system',
    labels: { channel: ['slack', 'sentry'] },
    help: 'Messages that Slack or Sentry accepted: alerts, weekly notes, and reports of runs. Absent for a channel that no process ever had.',
  },
  shelfsync_webhook_deliveries: {
    type: 'gauge',
    scope: 'system',
    labels: { state: ['waiting', 'retrying', 'dead'] },
    help: 'Messages to webhooks: waiting for the first attempt, retrying after a failed one, or dead after the last one.',
  },
  shelfsync_webhook_behind_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Age of the oldest change that a webhook has not received; 0 without one.',
  },
  shelfsync_signed_in_sessions: {
    type: 'gauge',
    scope: 'system',
    labels: { access: ['write', 'read'] },
    help: 'Browsers that are signed in to the dashboard, by what they may do.',
  },
  shelfsync_actions_total: {
    type: 'counter',
    scope: 'system',
    labels: { action: 'name' },
    help: 'Changes that people made by a command, the API or the dashboard, as in the log of actions.',
  },
  shelfsync_model_queue: {
    type: 'gauge',
    scope: 'system',
    labels: { state: ['waiting', 'retried'] },
    help: 'Products that wait for the language model: waiting for the first attempt, or retried after a failed one.',
  },
  shelfsync_model_queue_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Time for which the first product has been due for the language model; 0 if none is due.',
  },
} as const
