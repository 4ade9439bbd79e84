// The alert rules for Prometheus. deploy/prometheus/alerts.yml is generated from this table, and
// test/e2e/prometheus.slow.test.ts fires each of them. An alert links to a page of the dashboard:
// its address is the external label `shelfsync_url` of Prometheus.

/** `page`: a person acts now. `ticket`: within a day. */
export type Severity = 'page' | 'ticket'

export interface AlertRule {
  /**
   * PromQL that is true when the alert fires. System metrics come from every orchestrator: `max
   * by`.
   */
  readonly when: string
  /** Minutes for which it must be true. */
  readonly forMinutes: number
  readonly severity: Severity
  /** One sentence; `$labels` are the labels of the result, `$value` is its value. */
  readonly summary: string
  /** The first thing to do. */
  readonly action: string
  /** Path of the page of the dashboard. */
  readonly page: string
}

const SOURCE_PAGE = '/sources/{{ $labels.source }}'

/**
 * The error budget is 0.5 % of the time and 1 % of the runs of a week. Each pair is a long window, which
 * proves that the loss matters, and a short one, which ends the alert soon after the cause has ended:
 * https://sre.google/workbook/alerting-on-slos/
 */
const LATE_WINDOWS = [
  ['1h', '5m', 14.4],
  ['6h', '30m', 6],
] as const
const FAILURE_WINDOWS = [
  ['6h', '30m', 6],
  ['1d', '2h', 3],
] as const

function burnsTime([long, short, factor]: (typeof LATE_WINDOWS)[number]): string {
  const limit = (factor * 0.005).toFixed(3)
  const share = (window: string): string => `avg(avg_over_time(shelfsync_source_late[${window}]))`
  return `(${share(long)} > ${limit} and ${share(short)} > ${limit})`
}

function burnsRuns([long, short, factor]: (typeof FAILURE_WINDOWS)[number]): string {
  const limit = (factor * 0.01).toFixed(2)
  const ends = (window: string, states: string): string =>
    `sum(max by (source, state) (increase(shelfsync_runs_total{state=~"${states}"}[${window}])))`
  const share = (window: string): string =>
    `${ends(window, 'failed')} / ${ends(window, 'succeeded|held|failed')}`
  // Of few runs, a single failure proves nothing.
  return `(${share(long)} > ${limit} and ${share(short)} > ${limit} and ${ends(long, 'failed')} >= 2)`
}

