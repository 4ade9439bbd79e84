// Keeps a lease while work runs. Once the lease is lost the database refuses every write; the abort
// signal only stops the work early.

import { hasAction, SyncError } from '../core/errors.ts'
import { LEASE_MS } from '../db/write/runs.ts'
import { renewLease } from '../db/write/leases.ts'
import type { RunContext } from './context.ts'

/** Interval of renewals and time limit of each: together less than the lease duration. */
const RENEW_MS = LEASE_MS / 3

/** Part of a run's context that keeping its lease needs. */
export type LeaseContext = Pick<RunContext, 'run' | 'log' | 'outages' | 'signal'> & {
  readonly db: Pick<RunContext['db'], 'call'>
}

/**
 * Renews the lease of a run, or of one of its tasks, every `renewMs` while `work` runs. The signal
 * that `work` receives is aborted with the caller's reason, or with `run/fenced`, `run/over` or
 * `run/cancelled` when a renewal is refused. A renewal that takes longer than `renewMs` is abandoned
 * before the next one begins.
 */
export async function withLease<T>(
  { db, run, log, outages, signal }: LeaseContext,
  work: (leased: AbortSignal) => Promise<T>,
  renewMs = RENEW_MS,
): Promise<T> {
  const lost = new AbortController()
  let renewing = false
  const renew = async (): Promise<void> => {
    renewing = true
    const startedMs = performance.now()
    try {
      await renewLease(db, run, renewMs)
      outages.worked('lease')
      outages.reached('db/unreachable')
    } catch (error) {
      if (error instanceof SyncError && hasAction(error, 'stop')) lost.abort(error)
      else if (!outages.failed(error, { work: 'lease', startedMs }))
        log.warn({ cause: String(error) }, 'the lease could not be renewed; trying again')
    } finally {
      renewing = false
    }
  }
  const timer = setInterval(() => renewing || void renew(), renewMs)
  try {
    return await work(AbortSignal.any([signal, lost.signal]))
  } finally {
    clearInterval(timer)
  }
}
