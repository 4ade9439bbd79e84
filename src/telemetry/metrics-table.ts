// Every metric: who reports it, its labels, what it says and when a person must look.
// docs/metrics.md and the alert rules of Prometheus are written from this table. A label says one
// of a few words that are listed here, or a name that the operator chose; never an id or a URL.

import { OUTCOMES } from '../core/ledger.ts'

/**
 * What a label may say: one of these words, or `name`, such as that of a source, a connector or a
 * table.
 */
export type LabelWords = readonly string[] | 'name'

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /**
   * `process`: what each process did itself since it started; add them up. `system`: what the
   * database or the queue knows of all of them, whoever asks; each orchestrator reports the same,
   * and no restart forgets it.
   */
  readonly scope: 'process' | 'system'
  readonly labels: Readonly<Record<string, LabelWords>>
  /** One line. Units are in the name. */
  readonly help: string
  /** Of a histogram: upper bounds, ascending. */
  readonly buckets?: readonly number[]
  readonly alert?: Alert
}

export interface Alert {
  /** PromQL that is true when somebody must look. */
  readonly when: string
  /** How long it must have been true. */
  readonly forMinutes: number
  /** For the person who is woken; `$labels` are those of the metric. */
  readonly summary: string
}

/**
 * How a run ended by itself. What a person decided on a held one afterwards does not change it, so
 * that these only ever go up.
 */
const RUN_ENDS = ['succeeded', 'fetched', 'held', 'failed', 'cancelled', 'superseded'] as const

/** The states of a run that is under way, or that the next sync goes on with. */
const OPEN_STATES = ['running', 'interrupted', 'fetched'] as const

export type OpenState = (typeof OPEN_STATES)[number]

export type RunEnd = (typeof RUN_ENDS)[number]

