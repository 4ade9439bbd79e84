// The pipeline's interface to the database. `Db` implements it with sessions of Postgres, `DataApi`
// with single calls.

import type { Catalog } from './catalog.ts'
import type { BatchWriter, WriterOptions } from './write/batch-writer.ts'

/** Receives the 16-byte record hash of a product, which is valid during the call only. */
export type TakeHash = (hash: Uint8Array, seq: number) => void

export interface PipelineDb extends Catalog {
  /**
   * Calls `take` once for each product of the source that is not removed and whose licence has no
   * end, in any order.
   */
  readKnownHashes(sourceId: number, take: TakeHash): Promise<void>

  /** Returns a writer for the batches of one lane. The caller closes it. */
  openWriter(options: WriterOptions): BatchWriter

  /** Returns the versions of the migrations that were applied to the database. */
  listAppliedVersions(): Promise<string[]>

  /**
   * Refreshes the statistics of the big tables after a large load, where that is possible. Calls
   * `onSkipped` with the reason for each table that was skipped; never throws.
   */
  analyzeAfterLoad(onSkipped: (reason: string) => void): Promise<void>
}
