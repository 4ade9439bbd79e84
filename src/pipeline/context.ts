// The context of every stage of a run: handles, the leased run, and the progress it reports.

import type { ArtifactStore } from '../artifacts/store.ts'
import type { ErrorCode } from '../core/error-table.ts'
import type { Http } from '../core/http.ts'
import { emptyCounts, type Counts } from '../core/ledger.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import type { LeasedRun } from '../db/write/runs.ts'
import type { ApplyOptions } from '../normalise/apply-options.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import type { RequestCount } from '../sources/request-log.ts'
import type { RequestIntervals } from '../sources/request-turns.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { Redactor } from '../telemetry/redact.ts'
import type { PipelineOptions } from './options.ts'

export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(facts: object): Log
}

/** The progress of a run in this process. The stages update it; the caller may read it at any time. */
export interface Progress {
  phase: 'start' | 'fetch' | 'apply' | 'settle' | 'done'
  expected: number | null
  fetchedLines: number
  fetchedBytes: number
  appliedLines: number
  appliedBytes: number
  readonly counts: Counts
  /** The requests of this process to the supplier. */
  readonly requestCount: RequestCount
  /** The reason why the run is waiting, or null. */
  waiting: string | null
  /** Total of the waits for the turns of requests and before their retries. */
  supplierWaitMs: number
}

export function createProgress(): Progress {
  return {
    phase: 'start',
    expected: null,
    fetchedLines: 0,
    fetchedBytes: 0,
    appliedLines: 0,
    appliedBytes: 0,
    counts: emptyCounts(),
    requestCount: { requests: 0, failedRequests: 0 },
    waiting: null,
    supplierWaitMs: 0,
  }
}

/** The caller's means to follow a run and to stop it. */
export interface RunControls {
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** A wait for Postgres, the artifact store or the supplier. */
export interface Pause {
  readonly code: ErrorCode
  /** Time until the next attempt. */
  readonly waitMs: number
  /** Duration of the failed attempt if it made no progress, else 0. */
  readonly triedMs: number
}

/** Handles that the pipeline borrows from its caller. */
export interface PipelineTools {
  readonly db: PipelineDb
  readonly store: ArtifactStore
  readonly http: Http
  /** See `limitRequests`. */
  readonly requestIntervals: RequestIntervals
  readonly credentials: CredentialReader
  readonly log: Log
  readonly outages: Outages
  /** Applied to every outside text before it is stored: an error message may quote a key. */
  readonly redact: Redactor
  readonly options: PipelineOptions
}

export interface RunContext extends PipelineTools, BoundSource, RunControls {
  readonly run: LeasedRun
  /** Applies the options of the source to the draft of its connector; null without options. */
  readonly applyOptions: ApplyOptions | null
  /** Called for every wait for Postgres, the store or the supplier. */
  readonly onPause?: (pause: Pause) => void
  /** Called with the time from the arrival of a part's first page to the commit of its last row. */
  readonly onApplied?: (seconds: number) => void
}