const SOURCE_RULES = {
  ShelfsyncSourceLate: {
    when: 'max by (source) (shelfsync_source_late) == 1',
    forMinutes: 5,
    severity: 'page',
    summary: 'Source {{ $labels.source }} is late by its own schedule.',
    action:
      'Open the page of the source: it states what failed last. Start a run there, or with `shelfsync sync {{ $labels.source }}`.',
    page: SOURCE_PAGE,
  },
  ShelfsyncRunHeld: {
    when: 'max by (source) (shelfsync_held_runs) > 0',
    forMinutes: 0,
    severity: 'page',
    summary: 'A run of {{ $labels.source }} is held: its changes wait for a decision.',
    action: 'Compare what the run would change, then approve or reject it.',
    page: SOURCE_PAGE,
  },
  ShelfsyncHostFailing: {
    when: 'max by (source, class) (shelfsync_failing_runs) >= 3',
    forMinutes: 0,
    severity: 'page',
    summary:
      'The host of {{ $labels.source }} has failed three runs in a row: {{ $labels.class }}.',
    action:
      'Check the address and the key of the source; `shelfsync sources show {{ $labels.source }}` has the error.',
    page: SOURCE_PAGE,
  },
  ShelfsyncErrorBudgetSpent: {
    when: 'max by (source) (shelfsync_error_budget_left_ratio) <= 0 and on (source) max by (source) (shelfsync_week_runs{result="failed"}) >= 2',
    forMinutes: 15,
    severity: 'ticket',
    summary:
      'More than 1 % of the runs of {{ $labels.source }} failed in seven days: its error budget is spent.',
    action:
      'Read the errors of its failed runs with `shelfsync runs list --source {{ $labels.source }} --state failed`.',
    page: SOURCE_PAGE,
  },
  ShelfsyncErrorBudgetBurning: {
    when: FAILURE_WINDOWS.map(burnsRuns).join(' or '),
    forMinutes: 0,
    severity: 'page',
    summary:
      'Runs fail at {{ $value | humanizePercentage }}: the error budget of a week lasts only days.',
    action:
      'Look for what the failed runs have in common: one supplier, the database or the store.',
    page: '/',
  },
  ShelfsyncAvailabilityBurning: {
    when: LATE_WINDOWS.map(burnsTime).join(' or '),
    forMinutes: 0,
    severity: 'page',
    summary:
      '{{ $value | humanizePercentage }} of the sources are late: 99.5 % in a week cannot be kept for long.',
    action:
      'Check that a scheduler, a fetcher and a maintainer run; then the sources that are late.',
    page: '/',
  },
  ShelfsyncLedgerUnbalanced: {
    when: 'max by (source) (shelfsync_ledger_difference_records) != 0 or min by (source) (shelfsync_ledger_difference_records) != 0',
    forMinutes: 0,
    severity: 'page',
    summary: 'The ledger of {{ $labels.source }} does not balance: a bug in Shelfsync.',
    action: 'Keep the artifact of the run, and report the bug.',
    page: SOURCE_PAGE,
  },
  ShelfsyncLatestCopyBroken: {
    when: 'max by (source) (shelfsync_latest_copy_broken) == 1',
    forMinutes: 15,
    severity: 'ticket',
    summary:
      'latest.ndjson of {{ $labels.source }} could not be written and has an older catalogue.',
    action: 'Check the artifact store; the next run writes the file again.',
    page: SOURCE_PAGE,
  },
  ShelfsyncRemovalsOff: {
    when: 'max by (source, reason) (shelfsync_removals_off) > 0',
    forMinutes: 2880,
    severity: 'ticket',
    summary:
      'Removals from {{ $labels.source }} have been off for two days: {{ $labels.reason }} records.',
    action:
      'Find out why the supplier returns an incomplete catalogue. Until then, discontinued products remain.',
    page: SOURCE_PAGE,
  },
} as const satisfies Record<string, AlertRule>

const WORK_RULES = {
  ShelfsyncQueueStuck: {
    when: 'max by (queue) (shelfsync_queue_untaken_jobs) > 0',
    forMinutes: 2,
    severity: 'page',
    summary: 'Workers of queue {{ $labels.queue }} are connected and take no jobs.',
    action: 'Restart these workers; runs continue from their last commit.',
    page: '/jobs',
  },
  ShelfsyncDeadLetters: {
    when: 'max by (queue) (shelfsync_queue_jobs{state="failed"}) > 0',
    forMinutes: 5,
    severity: 'ticket',
    summary: 'Queue {{ $labels.queue }} has {{ $value }} dead letters.',
    action: 'Read their errors, correct the cause, then retry them.',
    page: '/jobs',
  },
  ShelfsyncReviewsWaiting: {
    when: 'max by (kind) (shelfsync_review_backlog_age_seconds) > 43200',
    forMinutes: 0,
    severity: 'ticket',
    summary: 'A review of kind {{ $labels.kind }} has waited for {{ $value | humanizeDuration }}.',
    action: 'Decide it on the page of reviews, or with `shelfsync reviews`.',
    page: '/reviews?kind={{ $labels.kind }}',
  },
  ShelfsyncModelQueueStuck: {
    when: 'max(shelfsync_model_queue_age_seconds) > 86400',
    forMinutes: 0,
    severity: 'ticket',
    summary: 'Products have waited for the language model for {{ $value | humanizeDuration }}.',
    action: 'Check the address, the key and the daily limit of the model.',
    page: '/jobs',
  },
  ShelfsyncImageQueueStuck: {
    when: 'max(shelfsync_image_queue_age_seconds) > 21600',
    forMinutes: 0,
    severity: 'ticket',
    summary: 'Images have been due for {{ $value | humanizeDuration }}.',
    action: 'Check that a process with the role images runs.',
    page: '/jobs',
  },
  ShelfsyncImageHostsRefuse: {
    when: 'max(shelfsync_image_flagged_hosts) > 0',
    forMinutes: 60,
    severity: 'ticket',
    summary: '{{ $value }} hosts refuse requests for images.',
    action: 'List them with `shelfsync images`.',
    page: '/jobs',
  },
  ShelfsyncWebhookBehind: {
    when: 'max(shelfsync_webhook_behind_seconds) > 3600',
    forMinutes: 5,
    severity: 'page',
    summary: 'A webhook has not received a change for {{ $value | humanizeDuration }}.',
    action: 'List the webhooks with `shelfsync webhooks`: one states the error of its receiver.',
    page: '/',
  },
  ShelfsyncBreakerOpen: {
    when: 'max by (scope) (shelfsync_circuit_breaker_open_seconds) > 3600',
    forMinutes: 0,
    severity: 'page',
    summary: 'A supplier ({{ $labels.scope }}) has been down for {{ $value | humanizeDuration }}.',
    action: 'List it with `shelfsync limits`. It gets requests again when a test request succeeds.',
    page: '/jobs',
  },
} as const satisfies Record<string, AlertRule>

