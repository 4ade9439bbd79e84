// Tests the Admin API against a shop on loopback: every state in which a bulk operation can end, and
// the proof of completeness.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ShopifyOptions } from '../../../../simulators/shopify/server.ts'
import type { Cursor, Page } from '../../../core/connector.ts'
import type { ErrorCode } from '../../../core/error-table.ts'
import type { Http } from '../../../core/http.ts'
import {
  catchSyncError,
  fetchHttp,
  fetchPages,
  listLines,
  openShop,
  readPages,
} from '../../../../test/support/shopify.ts'
import { shopify } from '../connector.ts'
import { identify, normalise } from '../drafts.ts'
import { ShopifySettings } from '../settings.ts'
import { readRecords } from './file.ts'

const TOKEN = 'shop-token'

async function open(t: TestContext, options: ShopifyOptions = {}) {
  const simulator = await openShop(t, { products: 30, adminToken: TOKEN, ...options })
  const settings = { access: 'admin', adminUrl: simulator.url } as const
  const asked: string[] = []
  const fileHeaders: object[] = []
  const http: Http = (request, signal) => {
    const [, kind = 'file'] = /(bulkOperationRunQuery|node|shop)/.exec(request.body ?? '') ?? []
    asked.push(kind)
    if (kind === 'file') fileHeaders.push(request.headers ?? {})
    return fetchHttp(request, signal)
  }
  const read = (cursor: Cursor | null = null, warnings: string[] = []): Promise<Page[]> =>
    readPages(simulator, { settings, token: TOKEN, cursor, warnings, http })
  return { simulator, settings, asked, fileHeaders, read }
}

function idsOf(pages: readonly Page[]): (string | null)[] {
  return listLines(pages).map((line) => identify(JSON.parse(line)))
}

test('all products are read with five requests, and their number is expected', async (t) => {
  const { simulator, asked, fileHeaders, read } = await open(t, { drafts: 2 })
  const pages = await read()
  const last = pages.at(-1)
  assert.deepEqual([last?.complete, last?.expected], [true, 32])
  assert.ok(pages.every(({ lineCount, expected }) => lineCount === 0 || expected === 32))
  const ids = simulator.shop.products().map(({ id }) => String(id))
  assert.deepEqual(idsOf(pages).slice(0, 30), ids)
  assert.deepEqual(asked, ['shop', 'bulkOperationRunQuery', 'node', 'node', 'file'])
  // Neither the token nor a form with other offsets.
  assert.deepEqual(fileHeaders, [{ 'accept-encoding': 'identity' }])
})

test('the Admin API has a limit for its shop, and the file has none: neither is that of visitors', () => {
  const settings = ShopifySettings.parse({
    url: 'https://a.example',
    currency: 'AUD',
    access: 'admin',
    adminUrl: 'https://a.myshopify.com',
  })
  const limitsOf = (url: string) =>
    shopify
      .rules?.({ url: new URL(url), settings, credentials: null })
      .limits.map(({ scope, key }) => [scope, key])
  assert.deepEqual(limitsOf('https://a.myshopify.com/admin'), [['host', 'a.myshopify.com']])
  assert.deepEqual(limitsOf('https://storage.example/bulk'), [])
})

test('a shop without products is complete, although it has no file', async (t) => {
  const { read } = await open(t, { products: 0 })
  const pages = await read()
  assert.deepEqual([listLines(pages).length, pages.at(-1)?.complete], [0, true])
})

const ENDS: readonly [
  outcomes: ShopifyOptions['outcomes'],
  code: ErrorCode | null,
  message: RegExp,
  started: number,
][] = [
  [['INTERNAL_SERVER_ERROR'], null, /^$/, 2],
  [['TIMEOUT', 'EXPIRED'], null, /^$/, 3],
  [['TIMEOUT', 'TIMEOUT', 'TIMEOUT'], 'source/rejected', /3 bulk operations .* is TIMEOUT$/, 3],
  [['ACCESS_DENIED'], 'source/unauthorized', /needs the scope read_products/, 1],
  [['CANCELED'], 'source/rejected', /was canceled by another program or by the owner/, 1],
  [['UNHEARD_OF'], 'source/malformed', /unknown state/, 1],
]

