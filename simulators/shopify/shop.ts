// The products of one simulated shop, and what can happen to them. Every change moves the clock on
// by a minute.

import { createClock } from '../support/clock.ts'
import { makeProduct, type Making, type ShopProduct } from './product.ts'

export interface Shop {
  /** What is on the list now, in its order. */
  products(): readonly ShopProduct[]
  /** New products at the end of the list; returns their ids. */
  add(count?: number): number[]
  /** Puts `fields` over the product's own. */
  update(id: number, fields: Partial<ShopProduct>): void
  /** Gives the variant at `place` (0 the first) another price. */
  price(id: number, price: string, place?: number): void
  /** Moves `updated_at` of everything, or of one product, and nothing else. */
  touch(id?: number): void
  /** Takes products off the list until they are restored. */
  remove(...ids: readonly number[]): void
  restore(...ids: readonly number[]): void
}

/** A shop that starts with `products`. @throws Error in every method for an id that it never had */
export function createShop(products: readonly ShopProduct[], making: Making): Shop {
  const clock = createClock(Date.parse('2026-06-01T00:00:00Z'))
  const all = new Map(products.map((product) => [product.id, product]))
  const removed = new Set<number>()
  let made = products.length
  const tick = (): string => {
    clock.advance(60_000)
    return new Date(clock.nowMs()).toISOString()
  }
  const load = (id: number): ShopProduct => {
    const product = all.get(id)
    if (!product) throw new Error(`The shop has no product ${id}`)
    return product
  }
  return {
    products: () => [...all.values()].filter(({ id }) => !removed.has(id)),
    add(count = 1) {
      const at = tick()
      const added = Array.from({ length: count }, () => makeProduct(made++, making, at))
      for (const product of added) all.set(product.id, product)
      return added.map(({ id }) => id)
    },
    update: (id, fields) => void Object.assign(load(id), { updated_at: tick() }, fields),
    price(id, price, place = 0) {
      const product = load(id)
      const variant = product.variants[place]
      if (!variant) throw new Error(`Product ${id} has no variant ${place}`)
      variant.price = price
      variant.updated_at = product.updated_at = tick()
    },
    touch(id) {
      const at = tick()
      for (const product of id === undefined ? all.values() : [load(id)]) {
        for (const part of [product, ...product.variants, ...product.images]) part.updated_at = at
      }
    },
    remove: (...ids) => ids.forEach((id) => removed.add(load(id).id)),
    restore: (...ids) => ids.forEach((id) => removed.delete(load(id).id)),
  }
}
