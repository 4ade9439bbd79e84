// A batch that goes to the catalogue in one call: its records as JSON, what is quarantined of it,
// and the checkpoint.

import { SyncError } from '../../core/errors.ts'
import type { Counts } from '../../core/ledger.ts'
import {
  quarantineJson,
  toInts,
  type BatchRules,
  type Checkpoint,
  type QuarantinedRecord,
} from './batches.ts'
import { jsonb, one, type Catalog } from '../catalog.ts'
import type { LeasedRun } from './runs.ts'

export interface BatchCall {
  readonly partNo: number
  /** As `StagedJson` renders them. */
  readonly records: readonly string[]
  readonly quarantined: readonly QuarantinedRecord[]
  readonly seqFrom: number
}

/**
 * Where the part stands before the batch, and where it will after it: without what the batch itself
 * adds, which only the database knows.
 */
export interface Step {
  readonly linesBefore: number
  readonly checkpoint: Checkpoint
}

export interface BatchAnswer {
  /** Of the whole part so far. */
  readonly counts: Counts
  /** The numbers of all products that the batch named. */
  readonly seqs: readonly number[]
  readonly nextSeq: number
}

/** A record that Postgres cannot hold: its index in the call. */
export interface RefusedRecord {
  readonly index: number
  readonly why: string
}

/**
 * Writes a batch and its checkpoint, or nothing of either. Sent twice it is written once, and
 * answers the same. Without a step the records have had their outcome before: nothing is counted,
 * and the checkpoint stays.
 *
 * @throws SyncError `record/invalid`: see `refusedBy` · `db/busy` when the part stands elsewhere ·
 * `run/fenced`
 */
export async function callBatch(
  db: Catalog,
  run: LeasedRun,
  rules: BatchRules,
  call: BatchCall,
  step: Step | null,
): Promise<BatchAnswer> {
  const { linesBefore, checkpoint } = step ?? { linesBefore: null, checkpoint: null }
  const row = one(
    await db.call<{ counts: Counts; seqs: string; next_seq: number }>('write_batch', {
      source: run.sourceId,
      run: run.id,
      token: run.token,
      part: call.partNo,
      lines_before: linesBefore,
      lines_done: checkpoint?.linesDone ?? null,
      bytes_done: checkpoint?.bytesDone ?? null,
      done: checkpoint?.done ?? null,
      counts: checkpoint && jsonb(checkpoint.counts),
      known: checkpoint?.known ?? null,
      staged: checkpoint?.staged ?? null,
      records: call.records,
      quarantined: quarantineJson(call.quarantined),
      seq_from: call.seqFrom,
      volatile: rules.volatilePaths,
      price_factor: rules.priceFactor,
      seen_later: rules.seenLater,
    }),
  )
  return { counts: row.counts, seqs: toInts(row.seqs), nextSeq: row.next_seq }
}

/**
 * The records for which a call was refused, so that it can be made again without them; nothing of
 * it was written. Empty: it failed otherwise.
 */
export function refusedBy(error: unknown): RefusedRecord[] {
  if (!(error instanceof SyncError) || error.code !== 'record/invalid') return []
  const { refused = [] } = error.detail as { refused?: readonly { record: number; why: string }[] }
  return refused.map(({ record, why }) => ({ index: record - 1, why }))
}
