// Transactions on one connection. The caller receives the error that ended the transaction, even
// when the rollback fails too.

import type { PoolClient } from 'pg'

export type DbClient = PoolClient

/**
 * Runs `work` in one transaction of `client`, which must not be in a transaction already: all of it
 * is committed, or nothing.
 *
 * @throws the error of `work`
 */
export async function transaction<T>(client: DbClient, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    const { command } = await client.query('commit')
    // Postgres reports a rollback here, without an error, if a failed statement was ignored.
    if (command === 'ROLLBACK')
      throw new Error(
        'The transaction was rolled back: a statement in it had failed and was ignored',
      )
    return result
  } catch (error) {
    await tryToRollBack(client)
    throw error
  }
}

/**
 * Runs `work` in a transaction of `client` that is always rolled back.
 *
 * @throws the error of `work`, also when the connection is lost
 */
export async function dryRun(client: DbClient, work: () => Promise<unknown>): Promise<void> {
  await client.query('begin')
  try {
    await work()
  } catch (error) {
    await tryToRollBack(client)
    throw error
  }
  await client.query('rollback')
}

/** A failed rollback means a lost connection, which the pool closes when it gets it back. */
async function tryToRollBack(client: DbClient): Promise<void> {
  await client.query('rollback').catch(() => undefined)
}
