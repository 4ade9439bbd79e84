// The variants of a product from all of its descriptions: the most detailed one lists them, and the
// others add what it omits and confirm or contradict its prices.

import { readCurrency } from './amounts.ts'
import { comparePrices, type CopySales, type Verdict } from './compare-prices.ts'
import type { Item } from './evidence.ts'
import { itemsOf, textsOf } from './items.ts'
import type { Copy } from './main-product.ts'
import { listSales, type Sale } from './sales.ts'
import { assignIds, distinctSales, SaleFinder } from './variant-ids.ts'

export interface JudgedSales {
  readonly sales: readonly Sale[]
  /** One for each sale. */
  readonly ids: readonly string[]
  readonly verdicts: readonly Verdict[]
  /** The number of variants without a distinct key. */
  readonly leftOut: number
}

/** `page` is the id of the product; `currency` is the setting of the source. */
export function judgeSales(
  copies: readonly Copy[],
  page: string,
  currency: string | null,
): JudgedSales {
  const context = { page, currency: findCurrency(copies) ?? currency }
  const all = copies.map(({ source, place, item }): CopySales => ({
    source,
    place,
    sales: distinctSales(listSales(item, { ...context, isEncoded: source === 'json-ld' })),
  }))
  const base = findMostDetailed(all)
  const assigned = assignIds(base.sales, page)
  const ids = assigned.filter((id) => id !== null)
  const others = all.filter((one) => one !== base)
  const sales = complete(
    withVaryingOptions(base.sales.filter((_, index) => assigned[index] !== null)),
    others,
  )
  return {
    sales,
    ids,
    verdicts: comparePrices({ ...base, sales }, others, ids),
    leftOut: assigned.length - ids.length,
  }
}

function findMostDetailed(all: readonly CopySales[]): CopySales {
  return (
    all.find(({ sales }) => sales.length > 1) ??
    all.find(({ sales }) =>
      sales.some(({ price }) => price.kind !== 'none' || price.reason !== 'no-price'),
    ) ??
    all[0] ?? { source: 'json-ld', place: null, sales: [] }
  )
}

/** Adds codes and the availability that only another description states. */
function complete(sales: readonly Sale[], others: readonly CopySales[]): Sale[] {
  const completed = [...sales]
  const finder = new SaleFinder(sales)
  for (const other of others)
    for (const sale of other.sales) {
      const place = finder.find(sale, other.sales)
      const known = completed[place]
      if (known === undefined) continue
      const { sku, gtin, mpn } = sale.keys
      completed[place] = {
        ...known,
        keys: {
          ...known.keys,
          sku: known.keys.sku ?? sku,
          gtin: known.keys.gtin ?? gtin,
          mpn: known.keys.mpn ?? mpn,
        },
        availability: known.availability ?? sale.availability,
      }
    }
  return completed
}

/** The only currency that the page states, for an offer without one. */
function findCurrency(copies: readonly Copy[]): string | null {
  const stated = new Set<string>()
  const visit = (item: Item, depth: number): void => {
    for (const text of textsOf(item, 'pricecurrency')) {
      const currency = readCurrency(text)
      if (currency !== null) stated.add(currency)
    }
    if (depth < 6)
      for (const inner of itemsOf(item, 'offers', 'hasvariant', 'pricespecification'))
        visit(inner, depth + 1)
  }
  for (const { item } of copies) visit(item, 0)
  const [currency = null] = stated
  return stated.size === 1 ? currency : null
}

/** A property with the same value in all variants does not distinguish them. */
function withVaryingOptions(sales: readonly Sale[]): Sale[] {
  const uses = new Map<string, { value: string; count: number }>()
  for (const { options } of sales)
    for (const [name, value] of Object.entries(options)) {
      const use = uses.get(name)
      if (use === undefined) uses.set(name, { value, count: 1 })
      else if (use.value === value) use.count++
    }
  return sales.map((sale) => ({
    ...sale,
    options: Object.fromEntries(
      Object.entries(sale.options).filter(([name]) => uses.get(name)?.count !== sales.length),
    ),
  }))
}
