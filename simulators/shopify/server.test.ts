// The simulated shop has the paging, limits and errors of the real one and can be changed over
// HTTP.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { RESPONSES } from './faults.ts'
import { shopify } from './main.ts'
import type { ShopProduct } from './product.ts'
import { startShopify, type ShopifyOptions } from './server.ts'

async function open(t: TestContext, options: ShopifyOptions = {}) {
  const simulator = await startShopify(options)
  t.after(() => simulator.close())
  const get = async (path: string) => {
    const response = await fetch(simulator.url + path)
    return { status: response.status, json: await response.json() }
  }
  const list = async (query = ''): Promise<ShopProduct[]> =>
    (await get(`/products.json${query}`)).json.products
  const post = async (route: string, body: unknown) => {
    const response = await fetch(`${simulator.url}/_control/${route}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return { status: response.status, json: await response.json() }
  }
  return { simulator, get, list, post }
}

test('pages have 30 products or the requested number up to 250; invalid numbers use the default', async (t) => {
  const { list } = await open(t, { products: 300 })
  const queries = [
    '',
    '?limit=7',
    '?limit=999',
    '?limit=0',
    '?limit=x',
    '?limit=250&page=2',
    '?page=-1',
    '?page=11',
  ]
  const sizes = (await Promise.all(queries.map(list))).map(({ length }) => length)
  assert.deepEqual(sizes, [30, 7, 250, 30, 30, 50, 30, 0])
})

test('the same seed gives the same shop, another seed gives another', async (t) => {
  const shops = [
    await open(t, { products: 40 }),
    await open(t, { products: 40 }),
    await open(t, { products: 40, seed: 2 }),
  ]
  const [one, same, other] = await Promise.all(shops.map(({ list }) => list('?limit=250')))
  assert.deepEqual(one, same)
  assert.notDeepEqual(one, other)
})

test('a generated shop has the oddities of real ones', async (t) => {
  const products = (await open(t, { products: 400 })).simulator.shop.products()
  const variants = products.flatMap((product) => product.variants)
  const ids = [...products, ...variants, ...products.flatMap(({ images }) => images)].map(
    ({ id }) => id,
  )
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.some((id) => id > 1e13))
  assert.ok(products.some(({ images }) => images.length === 0))
  assert.ok(products.some(({ tags }) => tags.includes('hideproduct')))
  assert.ok(variants.some(({ price }) => price === '0.00'))
  assert.ok(
    variants.some(({ price, compare_at_price }) => Number(compare_at_price) > Number(price)),
  )
  assert.ok(variants.some(({ price, compare_at_price }) => price === compare_at_price))
  assert.ok(variants.some(({ option1 }) => option1?.includes(' / ')))
})

test('a captured list is paged, another format is served byte for byte', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shop-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'capture.json')
  await writeFile(
    file,
    JSON.stringify({
      products: Array.from({ length: 40 }, (_, index) => ({ id: index + 1, variants: [] })),
    }),
  )
  const listed = await open(t, { file })
  assert.deepEqual(
    (await listed.list('?page=2')).map(({ id }) => id),
    [31, 32, 33, 34, 35, 36, 37, 38, 39, 40],
  )
  await writeFile(file, '[{"id":1,"ti')
  const { simulator } = await open(t, { file })
  assert.equal(await (await fetch(`${simulator.url}/products.json?page=9`)).text(), '[{"id":1,"ti')
})

test('the shop reports its currency and count, and visitors may see another', async (t) => {
  const { get, simulator } = await open(t, { products: 5, currency: 'NZD', visitorCurrency: 'EUR' })
  const meta = (await get('/meta.json')).json
  assert.deepEqual(
    [meta.currency, meta.published_products_count, (await get('/cart.js')).json.currency],
    ['NZD', 5, 'EUR'],
  )
  simulator.set({ currency: null })
  assert.equal((await fetch(`${simulator.url}/meta.json`)).status, 404)
})

test('the list is rejected beyond its limit, with either status', async (t) => {
  const { get, simulator } = await open(t)
  const refused = { errors: 'Page * Limit exceeds the 25000 limit.' }
  assert.deepEqual(await get('/products.json?limit=250&page=101'), { status: 400, json: refused })
  assert.equal((await get('/products.json?limit=250&page=100')).status, 200)
  simulator.set({ reachStatus: 200 })
  assert.deepEqual(await get('/products.json?limit=250&page=101'), { status: 200, json: refused })
})

test('a fault affects its page as often as it is set', async (t) => {
  const { simulator, get } = await open(t, { products: 80 })
  simulator.faults.set(
    { ...RESPONSES.unavailable, path: '/products.json?page=2' },
    { ...RESPONSES.password, path: '/products.json?page=3' },
  )
  const status = async (page: number) =>
    (await fetch(`${simulator.url}/products.json?limit=9&page=${page}`)).status
  assert.deepEqual([await status(1), await status(2), await status(2)], [200, 503, 200])
  const closed = await fetch(`${simulator.url}/products.json?page=3`)
  assert.deepEqual(
    [new URL(closed.url).pathname, closed.headers.get('content-type')],
    ['/password', 'text/html; charset=utf-8'],
  )
  simulator.faults.set({ kind: 'shift', by: 1, path: '/products.json?page=2' })
  assert.equal((await get('/products.json?page=2')).json.products.length, 30)
})

test('the shop is changed over HTTP, and a touch changes only updated_at', async (t) => {
  const { list, post } = await open(t, { products: 3 })
  const [first, second, third] = await list()
  assert.ok(first && second && third)
  assert.equal((await post('changes', { do: 'price', id: first.id, price: '9.90' })).status, 200)
  await post('changes', { do: 'update', id: second.id, fields: { title: 'Renamed' } })
  await post('changes', { do: 'remove', ids: [third.id] })
  const added = (await post('changes', { do: 'add' })).json.ids
  const after = await list()
  assert.deepEqual(
    after.map(({ id }) => id),
    [first.id, second.id, ...added],
  )
  assert.deepEqual([after[0]?.variants[0]?.price, after[1]?.title], ['9.90', 'Renamed'])
  assert.ok(after[0] && after[0].updated_at > first.updated_at)
  await post('changes', { do: 'restore', ids: [third.id] })
  await post('changes', { do: 'touch', id: third.id })
  const returned = (await list()).find(({ id }) => id === third.id)
  const still = (product: ShopProduct | undefined) =>
    JSON.stringify(product, (key, value) => (key === 'updated_at' ? undefined : value))
  assert.equal(still(returned), still(third))
  assert.notDeepEqual(returned, third)
})

test('an invalid change is rejected with the reason', async (t) => {
  const { post } = await open(t)
  assert.deepEqual(await post('changes', { do: 'price', id: 1, price: '1.00' }), {
    status: 400,
    json: { error: 'Error: The shop has no product 1' },
  })
  assert.match((await post('faults', { kind: 'nonsense' })).json.error, /Invalid/)
  assert.equal((await post('nothing', {})).status, 404)
})

test('the command line starts a shop and reports invalid arguments', async (t) => {
  const running = await shopify.start(
    shopify.parseArguments(['--products', '3', '--currency', 'JPY', '--response', 'frozen']),
  )
  t.after(() => running.close())
  assert.match(running.greeting, /3 products at http:/)
  assert.equal((await fetch(`${running.url}/products.json?page=4`)).status, 402)
  assert.equal((await (await fetch(`${running.url}/meta.json`)).json()).currency, 'JPY')
  assert.throws(
    () => shopify.parseArguments(['--products', 'many']),
    /--products must be a whole number/,
  )
  assert.throws(
    () => shopify.parseArguments(['--response', 'maybe']),
    /--response must be one of password/,
  )
  assert.throws(() => shopify.parseArguments(['--no-such']), /no-such/)
})
