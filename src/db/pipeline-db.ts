// The database as the pipeline uses it. `Db` does it with sessions of Postgres, `DataApi` with
// single calls.

import type { Catalog } from './catalog.ts'
import type { BatchWriter, WriterOptions } from './write/batch-writer.ts'

/** Receives the 16-byte record hash of a product, which is valid during the call only. */
export type TakeHash = (hash: Uint8Array, seq: number) => void

export interface PipelineDb extends Catalog {
  /** Calls `take` once for each product of the source that is not removed, in no order. */
  readKnownHashes(sourceId: number, take: TakeHash): Promise<void>

  /** Opens what a lane writes its batches with. The caller closes it. */
  openWriter(options: WriterOptions): Promise<BatchWriter>

  /** The versions of the migrations that the database has. */
  listAppliedVersions(): Promise<string[]>

  /**
   * Refreshes the statistics of the big tables after a large load, where that is possible. Calls
   * `onSkipped` with the reason for each table that was left out; never throws.
   */
  analyzeAfterLoad(onSkipped: (reason: string) => void): Promise<void>
}
