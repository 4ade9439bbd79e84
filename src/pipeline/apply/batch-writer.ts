// How a lane writes: a batch and the checkpoint after it together, or nothing of either. With a
// session batches are copied into staging; by the Data API each is one call.

import type { BatchRules, QuarantinedRecord } from '../../db/write/batches.ts'
import type { PendingLine } from './batch.ts'
import type { PartPosition } from './part-position.ts'
import type { Terms } from './term-writer.ts'

export interface BatchWriter {
  /**
   * Writes `lines` and what was set aside before, with the checkpoint of `at`, to which it adds
   * what they come to. Returns the numbers of the products that they name.
   *
   * @throws SyncError `run/fenced`; after any failure `at` is of no use any more
   */
  write(
    at: PartPosition,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
    done: boolean,
  ): Promise<readonly number[]>
  /**
   * Merges lines once more without counting them: they have their outcome already. Twice is safe.
   */
  writeAgain(partNo: number, lines: readonly PendingLine[]): Promise<void>
  close(broken: boolean): void
}

/** What all writers of a run share. */
export interface WriterState {
  readonly terms: Terms
  readonly rules: BatchRules
}
