// The contract of a downstream step: work on products after their run has settled, such as storing
// images. It never delays a sync. The remaining work is always found in rows, never in memory.

import type { Http } from '../core/http.ts'
import type { Role } from '../core/roles.ts'
import type { Settings } from '../config/settings.ts'
import type { Db } from '../db/pool.ts'
import type { Waiter } from '../lib/back-off.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Redactor } from '../telemetry/redact.ts'

/** Handles of the process that a step uses. */
export interface StepTools {
  readonly settings: Settings
  readonly db: Db
  readonly log: Log
  readonly metrics: Metrics
  /** Removes every secret of the settings from a text. */
  readonly redact: Redactor
  /** Checks addresses, but has no limits: `limitRequests` of src/sources adds them. */
  readonly http: Http
  readonly options: { readonly wait: Waiter }
}

/** One downstream step. src/downstream/steps.ts lists them. */
export interface DownstreamStep {
  /** A noun in lower case, for the log. */
  readonly name: string
  /** The role of `shelfsync serve` whose processes execute it. */
  readonly role: Role
  /**
   * Opens the step in a process, or returns null when the settings switch it off. Several processes
   * may have it open.
   *
   * @throws SyncError `settings/invalid`
   */
  open(tools: StepTools): OpenStep | null
}

export interface OpenStep {
  /** Number of calls of `work` at the same time. */
  readonly workers: number
  /**
   * Claims rows that are due, under a lease, and finishes them. Returns true if there were any: the
   * next call follows at once. Returns false if nothing was due: the next call follows after a pause.
   * A process that is killed at any instant loses nothing: its lease expires, and doing the same work
   * twice is safe. An abort ends the call after the present item.
   */
  work(signal: AbortSignal): Promise<boolean>
  /** True while rows are due. A process with EXIT_WHEN_IDLE_SECONDS then does not end. */
  hasWork(): Promise<boolean>
}