const SERVICE_RULES = {
  ShelfsyncBackPressure: {
    when: 'sum by (reason) (rate(shelfsync_backpressure_seconds_total[15m])) > 0.5',
    forMinutes: 5,
    severity: 'page',
    summary: 'Work is blocked: {{ $labels.reason }}.',
    action: 'Check the load and the free space of Postgres or of the artifact store.',
    page: '/jobs',
  },
  ShelfsyncLeasesLost: {
    when: 'sum(increase(shelfsync_leases_lost_total[1h])) > 3',
    forMinutes: 0,
    severity: 'ticket',
    summary: 'Workers lost {{ $value | humanize }} leases in an hour.',
    action: 'Check for stalled processes, a lack of memory and network failures.',
    page: '/jobs',
  },
  ShelfsyncWrongKeys: {
    when: 'sum(increase(shelfsync_auth_failures_total[15m])) > 50',
    forMinutes: 0,
    severity: 'page',
    summary: 'More than 50 requests with a missing or wrong key in 15 minutes.',
    action: 'Find the caller in the log (`wrong key`). Correct its key, or block its address.',
    page: '/alerts',
  },
  ShelfsyncAlertsUnsent: {
    when: 'max by (channel) (shelfsync_alert_failed_sends) >= 3',
    forMinutes: 0,
    severity: 'page',
    summary: 'Messages to {{ $labels.channel }} have failed {{ $value }} times in a row.',
    action: 'Read the error on the page of alerts; `shelfsync alerts test` sends a message.',
    page: '/alerts',
  },
  ShelfsyncNotScraped: {
    when: 'absent(shelfsync_build_info)',
    forMinutes: 5,
    severity: 'page',
    summary: 'Prometheus has no metrics of Shelfsync: no other alert can fire.',
    action: 'Check that the processes run, and the scrape configuration.',
    page: '/',
  },
  ShelfsyncNoOrchestrator: {
    when: 'absent(shelfsync_database_wal_bytes_total) and on () count(shelfsync_build_info) > 0',
    forMinutes: 5,
    severity: 'page',
    summary: 'No orchestrator reports: the alerts on sources and queues cannot fire.',
    action: 'Start an orchestrator, or check its metrics port.',
    page: '/',
  },
  ShelfsyncMetricsUnreadable: {
    when: 'sum by (collector) (increase(shelfsync_collect_failures_total[15m])) > 0',
    forMinutes: 5,
    severity: 'ticket',
    summary: 'The {{ $labels.collector }} metrics cannot be read. Their alerts cannot fire.',
    action: 'Read the warning `metrics could not be read` in the log of the orchestrator.',
    page: '/',
  },
  ShelfsyncStorageGrowing: {
    when: '(max(shelfsync_database_bytes) > 1e9 and max(shelfsync_database_bytes) > 1.5 * max(shelfsync_database_bytes offset 1d)) or (sum(max by (source) (shelfsync_stored_bytes)) > 1e9 and sum(max by (source) (shelfsync_stored_bytes)) > 1.5 * sum(max by (source) (shelfsync_stored_bytes offset 1d)))',
    forMinutes: 30,
    severity: 'ticket',
    summary: 'Storage has grown by half in a day, to {{ $value | humanize1024 }}B.',
    action:
      'Compare the sources by `shelfsync_stored_bytes`, and check ARTIFACTS_KEEP and the free space.',
    page: '/jobs',
  },
} as const satisfies Record<string, AlertRule>

export const ALERT_RULES = { ...SOURCE_RULES, ...WORK_RULES, ...SERVICE_RULES } as const

export type AlertRuleName = keyof typeof ALERT_RULES
