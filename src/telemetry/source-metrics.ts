// The metrics of each source, a part of the table of metrics. All are read from the database.

import { FAILURE_CLASSES, type FailureClass } from '../core/failure-class.ts'
import { OUTCOMES } from '../core/ledger.ts'

/**
 * States in which a run ends. A later decision on a held run does not change its end, so that the
 * counters never fall.
 */
const RUN_ENDS = ['succeeded', 'fetched', 'held', 'failed', 'cancelled', 'superseded'] as const
export type RunEnd = (typeof RUN_ENDS)[number]

const FAILURES = Object.keys(FAILURE_CLASSES) as readonly FailureClass[]

/** States of an active run, or of one that the next sync resumes. */
const OPEN_STATES = ['running', 'interrupted', 'fetched'] as const
export type OpenState = (typeof OPEN_STATES)[number]

const WEEK_RESULTS = ['good', 'failed', 'excluded'] as const

export const SOURCE_METRICS = {
  shelfsync_source_late: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Is 1 if the source is late by its own schedule: an hour after a scheduled run, no run has succeeded since. A source that refreshes single products is late when one of them is. Absent for a paused source.',
  },
  shelfsync_run_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Seconds since the last successful run started, or since the source was added. Absent for a paused source. `shelfsync_source_late` compares it with the schedule.',
  },
  shelfsync_runs_total: {
    type: 'counter',
    scope: 'system',
    labels: { source: 'name', state: RUN_ENDS },
    help: 'Runs by the state in which they ended. A held run counts as held, also after its decision. A run that ends twice, because it was resumed, counts twice.',
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
  },
  shelfsync_latest_copy_broken: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Is 1 if the last attempt to write `latest.ndjson` failed, so that the file contains an older catalogue.',
  },
  shelfsync_held_runs: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Runs that wait for the decision of a person.',
  },
  shelfsync_week_runs: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', result: WEEK_RESULTS },
    help: 'Runs that requested the supplier and were started in the last seven days: good, failed, and excluded, which failed because the host is gone, is closed or sends another format.',
  },
  shelfsync_failed_runs_ratio: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Share of failed runs among the runs of the last seven days without excluded ones. Absent without runs.',
  },
  shelfsync_error_budget_left_ratio: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Share of the error budget that is left: 1 without failed runs, 0 when 1 % of the runs of the last seven days failed, negative beyond. Absent without runs.',
  },
  shelfsync_stored_bytes: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name' },
    help: 'Compressed bytes of the archived artifacts of a source. Read every five minutes.',
  },
  shelfsync_removals_off: {
    type: 'gauge',
    scope: 'system',
    labels: { source: 'name', reason: ['incomplete', 'unreadable'] },
    help: 'Is 1 if the newest full run removed nothing because it could not tell which products are missing: the fetch was incomplete, or records had an unreadable id.',
  },
} as const
