// Facts that a fetch records about its artifact beside the parts: counts, warnings, the error that ended it.

import type { ErrorCode } from '../core/error-table.ts'
import type { Artifact, ArtifactNote } from '../db/write/artifacts.ts'
import type { Progress } from './context.ts'

const WARNINGS_MAX = 100

export class FetchNotes {
  expected: number | null
  watermarkMs: number | null
  readonly #warnings: string[]
  readonly #progress: Progress
  /** The requests of this run in other processes, which had the fetch before. */
  readonly #before: Pick<ArtifactNote, 'requests' | 'failedRequests'>
  #errorCode: ErrorCode | null = null

  constructor(artifact: Artifact | null, progress: Progress) {
    const { expected = null, watermarkMs = null, warnings = [] } = artifact ?? {}
    const { requests = 0, failedRequests = 0 } = artifact ?? {}
    const { requestCount } = progress
    this.expected = expected
    this.watermarkMs = watermarkMs
    this.#warnings = [...warnings]
    this.#progress = progress
    this.#before = {
      requests: requests - requestCount.requests,
      failedRequests: failedRequests - requestCount.failedRequests,
    }
  }

  warn(message: string): void {
    if (this.#warnings.length < WARNINGS_MAX) this.#warnings.push(message)
  }

  /** The last warning of an artifact that is not complete. */
  endEarly({ code, message }: Shortfall): void {
    this.#errorCode = code
    this.#warnings.push(message)
  }

  toNote(closed: boolean, complete: boolean): ArtifactNote {
    const { requestCount } = this.#progress
    return {
      closed,
      complete: closed && complete,
      expected: this.expected,
      watermarkMs: this.watermarkMs,
      warnings: this.#warnings,
      errorCode: this.#errorCode,
      requests: this.#before.requests + requestCount.requests,
      failedRequests: this.#before.failedRequests + requestCount.failedRequests,
    }
  }
}

/** The error after which a fetch ends with what has arrived. */
export interface Shortfall {
  readonly code: ErrorCode
  readonly message: string
}
