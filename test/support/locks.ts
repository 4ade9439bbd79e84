// Table locks that keep writers waiting until the test releases them.

import type { Db } from '../../src/db/pool.ts'
import type { Lifetime } from './database.ts'

/**
 * Every session can read the table and no session can write it, until the test ends or calls the
 * result.
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
