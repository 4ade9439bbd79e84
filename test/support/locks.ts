// Standing in the way of writers, so that what they do is under way for as long as a test wants it
// to be.

import type { Db } from '../../src/db/pool.ts'
import type { Lifetime } from './database.ts'

/**
 * Lets everybody read the table and nobody write it, until the result is called or the test ends.
 */
export async function lockTable(t: Lifetime, db: Db, table: string): Promise<() => Promise<void>> {
  const client = await db.connect()
  await client.query(`begin; lock table ${table} in exclusive mode`)
  let held = true
  const release = async (): Promise<void> => {
    if (!held) return
    held = false
    await client.query('rollback')
    client.release()
  }
  t.after(release)
  return release
}
