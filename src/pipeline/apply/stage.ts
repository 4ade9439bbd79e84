// Copies the lines of a batch into the session's staging tables. When Postgres refuses a batch
// because of a record, the batch is rolled back, smaller attempts find the record, and the batch is
// written without it. An attempt is a transaction of its own that is rolled back too: savepoints
// inside one transaction would add up, and slow down every later statement of it.

import { clearStaging, type QuarantinedRecord } from '../../db/write/batches.ts'
import { isRecordRefusal } from '../../db/errors.ts'
import { rollBack, type DbClient } from '../../db/pool.ts'
import { StagingCopy } from '../../db/write/staging.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from '../context.ts'
import { readBatch, refusedByPostgres } from './read-batch.ts'
import type { Terms } from './term-writer.ts'

export interface Staging<Merged> {
  readonly context: RunContext
  readonly client: DbClient
  readonly terms: Terms
  readonly partNo: number
  /** Called first in each transaction of `client`. */
  readonly begin: () => Promise<void>
  /** Merges what is staged. */
  readonly merge: () => Promise<Merged>
}

export interface MergedBatch<Merged> {
  /** One for each piece. */
  readonly merged: readonly Merged[]
  /** The records that are to be quarantined. */
  readonly refused: readonly QuarantinedRecord[]
}

/** A batch as Postgres accepts it. */
export interface AcceptedBatch {
  /** Staged and merged one after the other. */
  readonly pieces: readonly (readonly PendingLine[])[]
  readonly refused: readonly QuarantinedRecord[]
}

/**
 * Writes a batch by way of `write`, a transaction that calls `mergePieces`. When Postgres refuses
 * one of its records, `write` is called a second time with the records that it accepts.
 *
 * @throws what `write` throws, except for the first refusal
 */
export async function writeAccepted<T>(
  staging: Staging<unknown>,
  lines: readonly PendingLine[],
  write: (batch: AcceptedBatch) => Promise<T>,
): Promise<T> {
  try {
    return await write({ pieces: lines.length === 0 ? [] : [lines], refused: [] })
  } catch (error) {
    if (lines.length === 0 || !isRecordRefusal(error)) throw error
  }
  return write(await findAccepted(staging, lines))
}

/** Stages and merges every piece of a batch in the transaction of `client`, one after the other. */
export async function mergePieces<Merged>(
  staging: Staging<Merged>,
  { pieces, refused }: AcceptedBatch,
): Promise<MergedBatch<Merged>> {
  const merged: Merged[] = []
  const quarantined = [...refused]
  await staging.begin()
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await clearStaging(staging.client)
    quarantined.push(...(await copyIn(staging, piece)))
    merged.push(await staging.merge())
  }
  return { merged, refused: quarantined }
}

/**
 * Splits a batch that was refused. Halves find a refused record among n with about 2 log n
 * attempts.
 */
async function findAccepted(
  staging: Staging<unknown>,
  lines: readonly PendingLine[],
): Promise<AcceptedBatch> {
  const { context, partNo } = staging
  const pieces: (readonly PendingLine[])[] = []
  const refused: QuarantinedRecord[] = []
  // The first half is on top: pieces and refusals come in the order of their lines.
  const left = [lines]
  for (let piece = left.pop(); piece; piece = left.pop()) {
    context.signal.throwIfAborted()
    const reason = await attempt(staging, piece)
    const [only] = piece
    const middle = piece.length >> 1
    if (reason === null) pieces.push(piece)
    else if (only && piece.length === 1)
      refused.push(refusedByPostgres(context, partNo, only, reason))
    else left.push(piece.slice(middle), piece.slice(0, middle))
  }
  return { pieces, refused }
}

/** Whether Postgres accepts the lines: null, or why not. Writes nothing. */
async function attempt(
  staging: Staging<unknown>,
  lines: readonly PendingLine[],
): Promise<string | null> {
  try {
    await rollBack(staging.client, () => mergePieces(staging, { pieces: [lines], refused: [] }))
    return null
  } catch (error) {
    if (!isRecordRefusal(error)) throw error
    return error.message
  }
}

/** Returns the records that the connector cannot read. */
async function copyIn(
  { context, client, terms, partNo }: Staging<unknown>,
  lines: readonly PendingLine[],
): Promise<QuarantinedRecord[]> {
  const unreadable: QuarantinedRecord[] = []
  const copy = new StagingCopy(client)
  try {
    for (const { record, draft } of readBatch(context, terms, partNo, lines, unreadable)) {
      const full = copy.add(record, draft)
      if (full) await full
    }
    await copy.finish()
  } catch (error) {
    await copy.abandon(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
  return unreadable
}
