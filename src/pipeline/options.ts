// Limits and delays of the pipeline, with their defaults. Tests make them small.

import { wait, type Waiter } from '../lib/back-off.ts'

export interface PipelineOptions {
  /** Parts that one process applies in parallel, each on its own connection. */
  readonly lanes: number
  /** Raw bytes of one part. A part with a larger line may have more. */
  readonly partBytesMax: number
  /** Age of a part at which it is stored while the next page is awaited. */
  readonly partAgeMs: number
  /** Records and bytes of lines that one transaction commits. */
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  /** A larger line is quarantined without being parsed. */
  readonly recordBytesMax: number
  /**
   * Known hashes kept in memory, 25 bytes each. Records beyond the limit are parsed and compared
   * in the database.
   */
  readonly knownRecordsMax: number
  /**
   * Memory for the lines of parts that the fetch has hashed and no lane has applied yet. Lines beyond
   * the limit are read back from the store.
   */
  readonly hashedBytesMax: number
  /** Consecutive attempts without a new page after which a fetch gives up. */
  readonly attemptsMax: number
  /**
   * Time without progress for which a run waits for Postgres or the artifact store. After it the
   * run is interrupted, and a later sync may resume it.
   */
  readonly retryWithinMs: number
  readonly backOff: { readonly baseMs: number; readonly maxMs: number }
  readonly wait: Waiter
}

export const DEFAULT_OPTIONS: PipelineOptions = {
  lanes: 2,
  partBytesMax: 32 * 1024 * 1024,
  partAgeMs: 100,
  batchRecordsMax: 5000,
  batchBytesMax: 4 * 1024 * 1024,
  recordBytesMax: 8 * 1024 * 1024,
  knownRecordsMax: 1_000_000,
  hashedBytesMax: 8 * 1024 * 1024,
  attemptsMax: 6,
  retryWithinMs: 10 * 60_000,
  backOff: { baseMs: 1000, maxMs: 60_000 },
  wait,
}

/**
 * Through the Data API each batch is one request: 256 KiB of lines become about 0.7 MB of JSON, and
 * a line over 1 MiB is quarantined.
 */
export const DATA_API_OPTIONS: PipelineOptions = {
  ...DEFAULT_OPTIONS,
  partAgeMs: 5_000,
  batchRecordsMax: 500,
  batchBytesMax: 256 * 1024,
  recordBytesMax: 1024 * 1024,
}
