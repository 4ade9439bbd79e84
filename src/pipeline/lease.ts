// Keeping a lease while work goes on. Losing it is no news to the database, which refuses every write from then on; the signal only
// spares the worker the effort.

import { SyncError } from '../core/errors.ts'
import type { Catalog } from '../db/catalog.ts'
import { LEASE_MS, renewLease, type HeldRun } from '../db/runs.ts'
import type { Log } from './context.ts'

/** Renews the lease of a run, or of a task of it, while `work` goes on; when it is lost, `work` is aborted with `run/fenced`. */
export async function whileLeased<T>(db: Catalog, log: Log, run: HeldRun, signal: AbortSignal, work: (held: AbortSignal) => Promise<T>): Promise<T> {
  const lost = new AbortController()
  const timer = setInterval(() => {
    renewLease(db, run).then(
      (held) => held || lost.abort(new SyncError('run/fenced', `Run ${run.id} was taken over by another worker`)),
      (error: unknown) => log.warn({ cause: String(error) }, 'the lease could not be renewed; trying again'),
    )
  }, LEASE_MS / 3)
  try {
    return await work(AbortSignal.any([signal, lost.signal]))
  } finally {
    clearInterval(timer)
  }
}