for (const [outcomes = [], code, message, started] of ENDS) {
  test(`operations that end as ${outcomes.join(', ')} are ${code ?? 'repeated'}, and no partial file is read`, async (t) => {
    const { simulator, read } = await open(t, { outcomes })
    if (code === null) assert.equal((await read()).at(-1)?.complete, true)
    else {
      const error = await catchSyncError(read())
      assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message)
    }
    assert.equal(simulator.admin.started, started)
    const files = Object.keys(simulator.stats.snapshot().requests).filter((path) =>
      path.startsWith('/bulk/'),
    )
    assert.deepEqual(files, code === null ? [`/bulk/${started}.jsonl`] : [])
  })
}

test('while another program runs an operation, the shop is asked again later', async (t) => {
  for (const busyCode of ['OPERATION_IN_PROGRESS', 'LIMIT_REACHED', null]) {
    const { read } = await open(t, { isBusy: true, busyCode })
    const { code, retryAfterMs } = await catchSyncError(read())
    assert.deepEqual([code, retryAfterMs], ['source/rate-limited', 60_000])
  }
})

test('an interrupted fetch continues its own operation, and finds it when its cursor is lost', async (t) => {
  const { simulator, settings, read } = await open(t, { polls: 3 })
  for await (const { cursor } of fetchPages(simulator, { settings, token: TOKEN })) {
    for (const from of [null, cursor]) assert.equal((await read(from)).at(-1)?.complete, true)
    break
  }
  assert.equal(simulator.admin.started, 1)
})

test('a download that was cut continues after its last whole product, with or without Range', async (t) => {
  for (const honoursRange of [true, false]) {
    const { simulator, settings, read } = await open(t, { products: 300, honoursRange })
    simulator.faults.set({ kind: 'cut', afterBytes: 700_000, path: '/bulk/*' })
    const pages: Page[] = []
    const reading = (async () => {
      for await (const page of fetchPages(simulator, { settings, token: TOKEN })) pages.push(page)
    })()
    assert.equal((await catchSyncError(reading)).code, 'source/cut-short')
    const before = idsOf(pages).length
    assert.ok(before > 0 && before < 300)
    const rest = await read(pages.at(-1)?.cursor ?? null)
    assert.deepEqual(
      idsOf([...pages, ...rest]),
      simulator.shop.products().map(({ id }) => String(id)),
    )
    assert.equal(rest.at(-1)?.complete, true)
    assert.equal(simulator.admin.started, 1)
    const again = await read(rest.at(-1)?.cursor ?? null)
    assert.deepEqual([listLines(again).length, again.at(-1)?.complete], [0, true])
  }
})

test('a file whose address has expired is written again', async (t) => {
  const { simulator, read } = await open(t, { downloads: 0 })
  assert.equal((await catchSyncError(read())).code, 'source/rejected')
  assert.equal(simulator.admin.started, 3)
})

test('a file with fewer lines than the shop counts is cut short, and never complete', async (t) => {
  const { read } = await open(t, { lostLines: 1 })
  const error = await catchSyncError(read())
  assert.equal(error.code, 'source/cut-short')
  assert.match(error.message, /ends after \d+ of \d+ lines/)
})

test('a file with other numbers of lines or products than the shop counts is read, and never complete', async (t) => {
  for (const [options, counts] of [
    [{ lostLines: -1 }, /counts 30 products in (\d+) lines, and its file has 30 in (?!\1\b)\d+,/],
    [{ lostProducts: 1 }, /counts 31 products in (\d+) lines, and its file has 30 in \1,/],
    [{ lostProducts: -1 }, /counts 29 products in (\d+) lines, and its file has 30 in \1,/],
  ] as const) {
    const { read } = await open(t, options)
    const warnings: string[] = []
    const pages = await read(null, warnings)
    assert.deepEqual([idsOf(pages).length, pages.some(({ complete }) => complete)], [30, false])
    assert.match(warnings.join(), counts)
  }
})

test('an operation that ends without the file of its lines is refused', async (t) => {
  const { read } = await open(t, { hasFiles: false })
  const { code, message } = await catchSyncError(read())
  assert.deepEqual([code, /has ended without a file/.test(message)], ['source/malformed', true])
})

test('an operation that the shop does not know any more is started again', async (t) => {
  const { simulator, read } = await open(t)
  const place = { operation: 'gid://shopify/BulkOperation/7', offset: 0, objects: 0, products: 0 }
  assert.equal((await read({ ...place, started: 1 })).at(-1)?.complete, true)
  assert.equal(simulator.admin.started, 1)
  const error = await catchSyncError(read({ ...place, started: 3 }))
  assert.match(error.message, /3 bulk operations .* is unknown to the shop$/)
})

