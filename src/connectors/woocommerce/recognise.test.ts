// Tests how a shop is recognised: from what its pages state, or at the usual paths.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../../../simulators/support/server.ts'
import { RESPONSES } from '../../../simulators/woocommerce/faults.ts'
import type { WooOptions } from '../../../simulators/woocommerce/server.ts'
import { catchSyncError } from '../../../test/support/shopify.ts'
import { openWoo, readWoo, recogniseWoo } from '../../../test/support/woocommerce.ts'

for (const discovery of ['header', 'link', 'none'] as const)
  for (const permalinks of ['pretty', 'plain'] as const)
    for (const folder of ['', '/shop']) {
      const place = `${permalinks} permalinks in "${folder}/", stated in: ${discovery}`
      test(`a shop with ${place} is recognised and read`, async (t) => {
        const options: WooOptions = { products: 5, discovery, permalinks, folder }
        const simulator = await openWoo(t, options)
        const found = await recogniseWoo(`${simulator.home}/`)
        assert.ok(found)
        const { minIntervalMs, ...settings } = found.settings
        assert.equal(minIntervalMs, 1_000)
        assert.deepEqual(settings, {
          url: simulator.home,
          restPath: permalinks === 'pretty' ? '/wp-json' : '/?rest_route=',
          namespace: 'wc/store/v1',
          access: 'store',
          keysInQuery: false,
        })
        assert.equal(found.suggestedName, 'oland-sons')
        const pages = await readWoo(simulator, { settings })
        assert.equal(pages.at(-1)?.complete, true)
      })
    }

test('the page of a product leads to its shop', async (t) => {
  const simulator = await openWoo(t, { products: 5, folder: '/shop' })
  const found = await recogniseWoo(`${simulator.home}/product/item-1/`)
  assert.equal(found?.settings.url, simulator.home)
})

test('a shop with the oldest API is recognised', async (t) => {
  const simulator = await openWoo(t, { products: 5, namespaces: ['wc/store'] })
  assert.equal((await recogniseWoo(simulator.home))?.settings.namespace, 'wc/store')
})

test('WordPress without WooCommerce and other sites are not recognised', async (t) => {
  for (const discovery of ['header', 'none'] as const) {
    const simulator = await openWoo(t, { discovery, namespaces: [] })
    assert.equal(await recogniseWoo(simulator.url), null)
  }
  const other = await listen(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>[{"id":1}]')
  })
  t.after(other.close)
  assert.equal(await recogniseWoo(other.url), null)
})

test('a shop that has closed its API, challenges visitors or does not respond says so', async (t) => {
  for (const [name, code, path] of [
    ['closed', 'source/blocked', '/products*'],
    ['challenge', 'source/blocked', '*'],
    ['broken', 'source/unavailable', '/products*'],
    ['password', 'source/password', '*'],
  ] as const) {
    const simulator = await openWoo(t)
    simulator.faults.set({ ...RESPONSES[name], path, times: null })
    assert.equal((await catchSyncError(recogniseWoo(simulator.url))).code, code)
  }
})

test('an API on another host is not followed', async (t) => {
  const shop = await openWoo(t)
  const page = await listen(async (_, response) => {
    const link = `<${shop.url}/wp-json/>; rel="https://api.w.org/"`
    response.writeHead(200, { 'content-type': 'text/html', link }).end('<!doctype html>')
  })
  t.after(page.close)
  assert.equal(await recogniseWoo(page.url), null)
  assert.deepEqual(shop.stats.snapshot().requests, {})
})
