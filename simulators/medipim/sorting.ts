// Sorting as documented: one key without a tie-break. Each response has another order of ties,
// because clients must not rely on it.

import { mix } from '../support/random.ts'
import { isObject, type Json } from './json.ts'
import type { Checker } from './violations.ts'

export interface Sorting {
  readonly key: string
  readonly descending: boolean
}

/**
 * Only `{"name": {"direction": "ASC", "locale": "en"}}` is nested: the real API rejected
 * `{"id": {"direction": "ASC"}}`.
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

interface SortOptions {
  readonly descending?: boolean
  /** `seed` and `salt` decide the order of equal keys. */
  readonly seed: number
  readonly salt: number
}

/** Returns a sorted copy. */
export function sortItems<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | number,
  options: SortOptions,
): Item[] {
  const { descending = false, seed, salt } = options
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

/** Returns the items in an order that is independent of any key. */
export function shuffleItems<Item>(items: readonly Item[], seed: number): Item[] {
  return sortItems(items, () => 0, { seed, salt: items.length })
}
