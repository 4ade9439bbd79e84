// Tests the connector against a shop on loopback: it reads the whole list, ends only where the list
// ends, and reports why it cannot be read.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from '../../core/connector.ts'
import type { ErrorCode } from '../../core/error-table.ts'
import type { HttpRequest } from '../../core/http.ts'
import { RESPONSES } from '../../../simulators/shopify/faults.ts'
import {
  fetchHttp,
  listIds,
  listLines,
  openShop,
  fetchPages,
  readPages,
  recognise,
  catchSyncError,
} from '../../../test/support/shopify.ts'
import { shopify } from './connector.ts'
import { ShopifySettings } from './settings.ts'

test('a shop is read page by page until the page without products', async (t) => {
  const simulator = await openShop(t, { products: 510 })
  const pages = await readPages(simulator)
  assert.deepEqual(
    pages.map(({ lineCount, complete }) => [lineCount, complete]),
    [
      [250, false],
      [250, false],
      [10, false],
      [0, true],
    ],
  )
  assert.deepEqual(
    listIds(pages),
    simulator.shop.products().map(({ id }) => id),
  )
  const cursors = [
    { page: 2, listed: 250 },
    { page: 3, listed: 500 },
    { page: 4, listed: 510 },
    { page: 2, listed: 510 },
  ]
  assert.deepEqual(
    pages.map(({ cursor }) => cursor as { page: number; listed: number }),
    cursors.map((cursor, at) => ({ ...(pages[at]?.cursor as object), ...cursor })),
  )
  assert.ok(pages.every(({ expected, watermarkMs }) => expected === null && watermarkMs === null))
})

test('an empty shop is complete at once', async (t) => {
  const pages = await readPages(await openShop(t, { products: 0 }))
  assert.deepEqual(
    pages.map(({ lineCount, complete, bytes }) => [lineCount, complete, bytes.length]),
    [[0, true, 0]],
  )
})

test("a line is the shop's own bytes, and a pretty-printed record is still one line", async (t) => {
  const simulator = await openShop(t, { products: 3 })
  const answer = await (await fetch(`${simulator.url}/products.json`)).text()
  assert.equal(`{"products":[${listLines(await readPages(simulator)).join(',')}]}`, answer)
  assert.ok(answer.includes(String.raw`\u003c\/p\u003e`))
  simulator.set({ pretty: true })
  const lines = listLines(await readPages(simulator))
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    JSON.parse(answer).products,
  )
  assert.ok(lines.every((line) => line.includes('     "id": ')))
})

test('a cursor resumes where the last page ended', async (t) => {
  const simulator = await openShop(t, { products: 510 })
  const [first, ...others] = await readPages(simulator)
  assert.deepEqual(await readPages(simulator, { cursor: first?.cursor ?? null }), others)
  assert.deepEqual(
    await readPages(simulator, { cursor: others.at(-1)?.cursor ?? null }),
    others.slice(-1),
  )
})

test('each document is requested once, by GET, without a language or a cookie that could change the prices', async (t) => {
  const simulator = await openShop(t, { products: 1 })
  const asked: HttpRequest[] = []
  await readPages(simulator, {
    http: (request, signal) => (asked.push(request), fetchHttp(request, signal)),
  })
  const paths = [
    '/meta.json',
    '/cart.js',
    '/products.json?limit=250&page=1',
    '/products.json?limit=250&page=2',
  ]
  assert.deepEqual(
    asked,
    paths.map((path) => ({ url: simulator.url + path, headers: { accept: 'application/json' } })),
  )
})

const FAILURES: readonly [name: keyof typeof RESPONSES, code: ErrorCode, message: RegExp][] = [
  ['password', 'source/password', /password page/],
  ['unauthorized', 'source/password', /401/],
  ['frozen', 'source/closed', /402: Shopify has frozen/],
  ['challenge', 'source/blocked', /bot challenge \(403\)/],
  ['unmarkedChallenge', 'source/blocked', /bot challenge \(503\)/],
  ['refused', 'source/blocked', /403/],
  ['missing', 'source/gone', /404/],
  ['removed', 'source/gone', /410/],
  ['locked', 'source/closed', /423: Shopify has locked/],
  ['limited', 'source/rate-limited', /429/],
  ['rejected', 'source/blocked', /430/],
  ['broken', 'source/unavailable', /500/],
  ['unavailable', 'source/unavailable', /503/],
  ['webPage', 'source/malformed', /a web page, not JSON/],
]

