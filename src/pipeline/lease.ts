// Keeping a lease while work goes on. Losing it is no news to the database, which refuses every
// write from then on; the signal only spares the worker the effort.

import { asks, SyncError } from '../core/errors.ts'
import type { Catalog } from '../db/catalog.ts'
import { LEASE_MS, renewLease, type LeasedRun } from '../db/write/runs.ts'
import type { Log } from './context.ts'

/**
 * When a lease is renewed, and how long one renewal may take: together less than the lease lasts.
 */
const RENEW_MS = LEASE_MS / 3

/**
 * Renews the lease of a run, or of a task of it, every `renewMs` while `work` goes on; when it is
 * lost, or the run is over, `work` is aborted with `run/fenced`, `run/over` or `run/cancelled`. A
 * renewal that has not come through after `renewMs` is given up before the next begins.
 */
export async function whileLeased<T>(
  db: Catalog,
  log: Log,
  run: LeasedRun,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<T>,
  renewMs = RENEW_MS,
): Promise<T> {
  const lost = new AbortController()
  let renewing = false
  const renew = async (): Promise<void> => {
    renewing = true
    try {
      await renewLease(db, run, renewMs)
    } catch (error) {
      if (error instanceof SyncError && asks(error, 'stop')) lost.abort(error)
      else log.warn({ cause: String(error) }, 'the lease could not be renewed; trying again')
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
