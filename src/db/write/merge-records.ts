// Stages and merges the records of a batch in one session. When Postgres refuses the batch because
// of a record, smaller attempts find that record, and the batch is written without it. Each attempt
// is a transaction that is rolled back: savepoints inside one transaction would add up and slow
// down every later statement.

import { finished } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { isRecordRefusal } from '../errors.ts'
import { dryRun, transaction, type DbClient } from '../transaction.ts'
import type { BatchRecord } from './batch-writer.ts'
import { clearStaging } from './batches.ts'
import {
  COLUMNS,
  STAGING_TABLES,
  type RecordRange,
  type StagedRows,
  type StagingTable,
} from './staged-rows.ts'

export interface MergeSession<Merged> {
  /** A connection with staging tables: see `Db.openStaging`. */
  readonly client: DbClient
  readonly rows: StagedRows
  readonly signal: AbortSignal
  /** Called first in each transaction. */
  begin(): Promise<void>
  /** Merges the staged records. */
  merge(): Promise<Merged>
}

export interface RefusedRecord {
  readonly record: BatchRecord
  /** The message of Postgres. */
  readonly reason: string
}

/** A batch in the form that Postgres accepts: pieces that are merged one after the other. */
interface AcceptedBatch {
  readonly pieces: readonly RecordRange[]
  readonly refused: readonly RefusedRecord[]
}

/**
 * Merges the records in one transaction together with `conclude`, which receives the result of each
 * piece and the refused records. When Postgres refuses a record, the transaction is rolled back and
 * run a second time without it.
 *
 * @throws the error of `merge` or `conclude`, except for the first refusal
 */
export async function mergeRecords<Merged, Result>(
  session: MergeSession<Merged>,
  conclude: (merged: readonly Merged[], refused: readonly RefusedRecord[]) => Promise<Result>,
): Promise<Result> {
  const write = ({ pieces, refused }: AcceptedBatch): Promise<Result> =>
    transaction(session.client, async () => conclude(await mergePieces(session, pieces), refused))
  const all = { from: 0, to: session.rows.records.length }
  try {
    return await write({ pieces: all.to === 0 ? [] : [all], refused: [] })
  } catch (error) {
    if (all.to === 0 || !isRecordRefusal(error)) throw error
  }
  return write(await findAccepted(session, all))
}

async function mergePieces<Merged>(
  session: MergeSession<Merged>,
  pieces: readonly RecordRange[],
): Promise<Merged[]> {
  const { client, rows } = session
  const merged: Merged[] = []
  await session.begin()
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await clearStaging(client)
    await copyRecords(client, rows, piece)
    merged.push(await session.merge())
  }
  return merged
}

/** Splits a refused batch in halves: a refused record among n takes about 2 log n attempts. */
async function findAccepted(
  session: MergeSession<unknown>,
  all: RecordRange,
): Promise<AcceptedBatch> {
  const pieces: RecordRange[] = []
  const refused: RefusedRecord[] = []
  // The first half is on top, so pieces and refusals keep the order of the lines.
  const left = [all]
  for (let piece = left.pop(); piece; piece = left.pop()) {
    session.signal.throwIfAborted()
    const reason = await findRefusal(session, piece)
    const { from, to } = piece
    const middle = from + ((to - from) >> 1)
    const record = session.rows.records[from]
    if (reason === null) pieces.push(piece)
    else if (record && to - from === 1) refused.push({ record, reason })
    else left.push({ from: middle, to }, { from, to: middle })
  }
  return { pieces, refused }
}

/** Returns the reason why Postgres refuses the records, or null. Writes nothing. */
async function findRefusal(
  session: MergeSession<unknown>,
  piece: RecordRange,
): Promise<string | null> {
  try {
    await dryRun(session.client, () => mergePieces(session, [piece]))
    return null
  } catch (error) {
    if (!isRecordRefusal(error)) throw error
    return error.message
  }
}

/** Copies these records into the staging tables by binary COPY. */
async function copyRecords(client: DbClient, rows: StagedRows, range: RecordRange): Promise<void> {
  for (const table of STAGING_TABLES) await copyTable(client, table, rows.toCopy(table, range))
}

async function copyTable(
  client: DbClient,
  table: StagingTable,
  messages: Iterable<Buffer>,
): Promise<void> {
  const sql = `copy pg_temp.staged_${table} (${COLUMNS[table]}) from stdin (format binary)`
  const copy = client.query(copyFrom(sql))
  const done = finished(copy)
  done.catch(() => {})
  try {
    for (const message of messages) {
      const sent = new Promise<void>((resolve) => void copy.write(message, () => resolve()))
      await Promise.race([done, sent])
    }
    copy.end()
    await done
  } catch (error) {
    // Ends the COPY, so that the connection can be used again after the rollback.
    copy.destroy(error instanceof Error ? error : new Error(String(error)))
    await done.catch(() => {})
    throw error
  }
}