for (const [name, code, message] of FAILURES) {
  test(`"${name}" on a later page is ${code}, never the end`, async (t) => {
    const simulator = await openShop(t, { products: 300 })
    simulator.faults.set({ ...RESPONSES[name], path: '/products.json?page=2' })
    const pages: Page[] = []
    const error = await catchSyncError(
      (async () => {
        for await (const page of fetchPages(simulator)) pages.push(page)
      })(),
    )
    assert.deepEqual([error.code, pages.length, pages[0]?.complete], [code, 1, false])
    assert.match(error.message, message)
    assert.match(error.message, /127\.0\.0\.1:\d+/)
    assert.equal(
      (await readPages(simulator, { cursor: pages[0]?.cursor ?? null })).at(-1)?.complete,
      true,
    )
  })

  test(`"${name}" while the shop is added is refused with ${code}`, async (t) => {
    const simulator = await openShop(t)
    simulator.faults.set({ ...RESPONSES[name], path: '/products.json?page=1', times: null })
    const error = await catchSyncError(recognise(simulator))
    assert.equal(error.code, code)
    assert.match(error.message, message)
  })
}

test('behind Cloudflare, the text of the page distinguishes a challenge from a transient failure', async (t) => {
  const simulator = await openShop(t)
  const { body, headers } = RESPONSES.unmarkedChallenge
  const failure = async (fault: {
    status: number
    body?: string
    headers?: Record<string, string>
  }): Promise<string> => {
    simulator.faults.set({ kind: 'status', path: '/products.json?page=1', ...fault })
    const { code, message } = await catchSyncError(readPages(simulator))
    return message.includes('bot challenge') ? `${code}, a challenge` : code
  }
  for (const status of [202, 403, 429, 503])
    assert.equal(
      await failure({ status, body, headers }),
      'source/blocked, a challenge',
      String(status),
    )
  const late = `<!doctype html>${'é'.repeat(32_768)}${body}`
  assert.equal(
    await failure({ status: 503, body: late, headers }),
    'source/unavailable',
    'only the beginning of a page is read',
  )
  assert.equal(
    await failure({ status: 503, body: late.slice(1_000), headers }),
    'source/blocked, a challenge',
  )
  assert.equal(await failure({ status: 503, headers }), 'source/unavailable')
  assert.equal(await failure({ status: 429, headers }), 'source/rate-limited')
  assert.equal(await failure({ status: 503, body }), 'source/unavailable')
  assert.equal(
    await failure({ status: 503, body, headers: { ...headers, 'content-type': 'text/plain' } }),
    'source/unavailable',
  )
})

test('Retry-After is at least 5 seconds, and 30 when it is absent or invalid', async (t) => {
  const simulator = await openShop(t)
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT'
  const wishes: [header: string | null, waitMs: number][] = [
    ['12', 12_000],
    ['0', 5_000],
    ['120', 120_000],
    [null, 30_000],
    ['soon', 30_000],
    ['Sun, 22 Nov 2026 10:00:20 GMT', 20_000],
  ]
  for (const [header, waitMs] of wishes) {
    simulator.faults.set({
      ...RESPONSES.limited,
      headers: { date, ...(header !== null && { 'retry-after': header }) },
      path: '/products.json?page=1',
    })
    assert.equal((await catchSyncError(readPages(simulator))).retryAfterMs, waitMs, String(header))
  }
})

test('an incomplete page is cut short, and the message names the page and the byte', async (t) => {
  const simulator = await openShop(t, { products: 300 })
  for (const afterBytes of [0, 1, 13, 5_000]) {
    simulator.faults.set({ kind: 'cut', afterBytes, path: '/products.json?page=2' })
    const error = await catchSyncError(readPages(simulator))
    assert.equal(error.code, 'source/cut-short')
    assert.match(error.message, new RegExp(`page 2, ends in the middle, at byte ${afterBytes}$`))
  }
})

