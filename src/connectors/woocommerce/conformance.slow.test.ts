// Runs the conformance suite on WooCommerce, with the simulator as the supplier.

import { testConnector } from '../../../test/conformance/connector.ts'
import { toSupplier } from '../../../test/conformance/shop-supplier.ts'
import { startWoocommerce } from '../../../simulators/woocommerce/server.ts'
import { woocommerce } from './connector.ts'

testConnector({
  connector: woocommerce,
  settings: (origin) => ({ url: origin, minIntervalMs: 0 }),
  start: async (size) =>
    toSupplier({
      ...(await startWoocommerce({ products: size })),
      paths: { any: '/products*', first: '/products?offset=0', later: '/products?offset=99' },
      title: 'name',
      member: 'prices',
    }),
  size: 240,
})
