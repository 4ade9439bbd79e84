// Fills the session's staging tables by binary COPY.

import { finished } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { DbClient } from '../transaction.ts'
import {
  COLUMNS,
  STAGING_TABLES,
  type RecordRange,
  type StagedRows,
  type StagingTable,
} from './staged-rows.ts'

/** Postgres starts on a message when it has all of it. */
const MESSAGE_BYTES = 256 * 1024

/**
 * Copies these records into the staging tables of `client`. After an error the transaction must be
 * rolled back.
 */
export async function copyRecords(
  client: DbClient,
  rows: StagedRows,
  range: RecordRange,
): Promise<void> {
  for (const table of STAGING_TABLES) await copyTable(client, table, rows.toCopy(table, range))
}

async function copyTable(client: DbClient, table: StagingTable, bytes: Buffer): Promise<void> {
  const sql = `copy pg_temp.staged_${table} (${COLUMNS[table]}) from stdin (format binary)`
  const copy = client.query(copyFrom(sql))
  const done = finished(copy)
  done.catch(() => {})
  try {
    let from = 0
    for (; bytes.length - from > MESSAGE_BYTES; from += MESSAGE_BYTES) {
      const message = bytes.subarray(from, from + MESSAGE_BYTES)
      const sent = new Promise<void>((resolve) => void copy.write(message, () => resolve()))
      await Promise.race([done, sent])
    }
    copy.end(bytes.subarray(from))
    await done
  } catch (error) {
    // Ends the COPY, so that the connection can be used again after the rollback.
    copy.destroy(error instanceof Error ? error : new Error(String(error)))
    await done.catch(() => {})
    throw error
  }
}
