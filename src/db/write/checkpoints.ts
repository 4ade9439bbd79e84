// Checkpoints: how much of each part a run has applied. A checkpoint commits with its batch.

import type { Counts } from '../../core/ledger.ts'
import { type Catalog, jsonb, toBytes, toInts } from '../catalog.ts'
import type { LeasedRun } from './runs.ts'

export interface Checkpoint {
  readonly partNo: number
  /** Lines and bytes of the part that need not be read again. */
  readonly linesDone: number
  readonly bytesDone: number
  readonly done: boolean
  readonly counts: Counts
  /** Packed bitmaps: products whose hash was known, and products that went through staging. */
  readonly known: Buffer
  readonly staged: Buffer
  /** Time since the worker began the part. */
  readonly ageMs: number
}

export interface StoredCheckpoint extends Omit<Checkpoint, 'ageMs'> {
  /**
   * Numbers of further products that went through staging. The database adds them itself to a
   * checkpoint that came with its batch in one call.
   */
  readonly fresh: readonly number[]
}

/** @throws SyncError `run/fenced` */
export async function saveCheckpoint(
  db: Catalog,
  run: LeasedRun,
  checkpoint: Checkpoint,
): Promise<void> {
  await db.call('save_checkpoint', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    part: checkpoint.partNo,
    lines_done: checkpoint.linesDone,
    bytes_done: checkpoint.bytesDone,
    done: checkpoint.done,
    counts: jsonb(checkpoint.counts),
    known: checkpoint.known,
    staged: checkpoint.staged,
    age: `${Math.ceil(checkpoint.ageMs)} ms`,
  })
}

export async function listCheckpoints(
  db: Catalog,
  sourceId: number,
  run: number,
): Promise<StoredCheckpoint[]> {
  return (await db.call<CheckpointRow>('list_checkpoints', { source: sourceId, run })).map(
    toCheckpoint,
  )
}

/** The run's checkpoint in one part; null before its first commit. */
export async function findCheckpoint(
  db: Catalog,
  run: LeasedRun,
  partNo: number,
): Promise<StoredCheckpoint | null> {
  const [row] = await db.call<CheckpointRow>('find_checkpoint', {
    source: run.sourceId,
    run: run.id,
    part: partNo,
  })
  return row ? toCheckpoint(row) : null
}

export interface CheckpointRow {
  readonly part_no: number
  readonly lines_done: number
  readonly bytes_done: number
  readonly done: boolean
  readonly counts: Counts
  readonly known: string
  readonly staged: string
  readonly last_staged: string
}

export function toCheckpoint(row: CheckpointRow): StoredCheckpoint {
  return {
    partNo: row.part_no,
    linesDone: row.lines_done,
    bytesDone: row.bytes_done,
    done: row.done,
    counts: row.counts,
    known: toBytes(row.known),
    staged: toBytes(row.staged),
    fresh: toInts(row.last_staged),
  }
}
