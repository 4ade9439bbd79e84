// Every metric with its labels, meaning and alert. docs/metrics.md and the alert rules for
// Prometheus are generated from this table. The values of a label are listed here, or are names
// that the operator chose; never ids or URLs.

import { FAILURE_CLASSES, type FailureClass } from '../core/failure-class.ts'
import { OUTCOMES } from '../core/ledger.ts'
import { IMAGE_METRICS } from './image-metrics.ts'
import { MODEL_ERRORS } from '../core/downstream-errors.ts'
import type { Metric } from './metric.ts'
import { REQUEST_METRICS } from './request-metrics.ts'

/**
 * States in which a run ends. A later decision on a held run does not change its end, so that the
 * counters never fall.
 */
const RUN_ENDS = ['succeeded', 'fetched', 'held', 'failed', 'cancelled', 'superseded'] as const

const FAILURES = Object.keys(FAILURE_CLASSES) as readonly FailureClass[]

const MODEL_CODES = Object.keys(MODEL_ERRORS) as readonly (keyof typeof MODEL_ERRORS)[]

/** States of an active run, or of one that the next sync resumes. */
const OPEN_STATES = ['running', 'interrupted', 'fetched'] as const

export type OpenState = (typeof OPEN_STATES)[number]

export type RunEnd = (typeof RUN_ENDS)[number]

