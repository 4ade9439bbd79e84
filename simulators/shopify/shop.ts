// The products of one simulated shop and their changes. Every change advances the clock by a
// minute.

import { createClock } from '../support/clock.ts'
import { makeProduct, type Making, type ShopProduct } from './product.ts'

export interface Shop {
  /** The current list in its order. */
  products(): readonly ShopProduct[]
  /** Adds new products at the end of the list and returns their ids. */
  add(count?: number): number[]
  /** Replaces fields of a product. */
  update(id: number, fields: Partial<ShopProduct>): void
  /** Sets the price of the variant at `place`, from 0. */
  price(id: number, price: string, place?: number): void
  /** Changes only `updated_at`, of all products or of one. */
  touch(id?: number): void
  /** Removes products from the list until they are restored. */
  remove(...ids: readonly number[]): void
  restore(...ids: readonly number[]): void
}

/** Every method throws an Error for an unknown id. */
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
