// Records what the person at this command line has changed.

import type { Catalog } from '../db/catalog.ts'
import { recordAction, type NewAction } from '../db/write/actions.ts'
import { describeUser } from './user.ts'

export async function recordOwnAction(
  db: Catalog,
  action: Omit<NewAction, 'actor'>,
): Promise<void> {
  await recordAction(db, { actor: describeUser(), ...action })
}
