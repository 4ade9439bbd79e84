// The products of one simulated site and their changes.

import { makeProduct, type SiteProduct } from './product.ts'

export interface SiteCatalogue {
  /** The listed products, the oldest first. */
  products(): readonly SiteProduct[]
  find(slug: string): SiteProduct | null
  /** Number of the current version of the pages: it is in their ETag and in a token of each page. */
  readonly version: number
  add(count?: number): number[]
  /** Changes a product now: its page and its lastmod. */
  update(id: number, fields: Partial<SiteProduct>): void
  /** Sets the price of a product: `12.34`. */
  price(id: number, price: string): void
  /** Changes what does not describe a product on every page: tokens, counters. */
  touch(): void
  /** The page of a removed product responds 404, and no sitemap lists it. */
  remove(...ids: readonly number[]): void
  restore(...ids: readonly number[]): void
}

interface Making {
  readonly products: number
  readonly seed: number
  readonly currency: string
}

/** Every method throws an Error for an unknown id. */
export function createCatalogue({ products: count, seed, currency }: Making): SiteCatalogue {
  const all = new Map<number, SiteProduct>()
  const removed = new Set<number>()
  let [version, made, nowMs] = [1, 0, Date.parse('2026-11-01T06:00:00Z')]
  const get = (id: number): SiteProduct => {
    const product = all.get(id)
    if (product === undefined) throw new Error(`Unknown product: ${id}`)
    return product
  }
  const catalogue: SiteCatalogue = {
    products: () => [...all.values()].filter(({ id }) => !removed.has(id)),
    find(slug) {
      const product = all.get(1_000 + Number(/^item-(\d{5})$/.exec(slug)?.[1]))
      return product === undefined || removed.has(product.id) ? null : product
    },
    get version() {
      return version
    },
    add(more = 1) {
      const added = Array.from({ length: more }, () => makeProduct(made++, seed, currency))
      for (const product of added) all.set(product.id, product)
      return added.map(({ id }) => id)
    },
    update(id, fields) {
      nowMs += 60_000
      Object.assign(get(id), { changedMs: nowMs }, fields)
    },
    price: (id, price) => catalogue.update(id, { priceMinor: Math.round(Number(price) * 100) }),
    touch: () => void version++,
    remove: (...ids) => ids.forEach((id) => removed.add(get(id).id)),
    restore: (...ids) => ids.forEach((id) => removed.delete(get(id).id)),
  }
  catalogue.add(count)
  return catalogue
}
