// Reads that see the database as it was at their beginning, however long they take.

import { type Catalog, inSession } from '../catalog.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'
import type { ListPage } from './page.ts'

/**
 * Yields what `read` yields from one snapshot. The consumer may be slow; a connection is its own until
 * the end, and is closed then, also when the consumer stops early.
 */
export async function* readInSnapshot<T>(
  db: Db,
  read: (session: Catalog) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const client = await translateErrors(db.connect())
  try {
    await translateErrors(
      client.query(
        'begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 0',
      ),
    )
    yield* read(inSession(client))
  } finally {
    client.release(true)
  }
}

/** Yields the items of each page of a list, with one page in memory. */
export async function* readPages<Item>(
  load: (after: string | undefined) => Promise<ListPage<Item>>,
): AsyncGenerator<readonly Item[]> {
  let after: string | undefined
  do {
    const page: ListPage<Item> = await load(after)
    yield page.items
    after = page.next ?? undefined
  } while (after !== undefined)
}
