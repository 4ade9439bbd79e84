// The operations behind the HTTP servers. A request only starts, finds or ends runs; workers
// execute them.

import type { ImportRequest } from '../../jobs/request-import.ts'
import type { RequestedRun, RefusedRun, RunsRequest } from '../../jobs/requests.ts'

export interface ComponentHealth {
  readonly component: string
  readonly ok: boolean
  /** The problem, or what was checked. Never a secret. */
  readonly detail: string
  readonly latencyMs: number
}

export interface Operations {
  /**
   * Starts or finds the requested runs, one per source. Calling twice returns the same runs. The
   * correlation id is stored in the rows of the runs that this call starts.
   *
   * @throws SyncError `source/unknown` · `source/paused` · `run/active` · `db/…` when no source has
   * a run
   */
  requestRuns(
    request: RunsRequest,
    correlationId: string,
  ): Promise<readonly (RequestedRun | RefusedRun)[]>
  /**
   * Starts or finds the import of these products.
   *
   * @throws SyncError see `requestImport` in src/jobs/request-import.ts
   */
  requestImport(request: ImportRequest, correlationId: string): Promise<RequestedRun>
  /**
   * Cancels a run permanently and returns its state. A finished run stays unchanged.
   *
   * @throws SyncError `run/unknown`
   */
  cancelRun(run: number): Promise<{ readonly run: number; readonly state: string }>
  /** Checks every component now. A broken component is reported, not thrown. */
  checkHealth(): Promise<readonly ComponentHealth[]>
}
