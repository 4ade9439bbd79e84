// The products of one simulated shop and their changes.

import { createClock } from '../support/clock.ts'
import { makeProduct, type Making, type Stocked, type WooProduct } from './product.ts'

export interface Shop {
  /** The current list, the oldest first. */
  products(): readonly WooProduct[]
  /** All variations, in the order of their products. */
  variations(): readonly WooProduct[]
  /** Time of the last change of a product or a variation, in epoch milliseconds. */
  modifiedAtMs(id: number): number
  /** Adds new products and returns their ids. */
  add(count?: number): number[]
  /** Replaces members of a product. */
  update(id: number, fields: Partial<WooProduct>): void
  /** Sets the price of a product or a variation, in the shop's own unit. */
  price(id: number, price: string): void
  /** Changes only members that do not describe a product: ratings, stock texts, picture sizes. */
  touch(): void
  /** Removes products until they are restored. */
  remove(...ids: readonly number[]): void
  restore(...ids: readonly number[]): void
}

const START_MS = Date.UTC(2025, 0, 15)

/** Every method throws an Error for an unknown id. */
export function createShop(stock: readonly Stocked[], making: Making): Shop {
  const all = new Map(stock.map((stocked) => [stocked.product.id, stocked]))
  const removed = new Set<number>()
  let made = stock.length
  const present = (): Stocked[] =>
    [...all.values()].filter(({ product }) => !removed.has(product.id))
  const everything = (): WooProduct[] =>
    [...all.values()].flatMap(({ product, variations }) => [product, ...variations])
  const load = (id: number): WooProduct => {
    const found = everything().find((product) => product.id === id)
    if (!found) throw new Error(`The shop has no product ${id}`)
    return found
  }
  // Each change is a day after the one before.
  const clock = createClock(START_MS + 30 * 86_400_000)
  const times = new Map<number, number>()
  const tick = (id: number): void => {
    clock.advance(86_400_000)
    times.set(id, clock.nowMs())
  }
  return {
    modifiedAtMs: (id) => times.get(id) ?? START_MS + id * 1000,
    products: () => present().map(({ product }) => product),
    variations: () => present().flatMap(({ variations }) => variations),
    add(count = 1) {
      const added = Array.from({ length: count }, () => makeProduct(made++, making))
      for (const stocked of added) all.set(stocked.product.id, stocked)
      return added.map(({ product }) => product.id)
    },
    update(id, fields) {
      Object.assign(load(id), fields)
      tick(id)
    },
    price(id, price) {
      const { prices, parent } = load(id)
      Object.assign(prices, { price, regular_price: price, sale_price: price })
      tick(id)
      if (parent !== 0) tick(parent)
    },
    touch() {
      clock.advance(86_400_000)
      for (const product of everything()) {
        times.set(product.id, clock.nowMs())
        product.review_count += 1
        product.average_rating = `${(product.review_count % 5) + 0.25}`
        product.price_html = `<bdi>${product.review_count}</bdi>`
        product.stock_availability = { text: `${product.review_count} in stock`, class: 'in-stock' }
        for (const image of product.images) image.srcset = `${image.src} ${product.review_count}w`
      }
    },
    remove: (...ids) => ids.forEach((id) => removed.add(load(id).id)),
    restore: (...ids) => ids.forEach((id) => removed.delete(load(id).id)),
  }
}
