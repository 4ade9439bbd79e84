// One call of the Data API that writes a batch: its records as JSON, its quarantined records, and
// the checkpoint.

import { SyncError } from '../../core/errors.ts'
import type { Counts } from '../../core/ledger.ts'
import { jsonb, one, toInts, type Catalog } from '../catalog.ts'
import type { BatchRules, QuarantinedRecord } from './batch-writer.ts'
import { toQuarantineJson } from './batches.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { LeasedRun } from './runs.ts'

export interface BatchCall {
  readonly partNo: number
  /** As `StagedJson` renders them. */
  readonly records: readonly string[]
  readonly quarantined: readonly QuarantinedRecord[]
  readonly seqFrom: number
  readonly rules: BatchRules
  /**
   * Lines of the part before the batch, and the checkpoint after it without the counts of the batch
   * itself, which the database adds. Null: nothing is counted, and the checkpoint stays.
   */
  readonly step: { readonly linesBefore: number; readonly checkpoint: Checkpoint } | null
}

export interface BatchResponse {
  /** Counts of the whole part so far. */
  readonly counts: Counts
  /** The numbers of all products that the batch named. */
  readonly seqs: readonly number[]
  /** The first product number that is still free. */
  readonly nextSeq: number
}

/**
 * Writes a batch and its checkpoint, or nothing of either. A second identical call writes nothing
 * and returns the same response.
 *
 * @throws SyncError `record/invalid`: see `listRefused` · `db/busy` when the checkpoint of the part
 * is not where the call expects it · `run/fenced`
 */
export async function callBatch(
  db: Catalog,
  run: LeasedRun,
  { step, rules, ...call }: BatchCall,
): Promise<BatchResponse> {
  const checkpoint = step?.checkpoint
  const row = one(
    await db.call<{ counts: Counts; seqs: string; next_seq: number }>('write_batch', {
      source: run.sourceId,
      run: run.id,
      token: run.token,
      part: call.partNo,
      lines_before: step?.linesBefore ?? null,
      lines_done: checkpoint?.linesDone ?? null,
      bytes_done: checkpoint?.bytesDone ?? null,
      done: checkpoint?.done ?? null,
      counts: checkpoint ? jsonb(checkpoint.counts) : null,
      known: checkpoint?.known ?? null,
      staged: checkpoint?.staged ?? null,
      records: call.records,
      quarantined: toQuarantineJson(call.quarantined),
      seq_from: call.seqFrom,
      volatile: rules.volatilePaths,
      price_factor: rules.priceFactor,
      seen_later: rules.seenLater,
      age: `${Math.ceil(checkpoint?.ageMs ?? 0)} ms`,
    }),
  )
  return { counts: row.counts, seqs: toInts(row.seqs), nextSeq: row.next_seq }
}

/**
 * Returns the records that Postgres refused, by their index in the call, of which nothing was
 * written. Returns none when the call failed for another reason.
 */
export function listRefused(error: unknown): { readonly index: number; readonly reason: string }[] {
  if (!(error instanceof SyncError) || error.code !== 'record/invalid') return []
  const { refused = [] } = error.detail as { refused?: readonly { record: number; why: string }[] }
  return refused.map(({ record, why }) => ({ index: record - 1, reason: why }))
}
