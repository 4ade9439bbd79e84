// The lines of a batch in the session's staging tables, and what is made of them there. When Postgres refuses a batch because of one
// row, halves of it find the row.

import { clearStaging, type QuarantinedRecord } from '../db/batches.ts'
import { isDataFailure } from '../db/failures.ts'
import type { DbClient } from '../db/pool.ts'
import { StagingCopy } from '../db/staging.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from './context.ts'
import { readBatch, refusedByPostgres } from './read-batch.ts'
import type { Terms } from './terms.ts'

export interface Staging {
  readonly context: RunContext
  /** In a transaction, with staging tables that are empty. */
  readonly client: DbClient
  readonly terms: Terms
  readonly partNo: number
  /** Takes the records that cannot be applied. */
  readonly refused: QuarantinedRecord[]
}

/** Stages `lines` and calls `merge`: once when Postgres takes all of them, else for each piece that it takes. */
export async function mergeStaged(staging: Staging, lines: readonly PendingLine[], merge: () => Promise<void>): Promise<void> {
  const { context, client, partNo, refused } = staging
  const unreadable: QuarantinedRecord[] = []
  await client.query('savepoint piece')
  try {
    await copyIn(staging, lines, unreadable)
    await merge()
    refused.push(...unreadable)
    return
  } catch (error) {
    if (!isDataFailure(error)) throw error
    await client.query('rollback to savepoint piece')
    const [only] = lines
    if (lines.length === 1 && only) {
      refused.push(refusedByPostgres(context, partNo, only, error.message))
      return
    }
  }
  const middle = lines.length >> 1
  for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
    await clearStaging(client)
    await mergeStaged(staging, half, merge)
  }
}

async function copyIn({ context, client, terms, partNo }: Staging, lines: readonly PendingLine[], unreadable: QuarantinedRecord[]): Promise<void> {
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
}
