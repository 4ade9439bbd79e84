// Runs the conformance suite on Shopify, with the simulator as the supplier.

import { testConnector } from '../../../test/conformance/connector.ts'
import { toSupplier } from '../../../test/conformance/shop-supplier.ts'
import { startShopify } from '../../../simulators/shopify/server.ts'
import { shopify } from './connector.ts'

testConnector({
  connector: shopify,
  settings: (origin) => ({ url: origin, currency: 'AUD', minIntervalMs: 0 }),
  start: async (size) =>
    toSupplier({
      ...(await startShopify({ products: size })),
      paths: {
        any: '/products.json*',
        first: '/products.json?page=1',
        later: '/products.json?page=2',
      },
      title: 'title',
      member: 'variants',
    }),
  size: 300,
})
