import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESPONSES } from '../../../simulators/shopify/faults.ts'
import {
  catchSyncError,
  listIds,
  openShop,
  readPages,
  recognise,
} from '../../../test/support/shopify.ts'
import { listen } from '../../../simulators/support/server.ts'

test('where the usual list is closed, that of the collection "all" is found and read', async (t) => {
  const shop = await openShop(t, { products: 3, closesList: true })
  const found = await recognise(shop, '/products/some-shirt')
  assert.equal(found?.settings.list, '/collections/all/products.json')
  const pages = await readPages(shop, { settings: found.settings })
  assert.deepEqual(
    listIds(pages),
    shop.shop.products().map(({ id }) => id),
  )
  assert.equal(pages.at(-1)?.complete, true)
})

test('a shop on another domain than the pages of its brand is found by its profile for agents', async (t) => {
  const shop = await openShop(t, { products: 3 })
  const brand = await openShop(t, { agentOrigin: shop.url })
  brand.faults.set({ ...RESPONSES.missing, path: '/products.json*', times: null })
  assert.equal((await recognise(brand))?.settings.url, shop.url)
})

test('the domain at the platform is not tried when the owner has closed the list', async (t) => {
  const shop = await openShop(t, { agentOrigin: 'https://closed-list.myshopify.com' })
  shop.faults.set({ ...RESPONSES.missing, path: '/products.json*', times: null })
  assert.equal((await catchSyncError(recognise(shop))).code, 'source/gone')
})

test('a closed site of another platform has no sign of Shopify', async (t) => {
  const site = await listen(async (_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end('closed')
  })
  t.after(site.close)
  assert.equal(await recognise(site), null)
})
