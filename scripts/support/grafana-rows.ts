// The rows and panels of the dashboard for Grafana, as a table.

import { chart, SOURCE, stat, type Row } from './grafana-panels.ts'
import { PEOPLE, REVIEWS, STEPS, WEBHOOKS } from './grafana-work-rows.ts'

const OVERVIEW: Row = {
  title: 'Overview',
  panels: [
    stat('Sources late', 'sum(max by (source) (shelfsync_source_late))', 1),
    stat('Held runs', 'sum(max by (source) (shelfsync_held_runs))', 1),
    stat('Breakers open', 'sum(max by (scope, state) (shelfsync_open_circuit_breakers))', 1),
    stat('Open reviews', 'sum(max by (kind) (shelfsync_review_backlog))'),
    stat('Open alerts', 'sum(max by (kind) (shelfsync_open_alerts))', 1),
    stat('Dead letters', 'sum(max by (queue) (shelfsync_queue_jobs{state="failed"}))', 1),
    stat(
      'On time, 7 days',
      '1 - avg(avg_over_time(shelfsync_source_late[7d]))',
      undefined,
      'percentunit',
    ),
    chart('Records by outcome', 'short', [
      'sum by (outcome) (max by (source, outcome) (increase(shelfsync_records_total[$__rate_interval])))',
      '{{outcome}}',
    ]),
    chart('Runs by end', 'short', [
      'sum by (state) (max by (source, state) (increase(shelfsync_runs_total[$__rate_interval])))',
      '{{state}}',
    ]),
  ],
}

const SOURCES: Row = {
  title: 'Sources',
  panels: [
    chart('Age of the last successful run', 's', [
      `max by (source) (shelfsync_run_age_seconds{${SOURCE}})`,
      '{{source}}',
    ]),
    chart('Late by the source’s own schedule', 'bool_yes_no', [
      `max by (source) (shelfsync_source_late{${SOURCE}})`,
      '{{source}}',
    ]),
    {
      title: 'Error budget left (1 % of the runs of 7 days)',
      kind: 'bargauge',
      unit: 'percentunit',
      width: 12,
      queries: [
        [
          `clamp_min(max by (source) (shelfsync_error_budget_left_ratio{${SOURCE}}), 0)`,
          '{{source}}',
        ],
      ],
    },
    chart('Failed runs in a row', 'short', [
      `max by (source, class) (shelfsync_failing_runs{${SOURCE}})`,
      '{{source}}: {{class}}',
    ]),
    chart('Failed runs of seven days', 'percentunit', [
      `max by (source) (shelfsync_failed_runs_ratio{${SOURCE}})`,
      '{{source}}',
    ]),
    chart('Quarantined records', 'short', [
      `max by (source) (shelfsync_open_quarantine{${SOURCE}})`,
      '{{source}}',
    ]),
    chart('Removals off', 'bool_yes_no', [
      `max by (source, reason) (shelfsync_removals_off{${SOURCE}})`,
      '{{source}}: {{reason}}',
    ]),
  ],
}

const RUNS: Row = {
  title: 'Runs',
  panels: [
    chart('Active run', 'short', [
      `max by (source, stage) (shelfsync_active_run_records{${SOURCE}})`,
      '{{source}}: {{stage}}',
    ]),
    chart('Open runs', 'short', [
      `max by (source, state) (shelfsync_open_runs{${SOURCE}}) > 0`,
      '{{source}}: {{state}}',
    ]),
    chart('Failed copies to latest.ndjson', 'short', [
      `max by (source) (increase(shelfsync_latest_copy_failures_total{${SOURCE}}[$__rate_interval]))`,
      '{{source}}',
    ]),
    chart('Duration, 95th percentile of a day', 's', [
      `histogram_quantile(0.95, sum by (le, source) (increase(shelfsync_run_duration_seconds_bucket{state="succeeded",${SOURCE}}[1d])))`,
      '{{source}}',
    ]),
    chart('Fetched bytes', 'Bps', [
      `max by (source) (rate(shelfsync_fetched_bytes_total{${SOURCE}}[$__rate_interval]))`,
      '{{source}}',
    ]),
    chart('From page to rows, 95th percentile', 's', [
      'histogram_quantile(0.95, sum by (le, connector) (rate(shelfsync_page_to_rows_seconds_bucket[$__rate_interval])))',
      '{{connector}}',
    ]),
  ],
}

const REQUESTS: Row = {
  title: 'Requests and limits',
  panels: [
    chart('Requests to suppliers', 'reqps', [
      'sum by (connector, result) (rate(shelfsync_source_requests_total[$__rate_interval]))',
      '{{connector}}: {{result}}',
    ]),
    chart('Time of a request, 95th percentile', 's', [
      'histogram_quantile(0.95, sum by (le, connector) (rate(shelfsync_source_request_duration_seconds_bucket[$__rate_interval])))',
      '{{connector}}',
    ]),
    chart('Waits for limits', 'percentunit', [
      'sum by (connector) (rate(shelfsync_limit_wait_seconds_total[$__rate_interval]))',
      '{{connector}}',
    ]),
    chart('Circuit breakers that are not closed', 'short', [
      'max by (scope, state) (shelfsync_open_circuit_breakers)',
      '{{scope}}: {{state}}',
    ]),
    chart('Wrong keys', 'short', [
      'sum by (reason) (increase(shelfsync_auth_failures_total[$__rate_interval]))',
      '{{reason}}',
    ]),
  ],
}

const QUEUES: Row = {
  title: 'Queues',
  panels: [
    chart('Jobs', 'short', [
      'max by (queue, state) (shelfsync_queue_jobs)',
      '{{queue}}: {{state}}',
    ]),
    chart('Jobs that no worker takes', 'short', [
      'max by (queue) (shelfsync_queue_untaken_jobs)',
      '{{queue}}',
    ]),
    chart('Failed attempts to send alerts', 'short', [
      'sum by (channel) (increase(shelfsync_alert_send_failures_total[$__rate_interval]))',
      '{{channel}}',
    ]),
    chart('Back-pressure', 'percentunit', [
      'sum by (reason) (rate(shelfsync_backpressure_seconds_total[$__rate_interval]))',
      '{{reason}}',
    ]),
    chart('Leases lost', 'short', [
      'sum(increase(shelfsync_leases_lost_total[$__rate_interval]))',
      'leases',
    ]),
  ],
}

const DATABASE: Row = {
  title: 'Database and storage',
  panels: [
    chart('Connections', 'short', ['sum by (state) (shelfsync_database_connections)', '{{state}}']),
    chart('Write-ahead log', 'Bps', [
      'max(rate(shelfsync_database_wal_bytes_total[$__rate_interval]))',
      'WAL',
    ]),
    chart('Rows written', 'wps', [
      'topk(8, max by (table) (rate(shelfsync_database_rows_written_total[$__rate_interval])))',
      '{{table}}',
    ]),
    chart('Size of the database', 'bytes', ['max(shelfsync_database_bytes)', 'database']),
    chart('Archived artifacts', 'bytes', [
      `max by (source) (shelfsync_stored_bytes{${SOURCE}})`,
      '{{source}}',
    ]),
    chart('Versions', 'short', [
      'count by (version, node) (shelfsync_build_info)',
      '{{version}} on {{node}}',
    ]),
  ],
}

export const ROWS: readonly Row[] = [
  OVERVIEW,
  SOURCES,
  RUNS,
  REQUESTS,
  QUEUES,
  STEPS,
  REVIEWS,
  WEBHOOKS,
  PEOPLE,
  DATABASE,
]
