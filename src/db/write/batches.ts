// A batch on its way from staging into the catalogue, and the checkpoint that commits with it.

import type { ErrorCode } from '../../core/errors.ts'
import type { Counts } from '../../core/ledger.ts'
import type { Term } from '../../core/product.ts'
import { type Catalog, jsonb, one, toBytes } from '../catalog.ts'
import type { DbClient } from '../pool.ts'
import type { LeasedRun } from './runs.ts'

export interface Checkpoint {
  readonly partNo: number
  /** Lines and bytes of the part that need not be looked at again. */
  readonly linesDone: number
  readonly bytesDone: number
  readonly done: boolean
  readonly counts: Counts
  /** Packed bitmaps: products whose hash was known, and products that went through staging. */
  readonly known: Buffer
  readonly staged: Buffer
}

export interface StoredCheckpoint extends Checkpoint {
  /**
   * Numbers of further products that went through staging: those of the last batch, when the
   * database had to add them by itself.
   */
  readonly fresh: readonly number[]
}

export interface BatchRules {
  readonly normaliserVersion: number
  readonly volatilePaths: readonly string[]
  readonly priceFactor: number
  /** Replays only: what settled runs with a younger artifact saw. */
  readonly seenLater: Buffer | null
}

export interface BatchResult extends Pick<
  Counts,
  'created' | 'updated' | 'unchanged' | 'older' | 'duplicate' | 'held'
> {
  /** The numbers of all products that the batch named. */
  readonly seqs: readonly number[]
  readonly nextSeq: number
}

export interface QuarantinedRecord {
  readonly lineNo: number
  readonly byteOffset: number
  readonly byteLength: number
  readonly externalId: string | null
  readonly rule: ErrorCode
  readonly why: string
  /** The same with the place of the line. */
  readonly message: string
  readonly raw: Uint8Array
}

const RAW_BYTES_MAX = 64 * 1024

/** Makes the session's staging tables. Once a connection. */
export async function openStaging(client: DbClient): Promise<void> {
  await client.query(`set temp_buffers = '24MB'`)
  await client.query('select catalog.open_staging()')
}

export async function clearStaging(client: DbClient): Promise<void> {
  await client.query('select catalog.clear_staging()')
}

/**
 * Merges what is staged. Atomic with the transaction it runs in, and writes nothing the second
 * time.
 *
 * @throws SyncError `run/fenced`
 */
export async function applyBatch(
  db: Catalog,
  run: LeasedRun,
  partNo: number,
  seqFrom: number,
  rules: BatchRules,
): Promise<BatchResult> {
  const row = one(
    await db.call<Omit<BatchResult, 'seqs' | 'nextSeq'> & { seqs: string; next_seq: number }>(
      'apply_batch',
      {
        source: run.sourceId,
        run: run.id,
        token: run.token,
        artifact_run: run.artifactRun,
        part: partNo,
        seq_from: seqFrom,
        normaliser_version: rules.normaliserVersion,
        volatile: rules.volatilePaths,
        price_factor: rules.priceFactor,
        seen_later: rules.seenLater,
        first_load: run.firstLoad,
      },
    ),
  )
  const { seqs, next_seq: nextSeq, ...counts } = row
  return { ...counts, seqs: toInts(seqs), nextSeq }
}

/**
 * Keeps records that cannot be applied. Returns the numbers of the products that they name. @throws
 * SyncError `run/fenced`
 */
export async function quarantineRecords(
  db: Catalog,
  run: LeasedRun,
  partNo: number,
  records: readonly QuarantinedRecord[],
): Promise<number[]> {
  return db.call<number>('quarantine_records', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    artifact_run: run.artifactRun,
    part: partNo,
    records: quarantineJson(records),
  })
}

export function quarantineJson(records: readonly QuarantinedRecord[]): object {
  return jsonb(
    records.map((record) => ({
      line_no: record.lineNo,
      byte_offset: record.byteOffset,
      byte_length: record.byteLength,
      external_id: record.externalId,
      rule: record.rule,
      message: record.message,
      raw: Buffer.from(record.raw.subarray(0, RAW_BYTES_MAX)).toString('base64'),
    })),
  )
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

/** How far the run has come in one part; null before its first commit. */
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

interface CheckpointRow {
  readonly part_no: number
  readonly lines_done: number
  readonly bytes_done: number
  readonly done: boolean
  readonly counts: Counts
  readonly known: string
  readonly staged: string
  readonly last_staged: string
}

function toCheckpoint(row: CheckpointRow): StoredCheckpoint {
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

/** Takes `count` product numbers; returns the first. */
export async function reserveSeqs(db: Catalog, sourceId: number, count: number): Promise<number> {
  return one(await db.call<number>('reserve_seqs', { source: sourceId, count }))
}

/**
 * Writes the brands, organisations and categories that differ. Twice is safe. @throws SyncError
 * `run/fenced`
 */
export async function writeTerms(
  db: Catalog,
  run: LeasedRun,
  terms: readonly Term[],
): Promise<void> {
  const rows = terms.map((term) => ({
    ...term,
    external_id: term.externalId,
    parent_id: term.parentId,
  }))
  await db.call('upsert_terms', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    terms: jsonb(rows),
  })
}

/** The ids behind product numbers. */
export async function nameProducts(
  db: Catalog,
  sourceId: number,
  seqs: readonly number[],
): Promise<string[]> {
  return db.call<string>('list_product_ids', { source: sourceId, seqs })
}

/** Big-endian int4s, one after the other. */
export function toInts(hex: string): number[] {
  const bytes = toBytes(hex)
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readInt32BE(index * 4))
}
