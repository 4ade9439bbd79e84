// What the HTTP faces ask for. The work is done elsewhere: a request only starts it, finds it or
// ends it.

import type { RequestedRun, RefusedRun, RunsRequest } from '../../jobs/request-runs.ts'

export interface ComponentHealth {
  readonly component: string
  readonly ok: boolean
  /** What is wrong, or what was looked at; never a secret. */
  readonly detail: string
  readonly latencyMs: number
}

export interface Operations {
  /**
   * Starts or finds the runs that the order asks for, one per source. Twice gives the same runs.
   * The correlation id goes into the rows of the runs that are started.
   *
   * @throws SyncError `source/unknown` · `source/paused` · `run/active` · `db/…` when no source has
   * a run
   */
  order(order: RunsRequest, correlationId: string): Promise<readonly (RequestedRun | RefusedRun)[]>
  /**
   * Ends a run for good; one that is over stays as it is. Answers its state afterwards. @throws
   * SyncError `run/unknown`
   */
  cancel(run: number): Promise<{ readonly run: number; readonly state: string }>
  /** Looks at every component anew. What is broken is in the answer, not thrown. */
  health(): Promise<readonly ComponentHealth[]>
}
