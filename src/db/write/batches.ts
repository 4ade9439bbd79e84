// The SQL functions that merge a staged batch into the catalogue and store its quarantined records.

import type { Counts } from '../../core/ledger.ts'
import { type Catalog, jsonb, one, toInts } from '../catalog.ts'
import type { DbClient } from '../transaction.ts'
import type { BatchRules, QuarantinedRecord } from './batch-writer.ts'
import type { LeasedRun } from './runs.ts'

export interface MergedBatch extends Pick<
  Counts,
  'created' | 'updated' | 'unchanged' | 'older' | 'duplicate' | 'held'
> {
  /** The numbers of all products that the batch named. */
  readonly seqs: readonly number[]
  /** The first product number that is still free. */
  readonly nextSeq: number
}

const RAW_BYTES_MAX = 64 * 1024

/** Creates the session's staging tables. Call it once per connection: see `Db.openStaging`. */
export async function createStaging(client: DbClient): Promise<void> {
  await client.query(`set temp_buffers = '24MB'`)
  await client.query('select catalog.open_staging()')
}

export async function clearStaging(client: DbClient): Promise<void> {
  await client.query('select catalog.clear_staging()')
}

/**
 * Merges the staged records. Atomic with the transaction it runs in; a second call with the same
 * records writes nothing.
 *
 * @throws SyncError `run/fenced`
 */
export async function applyBatch(
  session: Catalog,
  run: LeasedRun,
  batch: { readonly partNo: number; readonly seqFrom: number; readonly rules: BatchRules },
): Promise<MergedBatch> {
  const { partNo, seqFrom, rules } = batch
  const row = one(
    await session.call<Omit<MergedBatch, 'seqs' | 'nextSeq'> & { seqs: string; next_seq: number }>(
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
 * Stores records that cannot be applied. Returns the numbers of the products that they name.
 *
 * @throws SyncError `run/fenced`
 */
export async function quarantineRecords(
  session: Catalog,
  run: LeasedRun,
  partNo: number,
  records: readonly QuarantinedRecord[],
): Promise<number[]> {
  return session.call<number>('quarantine_records', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    artifact_run: run.artifactRun,
    part: partNo,
    records: toQuarantineJson(records),
  })
}

/** The argument that `quarantine_records` and `write_batch` take. */
export function toQuarantineJson(records: readonly QuarantinedRecord[]): object {
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
