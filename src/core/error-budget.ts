// The error budget of a source: less than 1 % of its runs in seven days may fail. Runs that fail
// because of the host itself, which is gone, is closed or sends another format, do not count.

import type { ErrorCode } from './error-table.ts'
import { classifyFailure, type FailureClass } from './failure-class.ts'

/** Share of failed runs that uses up the budget. */
const BUDGET_SHARE = 0.01
/**
 * With fewer failed runs the budget does not count as spent: of seven nightly runs, a single failure
 * is 14 %.
 */
const FAILURES_MIN = 2
const HOST_FAULTS: readonly FailureClass[] = ['malformed', 'gone', 'closed']

/** The runs of seven days, without cancelled and superseded ones. */
export interface WeekRuns {
  readonly runs: number
  /** Failed runs by error code. */
  readonly failures: Readonly<Record<string, number>>
}

export interface ErrorBudget {
  readonly good: number
  readonly failed: number
  /** Failed because of the host itself. */
  readonly excluded: number
  /** Share of failed runs; null without runs that count. */
  readonly failedRatio: number | null
  /** 1 without failures, 0 when the budget is used up, negative beyond; null as `failedRatio`. */
  readonly leftRatio: number | null
  /** The budget is used up, by two failed runs or more. */
  readonly spent: boolean
}

export function measureErrorBudget({ runs, failures }: WeekRuns): ErrorBudget {
  let [failed, excluded] = [0, 0]
  for (const [code, count] of Object.entries(failures)) {
    const fault = classifyFailure(code as ErrorCode)
    if (fault !== null && HOST_FAULTS.includes(fault)) excluded += count
    else failed += count
  }
  const good = runs - failed - excluded
  const failedRatio = good + failed > 0 ? failed / (good + failed) : null
  const leftRatio = failedRatio === null ? null : 1 - failedRatio / BUDGET_SHARE
  const spent = leftRatio !== null && leftRatio <= 0 && failed >= FAILURES_MIN
  return { good, failed, excluded, failedRatio, leftRatio, spent }
}
