// What every stage of one run is given: the run itself, the handles, and the numbers that a person
// watches meanwhile.

import type { ArtifactStore } from '../artifacts/store.ts'
import { emptyCounts, type Counts } from '../core/ledger.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import type { LeasedRun } from '../db/write/runs.ts'
import type { Http } from '../core/http.ts'
import type { Waiter } from '../lib/back-off.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import type { Redactor } from '../telemetry/redact.ts'

export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** The numbers of a run under way. The stages write them, whoever draws a bar reads them. */
export interface Progress {
  phase: 'start' | 'fetch' | 'apply' | 'settle' | 'done'
  expected: number | null
  fetchedLines: number
  fetchedBytes: number
  appliedLines: number
  appliedBytes: number
  readonly counts: Counts
  /** Why nothing moves just now, or null. */
  waiting: string | null
}

export function newProgress(): Progress {
  return {
    phase: 'start',
    expected: null,
    fetchedLines: 0,
    fetchedBytes: 0,
    appliedLines: 0,
    appliedBytes: 0,
    counts: emptyCounts(),
    waiting: null,
  }
}

/** Limits and habits of the line. Everything has a default; tests make them small. */
export interface PipelineOptions {
  /** Parts that are applied side by side, each on a connection of its own. */
  readonly lanes: number
  readonly partBytesMax: number
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  /** A larger line is quarantined without being parsed. */
  readonly recordBytesMax: number
  /**
   * Known hashes held in memory at most: 25 bytes each. What does not fit is parsed and compared
   * instead.
   */
  readonly knownRecordsMax: number
  /** Attempts in a row without a new page before a fetch gives up. */
  readonly attemptsMax: number
  /**
   * How long Postgres or the artifact store may be away before a run is given up, and left to be
   * resumed.
   */
  readonly retryWithinMs: number
  readonly backOff: { readonly baseMs: number; readonly maxMs: number }
  readonly wait: Waiter
}

/** A wait of the line for Postgres, the artifact store or the supplier. */
export interface Pause {
  readonly code: ErrorCode
  /** Until the next attempt. */
  readonly waitMs: number
  /**
   * What the attempt before took, when it got nowhere: a server that is silent is found out only by
   * waiting.
   */
  readonly triedMs: number
}

/** How the caller follows a run and stops it. */
export interface RunControls {
  readonly progress: Progress
  readonly signal: AbortSignal
}

export interface RunContext extends BoundSource, RunControls {
  readonly db: PipelineDb
  readonly store: ArtifactStore
  readonly http: Http
  readonly credentials: CredentialReader
  readonly log: Log
  /** For what is stored: messages from outside may quote a key. */
  readonly redact: Redactor
  readonly run: LeasedRun
  readonly options: PipelineOptions
  /** Told of every wait for Postgres, the store or the supplier. */
  readonly onPause?: (pause: Pause) => void
}
