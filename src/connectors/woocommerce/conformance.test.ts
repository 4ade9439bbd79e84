// Runs the conformance suite on WooCommerce, with the simulator as the supplier.

import { testConnector } from '../../../test/conformance/connector.ts'
import { statusFault, type Supplier } from '../../../test/conformance/supplier.ts'
import type { WooProduct } from '../../../simulators/woocommerce/product.ts'
import { RESPONSES } from '../../../simulators/woocommerce/faults.ts'
import { startWoocommerce } from '../../../simulators/woocommerce/server.ts'
import { woocommerce } from './connector.ts'

const [ANY_PAGE, FIRST_PAGE, LATER_PAGE] = [
  '/products*',
  '/products?offset=0',
  '/products?offset=99',
]

async function start(size: number): Promise<Supplier> {
  const { url, shop, faults, close } = await startWoocommerce({ products: size })
  const products = shop.products
  const asListed = (listed: readonly WooProduct[]): readonly WooProduct[] => listed
  let arrange = asListed
  let repairs: (() => void)[] = []
  Object.assign(shop, { products: () => arrange(products()) })
  return {
    origin: url,
    ids: () => products().map(({ id }) => String(id)),
    change: (id) => shop.update(Number(id), { name: `Edition ${id}` }),
    touch: () => shop.touch(),
    remove: (...ids) => shop.remove(...ids.map(Number)),
    spoil(id, flaw) {
      const product = products().find((one) => String(one.id) === id)
      const sound = { id: product?.id, prices: product?.prices }
      repairs.push(() => Object.assign(product ?? {}, sound))
      Object.assign(product ?? {}, flaw === 'shape' ? { prices: 'none' } : { id: null })
    },
    strike(fault, lasting = false) {
      const times = lasting ? null : 1
      const inside = { afterBytes: 5_000, path: LATER_PAGE, times }
      if (fault.kind === 'status') faults.set({ ...statusFault(fault), path: FIRST_PAGE, times })
      else if (fault.kind === 'failed-page')
        faults.set({ ...RESPONSES.broken, path: LATER_PAGE, times })
      else if (fault.kind === 'cut' || fault.kind === 'reset')
        faults.set({ kind: fault.kind, ...inside })
      else if (fault.kind === 'silence') faults.set({ kind: 'stall', ...inside })
      else if (fault.kind === 'drip') {
        faults.set(
          { kind: 'drip', bytes: 8_191, everyMs: 0, path: ANY_PAGE, times },
          { kind: 'split-characters', path: ANY_PAGE, times },
        )
      } else if (fault.kind === 'empty') faults.set({ kind: 'empty', path: ANY_PAGE, times })
      else if (fault.kind === 'repeat')
        arrange = (listed) => [...listed.slice(0, 1), ...listed, ...listed.slice(0, 1)]
      else arrange = (listed) => listed.toReversed()
    },
    heal() {
      faults.clear()
      arrange = asListed
      for (const repair of repairs) repair()
      repairs = []
    },
    close,
  }
}

testConnector({
  connector: woocommerce,
  settings: (origin) => ({ url: origin, minIntervalMs: 0 }),
  start,
  size: 240,
})
