// Sorting as documented: one key, and no tie-break. Ties are shuffled anew for every answer:
// clients may not rely on their order.

import { mix } from '../support/random.ts'
import { isObject, type Json } from './json.ts'
import type { Checker } from './violations.ts'

export interface Sorting {
  readonly key: string
  readonly descending: boolean
}

/**
 * `{"name": {"direction": "ASC", "locale": "en"}}` is the only nested form: `{"id": {"direction":
 * "ASC"}}` was seen to be refused.
 */
export function parseSorting(
  sorting: Json | undefined,
  keys: readonly string[],
  checker: Checker,
): Sorting {
  const fail = (path: string, message: string): Sorting => {
    checker.fail(path, message)
    return { key: 'id', descending: false }
  }
  if (!isObject(sorting))
    return fail(
      'sorting',
      sorting === undefined ? 'This value is required.' : 'This value is an object.',
    )
  const [[key, value] = [], ...more] = Object.entries(sorting)
  if (key === undefined || more.length > 0)
    return fail('sorting', 'Exactly one sort key is allowed.')
  if (!keys.includes(key)) return fail(`sorting.${key}`, `This value is one of ${keys.join(', ')}.`)
  if (key === 'name' && !(isObject(value) && typeof value.locale === 'string')) {
    return fail('sorting.name', 'This value is {"direction", "locale"}.')
  }
  const direction = key === 'name' && isObject(value) ? value.direction : value
  if (direction !== 'ASC' && direction !== 'DESC')
    return fail(`sorting.${key}`, 'The direction is "ASC" or "DESC".')
  return { key, descending: direction === 'DESC' }
}

interface Order {
  readonly descending?: boolean
  /** Equal keys come in an order that depends on these two only. */
  readonly seed: number
  readonly salt: number
}

/** A sorted copy. */
export function sortItems<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | number,
  order: Order,
): Item[] {
  const { descending = false, seed, salt } = order
  const entries = items.map((item, position) => ({
    item,
    key: keyOf(item),
    tie: mix(seed, salt, position),
  }))
  entries.sort((a, b) => {
    if (a.key === b.key) return a.tie - b.tie
    return (a.key < b.key ? -1 : 1) * (descending ? -1 : 1)
  })
  return entries.map(({ item }) => item)
}

/** The same items in an order that has nothing to do with any key. */
export function shuffleItems<Item>(items: readonly Item[], seed: number): Item[] {
  return sortItems(items, () => 0, { seed, salt: items.length })
}
