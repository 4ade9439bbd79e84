// Runs the conformance suite on Shopify's Admin API, with the simulator as the supplier.

import { testConnector } from '../../../../test/conformance/connector.ts'
import { toSupplier } from '../../../../test/conformance/shop-supplier.ts'
import { startShopify } from '../../../../simulators/shopify/server.ts'
import { shopify } from '../connector.ts'

const TOKEN = 'planted-token+/=&'

testConnector({
  connector: shopify,
  secrets: { token: TOKEN },
  settings: (origin) => ({
    url: origin,
    currency: 'AUD',
    access: 'admin',
    adminUrl: origin,
    minIntervalMs: 0,
  }),
  start: async (size) =>
    toSupplier({
      ...(await startShopify({ products: size, adminToken: TOKEN, honoursRange: false })),
      paths: {
        any: '/bulk/*',
        first: '/admin/api/2026-10/graphql.json',
        later: '/bulk/*',
      },
      afterBytes: 600_000,
      title: 'title',
      member: 'variants',
    }),
  size: 300,
})
