// Each variant, price and image of a product needs its own key. Postgres reports duplicate keys and
// faulty statements by the same error, so duplicates are detected before a draft is written.

import { SyncError } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'

/** @throws SyncError `record/invalid` when two variants, prices or images have the same key */
export function checkDuplicateKeys(draft: Draft): void {
  const { variants, prices, disagreements, images } = draft
  checkDistinct('variants with the id', variants, ({ externalId }) => externalId)
  checkDistinct(
    'prices with the variant and type',
    // A price in disagreement is not stated as well.
    disagreements.length === 0 ? prices : [...prices, ...disagreements.map(toPriceKey)],
    ({ variantId, type }) => `${variantId}, ${type}`,
  )
  checkDistinct('images at the position', images, ({ position }) => String(position))
}

function toPriceKey({ variantId, priceType }: Draft['disagreements'][number]) {
  return { variantId, type: priceType }
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