test('a server that sends another part of the file than was requested is refused', async (t) => {
  const { simulator, settings, read } = await open(t)
  const [cursor] = (await read()).flatMap((page) => (page.lineCount > 0 ? [page.cursor] : []))
  const http: Http = ({ headers = {}, ...request }, signal) => {
    const range = headers['range']?.replace(/\d+/, (offset) => String(Number(offset) - 1))
    return fetchHttp({ ...request, headers: range ? { ...headers, range } : headers }, signal)
  }
  const reading = readPages(simulator, { settings, token: TOKEN, cursor: cursor ?? null, http })
  assert.match((await catchSyncError(reading)).message, /the server responds 206/)
})

test('a file that is cut at any byte is never taken as whole', async () => {
  const own = (id: number) => ({ __typename: 'Product', id: `gid://shopify/Product/${id}` })
  const variant = { __typename: 'ProductVariant', id: 'x', __parentId: own(2).id }
  const lines = [own(1), own(2), variant].map((line) => JSON.stringify(line))
  const file = Buffer.from(`${lines.join('\n')}\n`)
  const readCut = (end: number) => {
    const body = (async function* () {
      yield file.subarray(0, end)
    })()
    const start = { offset: 0, objects: 0, products: 0 }
    return Array.fromAsync(readRecords(body, start, lines.length))
  }
  const whole = await readCut(file.length)
  for (let end = 0; end < file.length - 1; end++)
    assert.equal((await catchSyncError(readCut(end))).code, 'source/cut-short', `at ${end}`)
  // Only the last line feed is missing.
  const bytesOf = (blocks: typeof whole) =>
    Buffer.concat(blocks.map(({ bytes }) => bytes)).toString()
  assert.equal(bytesOf(await readCut(file.length - 1)), bytesOf(whole))
})

test('a file that is not grouped by product is refused', async (t) => {
  const { read } = await open(t, { isGrouped: false })
  const { code, message } = await catchSyncError(read())
  assert.deepEqual([code, /is not grouped/.test(message)], ['source/malformed', true])
})

test('a request that costs too much waits until the shop has restored its points', async (t) => {
  const { read } = await open(t, { throttled: 1 })
  const { code, retryAfterMs } = await catchSyncError(read())
  assert.deepEqual([code, retryAfterMs], ['source/rate-limited', 3_000])
})

test('another currency than that of the source stops the run before the operation', async (t) => {
  const { simulator, read } = await open(t, { currency: 'NZD' })
  assert.match((await catchSyncError(read())).message, /from AUD to NZD/)
  assert.deepEqual(
    Object.keys(simulator.stats.snapshot().requests).filter((path) => path.startsWith('/bulk')),
    [],
  )
})

test('a shop that responds with another version of the API is read with one warning', async (t) => {
  const { read } = await open(t, { apiVersion: '2027-01' })
  const warnings: string[] = []
  await read(null, warnings)
  assert.match(
    warnings.join('\n'),
    /^[^\n]*version 2027-01 of the Admin API in place of [\d-]+[^\n]*$/,
  )
})

const REFUSALS: readonly [status: number, body: string, code: ErrorCode][] = [
  [401, '{"errors":"Invalid token"}', 'source/unauthorized'],
  [403, '{"errors":"Missing scope"}', 'source/unauthorized'],
  [402, '{"errors":"Unavailable Shop"}', 'source/closed'],
  [423, '{"errors":"Locked"}', 'source/closed'],
  [430, '{"errors":"Shopify Security Rejection"}', 'source/blocked'],
  [404, '{"errors":"Not Found"}', 'source/gone'],
  [429, '{"errors":"Too many"}', 'source/rate-limited'],
  [503, 'x', 'source/unavailable'],
  [
    200,
    '{"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}',
    'source/unauthorized',
  ],
  [200, '{"errors":[{"message":"Field does not exist"}]}', 'source/rejected'],
  [
    200,
    '{"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}',
    'source/unavailable',
  ],
  [200, '{"data":{}}', 'source/malformed'],
  [200, '{"data":', 'source/cut-short'],
]

test('each refusal of the API has its own error, which never quotes the token', async (t) => {
  const { simulator, read } = await open(t)
  for (const [status, body, code] of REFUSALS) {
    simulator.faults.set({ kind: 'status', status, body, path: '/admin/*' })
    const error = await catchSyncError(read())
    assert.equal(error.code, code, `${status} ${body}: ${error.message}`)
    assert.doesNotMatch(error.message, new RegExp(TOKEN))
  }
})

