// Ids of variants from what the page states about them, never from their position: the next page may
// list them in another order.

import type { Keys, Sale } from './sales.ts'
import { KEY_NAMES } from './sales.ts'

/**
 * Returns an id for each sale, in order, or null for one without a distinct key. Each
 * gets the first of its keys that no other sale has. The only sale of a product without variants has
 * the id of the product.
 */
export function assignIds(sales: readonly Sale[], productId: string): (string | null)[] {
  const [only] = sales
  if (sales.length === 1 && only?.isVariant === false) return [productId]
  const ids = sales.map((): string | null => null)
  for (const name of KEY_NAMES) {
    const counts = countValues(sales, name)
    for (const [index, { keys }] of sales.entries()) {
      const value = keys[name]
      if (ids[index] === null && value !== null && counts.get(value) === 1)
        ids[index] = name === 'url' ? value : `${name}:${value}`
    }
  }
  return sales.length === 1 ? [ids[0] ?? productId] : ids
}

/** Returns one sale for each set of keys; of two with other prices, the price is unknown. */
export function distinctSales(sales: readonly Sale[]): Sale[] {
  const byKeys = new Map<string, Sale>()
  for (const sale of sales) {
    const key = JSON.stringify(sale.keys)
    const other = byKeys.get(key)
    if (other === undefined) byKeys.set(key, sale)
    else if (JSON.stringify(other.price) !== JSON.stringify(sale.price))
      byKeys.set(key, { ...other, price: toSeveral(other) })
  }
  return [...byKeys.values()]
}

function toSeveral({ price }: Sale): Sale['price'] {
  const currency = price.kind === 'price' ? (price.prices[0]?.currency ?? null) : price.currency
  const quotation = price.kind === 'price' ? (price.prices[0]?.quotation ?? '') : price.quotation
  return { kind: 'none', reason: 'several-offers', currency, possible: [], quotation }
}

/** Finds the sale that another description of the product means. */
export class SaleFinder {
  readonly #count: number
  readonly #places = KEY_NAMES.map((name) => ({ name, byValue: new Map<string, number>() }))

  constructor(sales: readonly Sale[]) {
    this.#count = sales.length
    for (const { name, byValue } of this.#places)
      for (const [index, { keys }] of sales.entries()) {
        const value = keys[name]
        // A value of several sales is ambiguous.
        if (value !== null) byValue.set(value, byValue.has(value) ? -1 : index)
      }
  }

  /**
   * Returns the index of the only sale with a key of `sale`, or -1. `others` are the sales of the
   * description of `sale`: if both descriptions have one sale, it is the same one.
   */
  find({ keys }: Sale, others: readonly Sale[]): number {
    if (this.#count === 1 && others.length === 1) return 0
    for (const { name, byValue } of this.#places) {
      const index = byValue.get(keys[name] ?? '') ?? -1
      if (index >= 0) return index
    }
    return -1
  }
}

function countValues(sales: readonly Sale[], name: keyof Keys): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { keys } of sales) {
    const value = keys[name]
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}
