// A batch on its way from staging into the catalogue, and the checkpoint that commits with it.

import type { ErrorCode } from '../core/errors.ts'
import type { Counts } from '../core/ledger.ts'
import type { Term } from '../core/product.ts'
import { ask } from './failures.ts'
import type { Db, DbClient } from './pool.ts'
import type { HeldRun } from './runs.ts'

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

export interface BatchRules {
  readonly normaliserVersion: number
  readonly volatilePaths: readonly string[]
  readonly priceFactor: number
  /** Replays only: what settled runs with a younger artifact saw. */
  readonly seenLater: Buffer | null
}

export interface BatchResult extends Pick<Counts, 'created' | 'updated' | 'unchanged' | 'older' | 'duplicate' | 'held'> {
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
 * Merges what is staged. Atomic with the transaction it runs in, and writes nothing the second time.
 *
 * @throws SyncError `run/fenced`
 */
export async function applyBatch(client: DbClient, run: HeldRun, partNo: number, seqFrom: number, rules: BatchRules): Promise<BatchResult> {
  const { rows } = await ask(client.query<Omit<BatchResult, 'seqs' | 'nextSeq'> & { seqs: Buffer; next_seq: number }>(
    'select * from catalog.apply_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
    [
      run.sourceId,
      run.id,
      run.token,
      run.artifactRun,
      partNo,
      seqFrom,
      rules.normaliserVersion,
      rules.volatilePaths,
      rules.priceFactor,
      rules.seenLater,
      run.firstLoad,
    ],
  ))
  const [row] = rows
  if (!row) throw new Error('apply_batch returned no row')
  const { seqs, next_seq: nextSeq, ...counts } = row
  return { ...counts, seqs: readInts(seqs), nextSeq }
}

/** Keeps records that cannot be applied. Returns the numbers of the products that they name. @throws SyncError `run/fenced` */
export async function quarantineRecords(client: DbClient, run: HeldRun, partNo: number, records: readonly QuarantinedRecord[]): Promise<number[]> {
  const json = records.map((record) => ({
    line_no: record.lineNo,
    byte_offset: record.byteOffset,
    byte_length: record.byteLength,
    external_id: record.externalId,
    rule: record.rule,
    message: record.message,
    raw: Buffer.from(record.raw.subarray(0, RAW_BYTES_MAX)).toString('base64'),
  }))
  const { rows } = await ask(client.query<{ seq: number }>('select * from catalog.quarantine_records($1, $2, $3, $4, $5, $6) as seq', [
    run.sourceId,
    run.id,
    run.token,
    run.artifactRun,
    partNo,
    JSON.stringify(json),
  ]))
  return rows.map(({ seq }) => seq)
}

/** @throws SyncError `run/fenced` */
export async function saveCheckpoint(client: Db | DbClient, run: HeldRun, checkpoint: Checkpoint): Promise<void> {
  await ask(client.query('select catalog.save_checkpoint($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    run.sourceId,
    run.id,
    run.token,
    checkpoint.partNo,
    checkpoint.linesDone,
    checkpoint.bytesDone,
    checkpoint.done,
    JSON.stringify(checkpoint.counts),
    checkpoint.known,
    checkpoint.staged,
  ]))
}

export async function listCheckpoints(db: Db, sourceId: number, run: number): Promise<Checkpoint[]> {
  const { rows } = await db.query<CheckpointRow>('select * from catalog.list_checkpoints($1, $2)', [sourceId, run])
  return rows.map(readCheckpoint)
}

/** How far the run has come in one part; null before its first commit. */
export async function findCheckpoint(db: Db, run: HeldRun, partNo: number): Promise<Checkpoint | null> {
  const { rows } = await db.query<CheckpointRow>('select * from catalog.list_checkpoints($1, $2) where part_no = $3', [run.sourceId, run.id, partNo])
  return rows[0] ? readCheckpoint(rows[0]) : null
}

interface CheckpointRow {
  readonly part_no: number
  readonly lines_done: number
  readonly bytes_done: number
  readonly done: boolean
  readonly counts: Counts
  readonly known: Buffer
  readonly staged: Buffer
}

function readCheckpoint({ part_no: partNo, lines_done: linesDone, bytes_done: bytesDone, done, counts, known, staged }: CheckpointRow): Checkpoint {
  return { partNo, linesDone, bytesDone, done, counts, known, staged }
}

/** Takes `count` product numbers; returns the first. */
export async function reserveSeqs(db: Db, sourceId: number, count: number): Promise<number> {
  const { rows } = await db.query<{ first: number }>('select catalog.reserve_seq($1, $2) as first', [sourceId, count])
  if (!rows[0]) throw new Error('reserve_seq returned no row')
  return rows[0].first
}

/** Writes the brands, organisations and categories that differ. Twice is safe. @throws SyncError `run/fenced` */
export async function writeTerms(db: Db, run: HeldRun, terms: readonly Term[]): Promise<void> {
  const json = terms.map((term) => ({ ...term, external_id: term.externalId, parent_id: term.parentId }))
  await ask(db.query('select catalog.write_terms($1, $2, $3, $4)', [run.sourceId, run.id, run.token, JSON.stringify(json)]))
}

/** The ids behind product numbers. */
export async function nameProducts(db: Db, sourceId: number, seqs: readonly number[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>('select * from catalog.name_products($1, $2) as id', [sourceId, seqs])
  return rows.map(({ id }) => id)
}

function readInts(bytes: Buffer): number[] {
  const ints: number[] = []
  for (let at = 0; at < bytes.length; at += 4) ints.push(bytes.readInt32BE(at))
  return ints
}