test('a product of the Admin API becomes the same draft as in the public list, with its GTINs and the texts of its pictures', async (t) => {
  const { simulator, read } = await open(t, { products: 120 })
  const shop = { url: simulator.url, currency: 'AUD' }
  const draftsOf = (pages: readonly Page[]) =>
    listLines(pages).map((line) => normalise(JSON.parse(line), shop))
  const [listed, owned] = [draftsOf(await readPages(simulator)), draftsOf(await read())]
  assert.deepEqual(
    owned.map((draft) => ({
      ...draft,
      attributes: { ...draft.attributes, published_at: null, created_at: null },
      variants: draft.variants.map((variant) => ({ ...variant, gtin: null })),
      images: draft.images.map((image) => ({ ...image, alt: null })),
      warnings: draft.warnings,
    })),
    listed.map((draft) => ({
      ...draft,
      attributes: { ...draft.attributes, published_at: null, created_at: null },
    })),
  )
  assert.ok(owned.some(({ variants }) => variants[0]?.gtin === '4006381333931'))
  assert.ok(owned.every(({ variants }) => variants.slice(1).every(({ gtin }) => gtin === null)))
  assert.ok(owned.some(({ images }) => images[0]?.alt?.startsWith('Picture of ')))
})

test('shipping weights are in grams, in any unit', () => {
  for (const [unit, value, grams] of [
    ['GRAMS', 250, 250],
    ['KILOGRAMS', 1.25, 1250],
    ['OUNCES', 12, 340],
    ['POUNDS', 2, 907],
    ['STONES', 1, undefined],
  ] as const) {
    const { attributes } = normalise(
      {
        id: 'gid://shopify/Product/1',
        variant_nodes: [
          {
            id: 'gid://shopify/ProductVariant/2',
            inventoryItem: { measurement: { weight: { unit, value } } },
          },
        ],
      },
      { url: 'https://a.example', currency: 'AUD' },
    )
    assert.deepEqual(attributes['shipping_grams'], grams && { 2: grams }, unit)
  }
})

test('the state of a product is that at the shop: published, not published, archived', async (t) => {
  for (const [draftStatus, status] of [
    ['DRAFT', 'draft'],
    ['ARCHIVED', 'unavailable'],
    ['UNLISTED', 'draft'],
    ['NEW_STATE', 'draft'],
  ] as const) {
    const { simulator, read } = await open(t, { products: 0, drafts: 1, draftStatus })
    const [line = ''] = listLines(await read())
    const shop = { url: simulator.url, currency: 'AUD' }
    assert.equal(normalise(JSON.parse(line), shop).status, status)
    const unpublished = { ...JSON.parse(line), status: 'ACTIVE', publishedAt: null }
    assert.equal(normalise(unpublished, shop).status, 'draft')
  }
})

test('a broken line makes its product unreadable and no other', async () => {
  const lineOf = (value: object): string => `${JSON.stringify(value)}\n`
  const product = (id: number) => ({ __typename: 'Product', id: `gid://shopify/Product/${id}` })
  const variant = (id: number, parent: number) => ({
    __typename: 'ProductVariant',
    id: `gid://shopify/ProductVariant/${id}`,
    __parentId: `gid://shopify/Product/${parent}`,
  })
  const lines = [
    lineOf(product(1)),
    lineOf(variant(11, 1)),
    lineOf(variant(12, 1)).replace('{', '{{'),
    lineOf(variant(13, 1)),
    lineOf({ ...product(2), id: 7 }),
    lineOf(variant(21, 2)),
    lineOf(product(3)),
    lineOf(variant(31, 3)),
  ]
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines.join(''))
  }
  const blocks = await Array.fromAsync(
    readRecords(body(), { offset: 0, objects: 0, products: 0 }, lines.length),
  )
  const records = blocks.flatMap(({ bytes }) => Buffer.from(bytes).toString().trim().split('\n'))
  assert.deepEqual([records.length, blocks.at(-1)?.products, blocks.at(-1)?.objects], [3, 3, 8])
  assert.throws(() => JSON.parse(records[0] ?? ''), SyntaxError)
  assert.equal(identify(JSON.parse(records[1] ?? '')), null)
  assert.equal(JSON.parse(records[2] ?? '').variant_nodes.length, 1)
})
