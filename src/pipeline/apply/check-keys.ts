// Each variant, price and image of a product has a key of its own. Postgres would refuse two rows
// of one key in words that it also has for faults of a statement, so a draft with two is recognised
// here.

import { SyncError } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'

/** @throws SyncError `record/invalid` when two parts of the draft have one key */
export function checkKeys({ variants, prices, images }: Draft): void {
  checkDistinct('variants with the id', variants, ({ externalId }) => externalId)
  checkDistinct(
    'prices with the variant and type',
    prices,
    ({ variantId, type }) => `${variantId}, ${type}`,
  )
  checkDistinct('images at the position', images, ({ position }) => String(position))
}

function checkDistinct<Item>(
  what: string,
  items: readonly Item[],
  keyOf: (item: Item) => string,
): void {
  // Most products have one of each.
  if (items.length < 2) return
  const keys = new Set<string>()
  for (const item of items) {
    const key = keyOf(item)
    if (keys.has(key)) throw new SyncError('record/invalid', `the record has two ${what} ${key}`)
    keys.add(key)
  }
}