export const METRICS = {
  shelfsync_run_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Seconds since the last successful run started, or since the source was added. Absent for a paused source. 93600 (26 h) suits a nightly source.',
    alert: {
      when: 'shelfsync_run_age_seconds > 93600',
      forMinutes: 5,
      summary: 'Source {{ $labels.source }} last had a successful run more than 26 hours ago.',
    },
  },
  shelfsync_runs_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name', state: RUN_ENDS },
    help: 'Runs by the state in which they ended. A held run counts as held, also after its decision. A run that ends twice, because it was resumed, counts twice.',
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
    help: 'Time from the first start of a run to its end, including interruptions.',
    buckets: [1, 5, 15, 60, 300, 600, 900, 1500, 2400, 3600, 7200, 14_400],
  },
  shelfsync_open_runs: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', state: OPEN_STATES },
    help: 'Active runs, and runs that the next sync resumes. A run whose worker lost its lease is interrupted.',
  },
  shelfsync_failing_runs: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', class: FAILURES },
    help: 'Runs in a row that failed at the host of the source, by the failure class of the last one. Absent once the host has responded. From 3 on, the source is flagged and its scheduled runs are spaced out.',
    alert: {
      when: 'shelfsync_failing_runs >= 3',
      forMinutes: 0,
      summary:
        'The host of {{ $labels.source }} has failed three runs in a row: {{ $labels.class }}.',
    },
  },
  shelfsync_active_run_records: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', stage: ['expected', 'fetched', 'applied'] },
    help: 'Records of the active run: expected by the count of the supplier, fetched into the archive, applied to the catalogue.',
  },
  shelfsync_records_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name', outcome: OUTCOMES },
    help: 'Records of settled runs by outcome.',
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
    help: 'Bytes archived, before compression, including those of failed runs.',
  },
  shelfsync_open_reviews: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Held prices and held runs that wait for a decision.',
    alert: {
      when: 'shelfsync_open_reviews > 0',
      forMinutes: 720,
      summary: 'Reviews of {{ $labels.source }} have waited for a decision for 12 hours.',
    },
  },
  shelfsync_open_quarantine: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Records that could not be applied and that neither a replay nor a later run has applied since.',
  },
  shelfsync_latest_copy_failures_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Failed attempts to write `latest.ndjson`. The file contains an older catalogue until a later run writes it.',
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
    help: 'Is 1 if the newest full run removed nothing because it could not tell which products are missing: the fetch was incomplete, or records had an unreadable id.',
    alert: {
      when: 'shelfsync_removals_off > 0',
      forMinutes: 2880,
      summary:
        'Removals from {{ $labels.source }} have been off for two days: {{ $labels.reason }} records. Discontinued products remain in the catalogue.',
    },
  },
  shelfsync_queue_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: {
      queue: 'name',
      state: ['waiting', 'prioritized', 'delayed', 'waiting-children', 'active', 'failed'],
    },
    help: 'Jobs in the queue. Failed jobs are dead letters, which are not retried automatically.',
    alert: {
      when: 'shelfsync_queue_jobs{state="failed"} > 0',
      forMinutes: 5,
      summary: 'Queue {{ $labels.queue }} has dead letters.',
    },
  },
  shelfsync_queue_untaken_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: { queue: 'name' },
    help: 'Jobs that wait although workers are connected and execute nothing. A worker that works takes them within five seconds.',
    alert: {
      when: 'shelfsync_queue_untaken_jobs > 0',
      forMinutes: 2,
      summary: 'Workers of queue {{ $labels.queue }} are connected and take no jobs: restart them.',
    },
  },
  shelfsync_database_wal_bytes_total: {
    type: 'counter',
    scope: 'system',
    labels: {},
    help: 'Bytes of write-ahead log written by the Postgres server, including other databases.',
  },
  shelfsync_database_rows_written_total: {
    type: 'counter',
    scope: 'system',
    labels: { table: 'name' },
    help: 'Rows inserted, updated and deleted in the tables of schema catalog, including rolled back ones.',
  },
  shelfsync_database_connections: {
    type: 'gauge',
    scope: 'process',
    labels: { state: ['busy', 'idle'] },
    help: 'Open connections to Postgres. At most 10 per process.',
  },
  ...REQUEST_METRICS,
  ...IMAGE_METRICS,
  shelfsync_backpressure_seconds_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['database_unreachable', 'database_slow', 'store_unwritable'] },
    help: 'Time in which work waited for the database or the artifact store.',
    alert: {
      when: 'rate(shelfsync_backpressure_seconds_total[15m]) > 0.5',
      forMinutes: 5,
      summary: 'Work is blocked: {{ $labels.reason }}.',
    },
  },
  shelfsync_model_statements_total: {
    type: 'counter',
    scope: 'process',
    labels: { outcome: ['proposed', 'refused'] },
    help: 'Facts that a language model stated. A refused one is not supported by the text of its product.',
  },
  shelfsync_model_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { code: MODEL_CODES },
    help: 'Products about which the language model could not be asked, by error code. They wait and are tried again.',
  },
  shelfsync_leases_lost_total: {
    type: 'counter',
    scope: 'process',
    labels: {},
    help: 'Tasks that another worker took over because the lease of this process expired. Cancelled and finished runs do not count.',
    alert: {
      when: 'increase(shelfsync_leases_lost_total[1h]) > 3',
      forMinutes: 0,
      summary: 'Workers lose their leases. Check for stalled processes and network failures.',
    },
  },
  shelfsync_auth_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['missing', 'wrong', 'limited'] },
    help: 'Requests to Shelfsync with a missing key, with a wrong key, or limited after too many wrong keys.',
    alert: {
      when: 'sum(increase(shelfsync_auth_failures_total[15m])) > 50',
      forMinutes: 0,
      summary: 'More than 50 requests with a missing or wrong key in 15 minutes.',
    },
  },
  shelfsync_collect_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { collector: 'name' },
    help: 'Failed attempts to read a part of the metrics. Its series are absent then, and their alerts cannot fire.',
    alert: {
      when: 'increase(shelfsync_collect_failures_total[15m]) > 0',
      forMinutes: 5,
      summary: 'The {{ $labels.collector }} metrics cannot be read. Their alerts cannot fire.',
    },
  },
  shelfsync_build_info: {
    type: 'gauge',
    scope: 'process',
    labels: { version: 'name', node: 'name' },
    help: 'Always 1. The labels identify the version of the process.',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS

type LabelsIn<Table> = keyof Table extends never
  ? Readonly<Record<string, never>>
  : {
      readonly [Label in keyof Table]: Table[Label] extends readonly (infer Word)[] ? Word : string
    }

/** The labels of a metric, each with its possible values. */
export type Labels<Name extends MetricName> = LabelsIn<(typeof METRICS)[Name]['labels']>

/** The metrics of one kind. */
export type NameOf<Kind extends Partial<Metric>> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends Kind ? Name : never
}[MetricName]
