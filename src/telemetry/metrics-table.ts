// Every metric with its labels and meaning, from which docs/metrics.md is generated. The values of
// a label are listed here, or are names that the operator chose; never ids or URLs. The alerts on
// them are in alert-rules.ts.

import { MODEL_ERRORS } from '../core/downstream-errors.ts'
import { DELIVERY_METRICS } from './delivery-metrics.ts'
import { IMAGE_METRICS } from './image-metrics.ts'
import type { Metric } from './metric.ts'
import { REQUEST_METRICS } from './request-metrics.ts'
import { SOURCE_METRICS } from './source-metrics.ts'
import { WORK_METRICS } from './work-metrics.ts'

const MODEL_CODES = Object.keys(MODEL_ERRORS) as readonly (keyof typeof MODEL_ERRORS)[]

export const METRICS = {
  ...SOURCE_METRICS,
  ...WORK_METRICS,
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
  shelfsync_database_bytes: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Size of the database with its indexes. Read every five minutes.',
  },
  shelfsync_database_connections: {
    type: 'gauge',
    scope: 'process',
    labels: { state: ['busy', 'idle'] },
    help: 'Open connections to Postgres. At most 10 per process.',
  },
  ...REQUEST_METRICS,
  ...IMAGE_METRICS,
  ...DELIVERY_METRICS,
  shelfsync_backpressure_seconds_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['database_unreachable', 'database_slow', 'store_unwritable'] },
    help: 'Time in which work waited for the database or the artifact store.',
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
  },
  shelfsync_auth_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { reason: ['missing', 'wrong', 'limited'] },
    help: 'Requests to Shelfsync with a missing key, with a wrong key, or limited after too many wrong keys.',
  },
  shelfsync_sign_ins_total: {
    type: 'counter',
    scope: 'process',
    labels: { result: ['accepted', 'wrong', 'limited'] },
    help: 'Sign-ins to the dashboard: accepted, refused for a wrong key, or limited after too many wrong keys. Refused ones count in `shelfsync_auth_failures_total` too.',
  },
  shelfsync_alert_send_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { channel: ['slack', 'sentry'] },
    help: 'Failed attempts to send alerts. They are sent again later.',
  },
  shelfsync_collect_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: { collector: 'name' },
    help: 'Failed attempts to read a part of the metrics. Its series are absent then, and their alerts cannot fire.',
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
