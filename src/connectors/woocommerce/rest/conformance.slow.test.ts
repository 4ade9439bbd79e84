// Runs the conformance suite on WooCommerce's REST API, with the simulator as the supplier.

import { testConnector } from '../../../../test/conformance/connector.ts'
import { toSupplier } from '../../../../test/conformance/shop-supplier.ts'
import { startWoocommerce } from '../../../../simulators/woocommerce/server.ts'
import { woocommerce } from '../connector.ts'

const [KEY, SECRET] = ['ck_planted+/=&', 'cs_planted"+/=&']

testConnector({
  connector: woocommerce,
  secrets: { consumerKey: KEY, consumerSecret: SECRET },
  settings: (origin) => ({ url: origin, access: 'rest', minIntervalMs: 0 }),
  start: async (size) =>
    toSupplier({
      ...(await startWoocommerce({
        products: size,
        // Each product with variations takes a request.
        variableEvery: 40,
        keys: `${KEY}:${SECRET}`,
      })),
      paths: { any: '/products*', first: '/products?offset=0', later: '/products?offset=99' },
      title: 'name',
      member: 'prices',
    }),
  size: 130,
})
