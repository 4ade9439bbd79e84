// The simulated shop responds as WooCommerce does, and its changes and faults work over HTTP.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { woocommerce } from './main.ts'
import { startWoocommerce, type WooOptions } from './server.ts'

async function open(t: TestContext, options: WooOptions = {}) {
  const simulator = await startWoocommerce({ products: 130, ...options })
  t.after(simulator.close)
  const get = async (path: string) => {
    const response = await fetch(simulator.home + path)
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(text),
    }
  }
  const post = async (verb: string, body: unknown) => {
    const response = await fetch(`${simulator.url}/_control/${verb}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return { status: response.status, json: await response.json() }
  }
  return { simulator, get, post }
}

const API = '/wp-json/wc/store/v1/products'

test('a list has pages of 10 by default and at most 100, with the counts in its headers', async (t) => {
  const { get } = await open(t)
  const page = await get(API)
  assert.equal(page.json().length, 10)
  assert.deepEqual(
    ['x-wp-total', 'x-wp-totalpages'].map((name) => page.headers.get(name)),
    ['130', '13'],
  )
  assert.equal((await get(`${API}?per_page=100&offset=100`)).json().length, 30)
  assert.equal((await get(`${API}?per_page=101`)).json().code, 'rest_invalid_param')
  assert.equal((await get(`${API}?per_page=0`)).status, 400)
  assert.ok(page.text.includes(String.raw`\/product\/`) && page.text.includes(String.raw`\u00d6`))
})

test('variations are listed by their product or their ids, not among the products', async (t) => {
  const { get, simulator } = await open(t)
  const parent = simulator.shop.products().find(({ type }) => type === 'variable')
  const list = (await get(`${API}?type=variation&parent=${parent?.id}`)).json()
  assert.equal(list.length, parent?.variations.length)
  assert.equal((await get(`${API}?type=variation&include=${list[0].id}`)).json().length, 1)
  assert.deepEqual((await get(`${API}?include=${list[0].id}`)).json(), [])
})

test('the API is at its path for the permalinks, and in the folder of the shop', async (t) => {
  const { get, simulator } = await open(t, { permalinks: 'plain', folder: '/shop' })
  assert.equal((await get('/?rest_route=/wc/store/v1/products')).status, 200)
  assert.equal((await get(API)).status, 404)
  assert.equal((await fetch(`${simulator.url}${API}`)).status, 404)
  assert.equal((await get('/?rest_route=/wc/v9/products')).json().code, 'rest_no_route')
})

test('the limit of 25 requests in 10 seconds is stated in its headers', async (t) => {
  const { get } = await open(t, { limitStatus: 429 })
  for (let request = 0; request < 25; request++) assert.equal((await get(API)).status, 200)
  const refused = await get(API)
  assert.deepEqual([refused.status, refused.json().code], [429, 'rate_limit_exceeded'])
  assert.ok(Number(refused.headers.get('ratelimit-retry-after')) > 0)
})

test('the control changes the shop and sets faults', async (t) => {
  const { get, post } = await open(t, { products: 3 })
  assert.equal((await post('changes', { do: 'price', id: 1000, price: '990' })).status, 200)
  await post('changes', { do: 'update', id: 1020, fields: { name: 'Renamed' } })
  await post('changes', { do: 'remove', ids: [1040] })
  const added = (await post('changes', { do: 'add' })).json.ids
  const list = (await get(API)).json()
  assert.deepEqual(
    list.map(({ id }: { id: number }) => id),
    [1000, 1020, ...added],
  )
  assert.deepEqual([list[0].prices.price, list[1].name], ['990', 'Renamed'])
  await post('faults', { kind: 'notice', before: 'Notice', path: '/products*' })
  assert.ok((await get(API)).text.startsWith('Notice['))
  const refused = await post('changes', { do: 'price', id: 7, price: '1' })
  assert.deepEqual(refused.json, { error: 'Error: The shop has no product 7' })
})

test('the command line starts a shop and reports invalid arguments', async (t) => {
  const running = await woocommerce.start(
    woocommerce.parseArguments(['--products', '3', '--folder', '/shop', '--response', 'closed']),
  )
  t.after(() => running.close())
  assert.match(running.greeting, /3 products at http:.*\/shop/)
  assert.equal((await fetch(`${running.url}/shop${API}`)).status, 401)
  assert.throws(() => woocommerce.parseArguments(['--limit', '500']), /--limit must be 400 or 429/)
  assert.throws(() => woocommerce.parseArguments(['--response', 'x']), /--response must be one of/)
})