export const METRICS = {
  shelfsync_run_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Seconds since the start of the last good run, or since the source was added. Paused sources have none. Alert above 93600 (26 h) for a nightly source.',
    alert: {
      when: 'shelfsync_run_age_seconds > 93600',
      forMinutes: 5,
      summary: 'Source {{ $labels.source }} has had no good run for 26 hours.',
    },
  },
  shelfsync_runs_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name', state: RUN_ENDS },
    help: 'Runs by how they ended. A held run stays held here, whatever a person decides, and one that failed and was tried again counts as both, as does one that was fetched only and is applied later.',
    alert: {
      when: 'increase(shelfsync_runs_total{state=~"failed|held"}[1h]) > 0',
      forMinutes: 0,
      summary: 'A run of {{ $labels.source }} was {{ $labels.state }}.',
    },
  },
  shelfsync_run_duration_seconds: {
    type: 'histogram',
    scope: 'system',
    labels: { source: 'name', state: RUN_ENDS },
    help: 'From the first start of a run to its end, interruptions included.',
    buckets: [1, 5, 15, 60, 300, 600, 900, 1500, 2400, 3600, 7200, 14_400],
  },
  shelfsync_open_runs: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', state: OPEN_STATES },
    help: 'Runs that are under way, or that the next sync goes on with. One whose worker has been silent for longer than its lease is interrupted.',
  },
  shelfsync_active_run_records: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', stage: ['expected', 'fetched', 'applied'] },
    help: 'Records of the run that is under way: how many the supplier says it has, are archived, are applied.',
  },
  shelfsync_records_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name', outcome: OUTCOMES },
    help: 'Archived records of settled runs by outcome.',
  },
  shelfsync_ledger_difference_records: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Records fetched minus the sum of their outcomes, in the newest settled run. Must be 0.',
    alert: {
      when: 'shelfsync_ledger_difference_records != 0',
      forMinutes: 0,
      summary:
        'The ledger of {{ $labels.source }} does not balance: a bug in Shelfsync. Keep the artifact.',
    },
  },
  shelfsync_fetched_bytes_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Bytes archived, before compression, also those of runs that did not end well.',
  },
  shelfsync_open_reviews: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Held prices and held runs that wait for a person.',
    alert: {
      when: 'shelfsync_open_reviews > 0',
      forMinutes: 720,
      summary: 'Reviews of {{ $labels.source }} have been waiting for 12 hours.',
    },
  },
  shelfsync_open_quarantine: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Records that could not be applied, until a replay or a later run takes them in.',
  },
  shelfsync_latest_copy_failures_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Times that `latest.ndjson` of a source could not be written: it holds an older catalogue until a later run writes it.',
    alert: {
      when: 'increase(shelfsync_latest_copy_failures_total[1h]) > 0',
      forMinutes: 0,
      summary: 'latest.ndjson of {{ $labels.source }} could not be written.',
    },
  },
  shelfsync_removals_off: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', reason: ['incomplete', 'unreadable'] },
    help: 'Whether (1) the newest full run removed nothing because it could not tell what is missing: not all records arrived, or some have no id that could be read.',
    alert: {
      when: 'shelfsync_removals_off > 0',
      forMinutes: 2880,
      summary:
        'Nothing has been removed from {{ $labels.source }} for two days: {{ $labels.reason }} records. Products that are gone stay.',
    },
  },
  shelfsync_queue_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: {
      queue: 'name',
      state: ['waiting', 'prioritized', 'delayed', 'waiting-children', 'active', 'failed'],
    },
    help: 'Jobs in the queue. Those that failed are dead letters: nothing tries them again by itself.',
    alert: {
      when: 'shelfsync_queue_jobs{state="failed"} > 0',
      forMinutes: 5,
      summary: 'Queue {{ $labels.queue }} has dead letters.',
    },
  },
  shelfsync_database_wal_bytes_total: {
    type: 'counter',
    scope: 'system',
    labels: {},
    help: 'Write-ahead log that the whole Postgres server has written, other databases included.',
  },
  shelfsync_database_rows_written_total: {
    type: 'counter',
    scope: 'system',
    labels: { table: 'name' },
    help: 'Rows inserted, updated and deleted in tables of schema catalog, as Postgres counts them: rolled back ones too.',
  },
  shelfsync_database_connections: {
    type: 'gauge',
    scope: 'process',
    labels: { state: ['busy', 'idle'] },
    help: 'Connections to Postgres that this process has open. At most 10.',
  },
  shelfsync_source_requests_total: {
    type: 'counter',
    scope: 'process',
    labels: {
      connector: 'name',
      result: ['ok', 'rate_limited', 'refused', 'unavailable', 'failed', 'aborted'],
    },
    help: 'Requests to suppliers: 2xx and 3xx, 429, other 4xx, 5xx, no whole answer, given up by us. Redirects count as their own.',
  },
  shelfsync_source_request_duration_seconds: {
    type: 'histogram',
    scope: 'process',
    labels: { connector: 'name' },
    help: 'From the request to the end of the answer, the time in which it was not read included.',
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600],
  },
  shelfsync_limit_wait_seconds_total: {
    type: 'counter',
    scope: 'process',
    labels: { connector: 'name' },
    help: "Time spent waiting because a supplier's limit was reached. Waits for one that is broken are none of these.",
  },
  shelfsync_backpressure_seconds_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['database_unreachable', 'database_slow', 'store_unwritable'] },
    help: 'Time in which work stood still until something else went on.',
    alert: {
      when: 'rate(shelfsync_backpressure_seconds_total[15m]) > 0.5',
      forMinutes: 5,
      summary: 'Work stands still: {{ $labels.reason }}.',
    },
  },
  shelfsync_leases_lost_total: {
    type: 'counter',
    scope: 'process',
    labels: {},
    help: 'Tasks that another worker took over because this process was silent for too long. A run that was cancelled, or ended otherwise, does not count.',
    alert: {
      when: 'increase(shelfsync_leases_lost_total[1h]) > 3',
      forMinutes: 0,
      summary: 'Workers lose their leases: look for stalls and network cuts.',
    },
  },
  shelfsync_auth_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['missing', 'wrong', 'limited'] },
    help: 'Requests to us without a key, with a wrong one, or refused with a wrong one after too many of these.',
    alert: {
      when: 'sum(increase(shelfsync_auth_failures_total[15m])) > 50',
      forMinutes: 0,
      summary: 'Somebody is trying keys.',
    },
  },
  shelfsync_collect_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { collector: 'name' },
    help: 'Times that a part of these metrics could not be read. Its series are missing then, and the alerts on them are blind.',
    alert: {
      when: 'increase(shelfsync_collect_failures_total[15m]) > 0',
      forMinutes: 5,
      summary: 'The {{ $labels.collector }} metrics cannot be read, and their alerts are blind.',
    },
  },
  shelfsync_build_info: {
    type: 'gauge',
    scope: 'process',
    labels: { version: 'name', node: 'name' },
    help: 'Always 1: what runs here.',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS

type LabelsIn<Table> = keyof Table extends never
  ? Readonly<Record<string, never>>
  : {
      readonly [Label in keyof Table]: Table[Label] extends readonly (infer Word)[] ? Word : string
    }

/** The labels of a metric, each with the words that it may say. */
export type Labels<Name extends MetricName> = LabelsIn<(typeof METRICS)[Name]['labels']>

/** The metrics of one kind. */
export type NameOf<Kind extends Partial<Metric>> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends Kind ? Name : never
}[MetricName]
