// `/_control/…` of a simulated shop: what it sells, its faults, and the requests that it received.

import { z } from 'zod'
import type { Verbs } from './control.ts'
import type { AnyFault, FaultBook } from './faults.ts'
import type { Stats } from './stats.ts'

/** A shop with products that can be changed. Every method throws an Error for an unknown id. */
interface ChangeableShop<Product> {
  products(): readonly Product[]
  add(count?: number): number[]
  update(id: number, fields: object): void
  price(id: number, price: string, place?: number): void
  touch(id?: number): void
  remove(...ids: readonly number[]): void
  restore(...ids: readonly number[]): void
}

const Change = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('add'), count: z.int().positive().default(1) }),
  z.strictObject({
    do: z.literal('update'),
    id: z.int(),
    fields: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    do: z.literal('price'),
    id: z.int(),
    price: z.string(),
    /** The position of the variant, in a shop whose prices are set by product. */
    place: z.int().nonnegative().default(0),
  }),
  z.strictObject({ do: z.literal('touch'), id: z.int().optional() }),
  z.strictObject({ do: z.literal('remove'), ids: z.array(z.int()) }),
  z.strictObject({ do: z.literal('restore'), ids: z.array(z.int()) }),
])

/** `describe` returns what `GET products` shows of a product. */
export function createShopVerbs<Product, Fault extends AnyFault, FaultInput>(
  {
    shop,
    faults,
    stats,
  }: {
    readonly shop: ChangeableShop<Product>
    readonly faults: FaultBook<Fault, FaultInput>
    readonly stats: Stats
  },
  describe: (product: Product) => object,
): Verbs {
  return {
    'GET stats': () => stats.snapshot(),
    'GET products': () => shop.products().map(describe),
    'POST changes': (body) => applyChange(shop, Change.parse(body)),
    'POST faults': (body) => {
      faults.set(...([body].flat() as FaultInput[]))
      return faults.list()
    },
    'DELETE faults': () => {
      faults.clear()
      return faults.list()
    },
  }
}

function applyChange<Product>(
  shop: ChangeableShop<Product>,
  change: z.infer<typeof Change>,
): { ids: number[] } {
  if (change.do === 'add') return { ids: shop.add(change.count) }
  if (change.do === 'update') shop.update(change.id, change.fields)
  else if (change.do === 'price') shop.price(change.id, change.price, change.place)
  else if (change.do === 'touch') shop.touch(change.id)
  else if (change.do === 'remove') shop.remove(...change.ids)
  else shop.restore(...change.ids)
  return { ids: 'ids' in change ? change.ids : change.id === undefined ? [] : [change.id] }
}
