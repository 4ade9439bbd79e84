// The control endpoints of a simulated shop: they change its products and set its faults.

import { z } from 'zod'
import type { Verbs } from '../support/control.ts'
import type { FaultBook } from '../support/faults.ts'
import type { Stats } from '../support/stats.ts'
import type { ShopifyFault, ShopifyFaultInput } from './faults.ts'
import type { Shop } from './shop.ts'

interface Controlled {
  readonly shop: Shop
  readonly faults: FaultBook<ShopifyFault, ShopifyFaultInput>
  readonly stats: Stats
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
    place: z.int().nonnegative().default(0),
  }),
  z.strictObject({ do: z.literal('touch'), id: z.int().optional() }),
  z.strictObject({ do: z.literal('remove'), ids: z.array(z.int()) }),
  z.strictObject({ do: z.literal('restore'), ids: z.array(z.int()) }),
])

export function createVerbs({ shop, faults, stats }: Controlled): Verbs {
  return {
    'GET stats': () => stats.snapshot(),
    'GET products': () => shop.products().map(({ id, title }) => ({ id, title })),
    'POST changes': (body) => applyChange(shop, Change.parse(body)),
    'POST faults': (body) => {
      faults.set(...([body].flat() as ShopifyFaultInput[]))
      return faults.list()
    },
    'DELETE faults': () => {
      faults.clear()
      return faults.list()
    },
  }
}

function applyChange(shop: Shop, change: z.infer<typeof Change>): { ids: number[] } {
  if (change.do === 'add') return { ids: shop.add(change.count) }
  if (change.do === 'update') shop.update(change.id, change.fields)
  else if (change.do === 'price') shop.price(change.id, change.price, change.place)
  else if (change.do === 'touch') shop.touch(change.id)
  else if (change.do === 'remove') shop.remove(...change.ids)
  else shop.restore(...change.ids)
  return { ids: 'ids' in change ? change.ids : change.id === undefined ? [] : [change.id] }
}
