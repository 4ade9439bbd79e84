// Makes the changes of the pages of webhooks and rules.

import { type Catalog, inSession } from '../../../db/catalog.ts'
import type { Db } from '../../../db/pool.ts'
import { recordAction, type NewAction } from '../../../db/write/actions.ts'

/** Makes a change and records it in the log of actions, both or neither. */
export function changeAndRecord<Result>(
  db: Db,
  action: NewAction,
  change: (db: Catalog) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (client) => {
    const session = inSession(client)
    const result = await change(session)
    await recordAction(session, action)
    return result
  })
}
