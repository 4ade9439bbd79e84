// Counts the events of tasks, sign-ins, and requests with wrong keys, in the metrics of their process.

import type { RecentCounts } from '../alerts/recent-counts.ts'
import type { ErrorCode } from '../core/error-table.ts'
import type { SignInResult } from '../http/dashboard/sign-in.ts'
import type { AuthFailure } from '../http/server/key-check.ts'
import type { TaskEvents } from '../jobs/queued-task.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/**
 * Counts waits by their cause, the time until parts are applied, and tasks that other workers took
 * over.
 */
export function countTasks(
  metrics: Metrics,
  recent: Pick<RecentCounts, 'addWait'>,
): Pick<TaskEvents, 'paused' | 'applied' | 'leaseLost'> {
  return {
    paused({ code, waitMs, triedMs }, connector) {
      const reason = toBackpressureReason(code)
      if (reason !== null) {
        const seconds = (triedMs + waitMs) / 1000
        recent.addWait(reason, seconds)
        metrics.count('shelfsync_backpressure_seconds_total', { reason }, seconds)
      } else if (code === 'source/rate-limited' && connector !== null)
        metrics.count('shelfsync_limit_wait_seconds_total', { connector }, waitMs / 1000)
    },
    applied: (seconds, connector) =>
      metrics.observe('shelfsync_page_to_rows_seconds', { connector }, seconds),
    leaseLost: () => metrics.count('shelfsync_leases_lost_total', {}),
  }
}

/** Alerts do not count a missing key, because its sender does not guess. */
export function countAuthFailures(
  metrics: Metrics,
  recent: Pick<RecentCounts, 'addWrongKey'>,
): (reason: AuthFailure) => void {
  return (reason) => {
    if (reason !== 'missing') recent.addWrongKey()
    const label = reason === 'missing' || reason === 'wrong' ? reason : 'limited'
    metrics.count('shelfsync_auth_failures_total', { reason: label })
  }
}

export function countSignIns(metrics: Metrics): (result: SignInResult) => void {
  return (result) => metrics.count('shelfsync_sign_ins_total', { result })
}

/** Returns null for errors of suppliers. */
function toBackpressureReason(
  code: ErrorCode,
): 'database_unreachable' | 'database_slow' | 'store_unwritable' | null {
  if (code.startsWith('source/')) return null
  if (code.startsWith('artifact/')) return 'store_unwritable'
  return code === 'db/unreachable' ? 'database_unreachable' : 'database_slow'
}
