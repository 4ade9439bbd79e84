// The interface by which a lane writes a batch: its records, its quarantined records and the
// checkpoint after it commit in one transaction.

import type { ErrorCode } from '../../core/error-table.ts'
import type { Counts } from '../../core/ledger.ts'
import type { Draft } from '../../core/product.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { LeasedRun } from './runs.ts'

/** A line of an archived part, by its place and its bytes. */
export interface ArchivedLine {
  readonly lineNo: number
  /** Raw offset of the line in its part. */
  readonly byteOffset: number
  readonly line: Buffer
}

/** A record ready to be staged. */
export interface StagedRecord {
  readonly lineNo: number
  /** 16 bytes: the record without its volatile members. */
  readonly recordHash: Uint8Array
  /** The record's JSON. Postgres can read every value in it. */
  readonly raw: Uint8Array | string
  readonly draft: Draft
}

/** A staged record with the line it was read from. */
export interface ReadRecord extends ArchivedLine, StagedRecord {}

/** A record whose draft is encoded: its line and the id of its product remain. */
export interface BatchRecord extends ArchivedLine {
  readonly externalId: string
}

export interface QuarantinedRecord {
  readonly lineNo: number
  readonly byteOffset: number
  readonly byteLength: number
  /** Null when the record has no readable id. */
  readonly externalId: string | null
  readonly rule: ErrorCode
  readonly reason: string
  /** The reason with the place of the line before it. */
  readonly message: string
  readonly raw: Uint8Array
}

/** The records of a batch are those that were added to its writer, in the order of their lines. */
export interface Batch {
  readonly partNo: number
  readonly quarantined: readonly QuarantinedRecord[]
}

/** Counts of one batch, and the numbers of all products that it named. */
export interface BatchOutcome {
  readonly counts: Counts
  readonly seqs: readonly number[]
}

/** The place of a batch in its part. */
export interface BatchStep {
  /** Lines of the part that earlier batches have committed. */
  readonly linesBefore: number
  /** The checkpoint after the batch; without `outcome`, what the batch itself adds is left out. */
  checkpoint(outcome?: BatchOutcome): Checkpoint
}

export interface BatchWriter {
  /** Encodes a record for the next batch, so that its draft need not be kept. Writes nothing. */
  add(record: ReadRecord): void
  /**
   * Writes the added records and the checkpoint in one transaction. Records that Postgres refuses
   * are quarantined, and the others are written without them. Without a step the records have been
   * counted before: the catalogue is merged again and the checkpoint stays.
   *
   * @throws SyncError `run/fenced` · `db/…`
   */
  write(batch: Batch, step: BatchStep | null): Promise<BatchOutcome>
  /** Releases the writer; a `broken` one is not used again. */
  close(broken: boolean): void
}

/** Values that decide how records of a run are merged. */
export interface BatchRules {
  readonly normaliserVersion: number
  readonly volatilePaths: readonly string[]
  readonly priceFactor: number
  /** Replays and keyed runs: bitmap of products that settled runs with a newer artifact saw. */
  readonly seenLater: Buffer | null
}

export interface WriterOptions {
  readonly run: LeasedRun
  readonly rules: BatchRules
  readonly signal: AbortSignal
  /** Returns the quarantined form of a record that was read and that Postgres refuses. */
  quarantine(partNo: number, record: BatchRecord, reason: string): QuarantinedRecord
}