test('an empty response, a dropped connection and garbage are failures; a slow response is not', async (t) => {
  const simulator = await openShop(t, { products: 2 })
  const codes: string[] = []
  const path = '/products.json?page=1'
  const faults = [
    { kind: 'reset', path },
    { kind: 'reset', afterBytes: 400, path },
    { kind: 'garbage', path },
    { kind: 'empty', path },
  ] as const
  for (const fault of faults) {
    simulator.faults.set(fault)
    codes.push((await catchSyncError(readPages(simulator))).code)
  }
  assert.deepEqual(codes, [
    'source/cut-short',
    'source/cut-short',
    'source/malformed',
    'source/cut-short',
  ])
  simulator.faults.set({ kind: 'drip', bytes: 1_000, everyMs: 0, path })
  assert.equal((await readPages(simulator)).at(-1)?.complete, true)
})

test('a short or shifted page is not the end', async (t) => {
  const simulator = await openShop(t, { products: 510 })
  simulator.faults.set({ kind: 'shift', by: 1, path: '/products.json?page=3' })
  const pages = await readPages(simulator)
  assert.deepEqual(
    pages.map(({ lineCount }) => lineCount),
    [250, 250, 11, 0],
  )
  assert.equal(new Set(listIds(pages)).size, 510)
})

test('a shop with more products than the list can serve ends incomplete with a warning, with either status', async (t) => {
  const simulator = await openShop(t, { products: 3 })
  for (const reachStatus of [400, 200] as const) {
    simulator.set({ reachStatus })
    const warnings: string[] = []
    const pages = await readPages(simulator, { cursor: { page: 101, listed: 25_000 }, warnings })
    assert.deepEqual(listIds(pages), [])
    assert.ok(pages.every(({ complete }) => !complete))
    assert.match(warnings.join(), /at most 25000 products.*counts 3 products, and 0 were found/)
  }
})

test('an error inside a JSON response is a failure on a page that the list can reach', async (t) => {
  const simulator = await openShop(t, { products: 3, reach: 10, reachStatus: 200 })
  const error = await catchSyncError(readPages(simulator))
  assert.equal(error.code, 'source/rejected')
  assert.match(error.message, /Page \* Limit/)
})

test('a list that never ends is abandoned after maxPages, incomplete', async (t) => {
  const simulator = await openShop(t, { products: 600 })
  const warnings: string[] = []
  const pages = await readPages(simulator, { settings: { maxPages: 2 }, warnings })
  assert.deepEqual(
    pages.map(({ complete }) => complete),
    [false, false],
  )
  assert.match(warnings.join(), /more pages than maxPages \(2\)/)
})

test('a changed currency stops the run before any product is read', async (t) => {
  const simulator = await openShop(t, { currency: 'NZD' })
  const error = await catchSyncError(readPages(simulator))
  assert.equal(error.code, 'source/malformed')
  assert.match(error.message, /from AUD to NZD/)
  assert.equal(simulator.stats.snapshot().requests['/products.json'], undefined)
})

test('a shop that states no currency, shows visitors another one, or states another count is read with a warning', async (t) => {
  const simulator = await openShop(t, { products: 2, currency: null, visitorCurrency: 'AUD' })
  const warned = async (): Promise<string> => {
    const warnings: string[] = []
    assert.equal((await readPages(simulator, { warnings })).at(-1)?.complete, true)
    return warnings.join()
  }
  assert.match(await warned(), /states no currency/)
  simulator.set({ currency: 'AUD', visitorCurrency: 'EUR' })
  assert.match(await warned(), /prices in EUR to visitors/)
  simulator.set({ visitorCurrency: null, publishedCount: 7 })
  assert.match(await warned(), /has 2 products, while \/meta.json counts 7/)
  simulator.set({ publishedCount: null })
  assert.equal(await warned(), '')
})

test('a shop is recognised by any of its addresses, with its own currency and name', async (t) => {
  const simulator = await openShop(t, {
    name: 'Café Öland & Sons',
    currency: 'JPY',
    visitorCurrency: 'EUR',
  })
  const recognition = await recognise(simulator, '/collections/all?x=1')
  assert.equal(recognition?.suggestedName, 'cafe-oland-sons')
  assert.deepEqual(recognition?.settings, {
    url: simulator.url,
    currency: 'JPY',
    access: 'public',
    adminUrl: null,
    list: '/products.json',
    minIntervalMs: 1_000,
    maxPages: 101,
  })
  simulator.set({ name: '日本' })
  assert.match((await recognise(simulator))?.suggestedName ?? '', /^127-0-0-1-\d+$/)
})

