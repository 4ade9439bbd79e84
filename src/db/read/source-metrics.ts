// The metrics of one source, from its row of `measure_sources`.

import { measureErrorBudget } from '../../core/error-budget.ts'
import type { FailureClass } from '../../core/failure-class.ts'
import { countLines, type Ledger } from '../../core/ledger.ts'
import type { Schedule } from '../../core/schedule.ts'
import type { Reading } from '../../telemetry/metrics.ts'
import { METRICS } from '../../telemetry/metrics-table.ts'
import type { OpenState } from '../../telemetry/source-metrics.ts'

export interface SourceRow {
  readonly id: number
  readonly source: string
  readonly age_seconds: number | null
  readonly schedule: Schedule
  readonly due_since: Date
  readonly late_products: boolean | null
  readonly longest_seconds: number | null
  /** The ledger of the newest settled run. */
  readonly ledger: Ledger | null
  readonly reviews: number
  readonly quarantine: number
  readonly held_runs: number
  /** Failed attempts to write `latest.ndjson`. */
  readonly copy_failures: number
  readonly copy_broken: boolean
  readonly removals_off: (typeof REASONS)[number] | null
  readonly open_state: OpenState | null
  readonly failures: number
  readonly failure_class: FailureClass | null
  /** Runs of the last seven days, and those that failed, by error code. */
  readonly week_runs: number
  readonly week_failures: Readonly<Record<string, number>>
  /** These four describe the active run; null without one. */
  readonly expected: number | null
  readonly fetched: number | null
  readonly applied: number | null
  readonly bytes: number | null
}

/** Decides whether a source is late, by the members of its summary that its schedule needs. */
export type LateCheck = (scheduled: {
  readonly schedule: Schedule
  readonly dueSinceAt: Date
  readonly lateProducts: boolean | null
  /** See `SourceSummary`. */
  readonly longestMs: number | null
}) => boolean

const REASONS = METRICS.shelfsync_removals_off.labels.reason
const OPEN_STATES = METRICS.shelfsync_open_runs.labels.state

/** Returns the gauges of a source. `toTotalReadings` adds its counters. */
export function toSourceReadings(row: SourceRow, isLate: LateCheck | null): Reading[] {
  const { source } = row
  const labels = { source }
  return [
    ...toTimeReadings(row, isLate),
    { name: 'shelfsync_open_reviews', labels, value: row.reviews },
    { name: 'shelfsync_held_runs', labels, value: row.held_runs },
    { name: 'shelfsync_open_quarantine', labels, value: row.quarantine },
    { name: 'shelfsync_latest_copy_failures_total', labels, value: row.copy_failures },
    { name: 'shelfsync_latest_copy_broken', labels, value: Number(row.copy_broken) },
    ...REASONS.map((reason): Reading => ({
      name: 'shelfsync_removals_off',
      labels: { source, reason },
      value: Number(reason === row.removals_off),
    })),
    ...toRunReadings(row),
    ...toWeekReadings(row),
  ]
}

/** A paused source has no age, and is never late. */
function toTimeReadings(row: SourceRow, isLate: LateCheck | null): Reading[] {
  const { source, age_seconds: age, schedule, late_products: lateProducts } = row
  if (age === null) return []
  const labels = { source }
  const readings: Reading[] = [{ name: 'shelfsync_run_age_seconds', labels, value: age }]
  if (isLate !== null) {
    const late = isLate({
      schedule,
      dueSinceAt: row.due_since,
      lateProducts,
      longestMs: row.longest_seconds === null ? null : 1000 * row.longest_seconds,
    })
    readings.push({ name: 'shelfsync_source_late', labels, value: Number(late) })
  }
  return readings
}

function toRunReadings(row: SourceRow): Reading[] {
  const { source, ledger, failure_class: failure } = row
  const stages = ['expected', 'fetched', 'applied'] as const
  const readings: Reading[] = OPEN_STATES.map((state) => ({
    name: 'shelfsync_open_runs',
    labels: { source, state },
    value: Number(row.open_state === state),
  }))
  for (const stage of stages) {
    const value = row[stage]
    if (value !== null)
      readings.push({ name: 'shelfsync_active_run_records', labels: { source, stage }, value })
  }
  if (ledger !== null) {
    const value = ledger.fetched - countLines(ledger)
    readings.push({ name: 'shelfsync_ledger_difference_records', labels: { source }, value })
  }
  if (failure !== null)
    readings.push({
      name: 'shelfsync_failing_runs',
      labels: { source, class: failure },
      value: row.failures,
    })
  return readings
}

function toWeekReadings({
  source,
  week_runs: runs,
  week_failures: failures,
}: SourceRow): Reading[] {
  const budget = measureErrorBudget({ runs, failures })
  const labels = { source }
  const counts: Reading[] = (['good', 'failed', 'excluded'] as const).map((result) => ({
    name: 'shelfsync_week_runs',
    labels: { source, result },
    value: budget[result],
  }))
  const { failedRatio, leftRatio } = budget
  if (failedRatio !== null)
    counts.push({ name: 'shelfsync_failed_runs_ratio', labels, value: failedRatio })
  if (leftRatio !== null)
    counts.push({ name: 'shelfsync_error_budget_left_ratio', labels, value: leftRatio })
  return counts
}