test('the currency of a shop that states none is not guessed', async (t) => {
  const error = await catchSyncError(recognise(await openShop(t, { currency: null })))
  assert.match(error.message, /states no currency/)
})

test('a site without a sign of Shopify is not recognised, without an error', async (t) => {
  const simulator = await openShop(t, { currency: null })
  for (const answer of [RESPONSES.missing, RESPONSES.webPage]) {
    simulator.faults.set({
      ...answer,
      path: '/products.json?page=1',
      times: null,
      headers: { 'powered-by': 'Nobody' },
    })
    assert.equal(await recognise(simulator), null)
  }
})

const LOOK_ALIKES: readonly [what: string, text: string, code: ErrorCode, message: RegExp][] = [
  ['a bare list', '[{"id":1,"variants":[]}]', 'source/malformed', /a bare list/],
  [
    'an Admin API list',
    '[{"id":1,"admin_graphql_api_id":"gid://shopify/Product/1"}]',
    'source/malformed',
    /bare list of the Admin API/,
  ],
  [
    'an Admin API page',
    '{"products":[{"id":1,"variants":[],"admin_graphql_api_id":"gid"}]}',
    'source/malformed',
    /of the Admin API/,
  ],
  [
    'a flattened export',
    '[{"name":"Mug","source_data":{"id":1}}]',
    'source/malformed',
    /flattened export/,
  ],
  ['one product', '{"product":{"id":1,"variants":[]}}', 'source/malformed', /one product/],
  [
    'a list of something else',
    '{"products":[{"sku":"1"}]}',
    'source/malformed',
    /without ids or variants/,
  ],
  ['a list by key', '{"products":{"1":{}}}', 'source/malformed', /without a list/],
  ['a string', '"products"', 'source/malformed', /a single value/],
  ['a truncated file', '{"products":[{"id":1,"title":"M', 'source/cut-short', /at byte 31$/],
  ['a truncated list', '[{"id":1,"ti', 'source/cut-short', /at byte 12$/],
  ['text', 'products', 'source/malformed', /is not JSON/],
]

for (const [what, text, code, message] of LOOK_ALIKES) {
  test(`${what} is refused with the reason, when added and when fetched`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'shop-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'products.json')
    await writeFile(file, text)
    const simulator = await openShop(t, { file })
    for (const error of [
      await catchSyncError(recognise(simulator)),
      await catchSyncError(readPages(simulator)),
    ]) {
      assert.equal(error.code, code)
      assert.match(error.message, message)
    }
  })
}

test('settings accept only an origin and a currency code', () => {
  const good = { url: 'https://shop.example', currency: 'AUD' }
  assert.equal(ShopifySettings.safeParse(good).success, true)
  const addresses = [
    'https://shop.example/',
    'https://shop.example/products',
    'ftp://shop.example',
    'shop',
  ]
  for (const change of [
    ...addresses.map((url) => ({ url })),
    { currency: 'aud' },
    { currency: '' },
    { key: 1 },
  ]) {
    assert.equal(
      ShopifySettings.safeParse({ ...good, ...change }).success,
      false,
      JSON.stringify(change),
    )
  }
})

test('the record is the whole line without its line feed', () => {
  assert.deepEqual(shopify.scan(new TextEncoder().encode('{"id":1}\n'), 0), {
    start: 0,
    end: 8,
    volatile: [],
  })
  assert.deepEqual(shopify.scan(new TextEncoder().encode('{"id":1}'), 0), {
    start: 0,
    end: 8,
    volatile: [],
  })
})

test('a malformed product at the start of a page is a line like any other', async (t) => {
  const simulator = await openShop(t, { products: 251 })
  const products = simulator.shop.products()
  for (const at of [0, 250]) Object.assign(products[at] ?? {}, { variants: 'none' })
  assert.equal(listLines(await readPages(simulator)).length, 251)
  for (const product of products) Object.assign(product, { variants: 'none' })
  assert.match((await catchSyncError(readPages(simulator))).message, /without ids or variants/)
})
