// Tests the way through Firecrawl, with its API and a site whose pages need scripts on loopback.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ErrorCode } from '../../core/error-table.ts'
import {
  startFirecrawl,
  type FirecrawlSimulator,
  type FirecrawlSwitches,
} from '../../../simulators/firecrawl/server.ts'
import { RESPONSES } from '../../../simulators/website/faults.ts'
import type { SiteOptions, SiteSimulator } from '../../../simulators/website/server.ts'
import { catchSyncError } from '../../../test/support/shopify.ts'
import {
  listPaths,
  NO_CREDENTIALS,
  openSite,
  readSite,
  recogniseSite,
} from '../../../test/support/website.ts'

const KEY = 'fc-test'

interface Setup {
  readonly site: SiteSimulator
  readonly api: FirecrawlSimulator
  readonly read: () => ReturnType<typeof readSite>
}

async function open(
  t: TestContext,
  options: SiteOptions = {},
  switches: FirecrawlSwitches = {},
): Promise<Setup> {
  const site = await openSite(t, { products: 4, notation: 'script', ...options })
  const api = await startFirecrawl({ key: KEY, ...switches })
  t.after(() => api.close())
  const credentials = { ...NO_CREDENTIALS, firecrawl: { url: api.url, key: KEY } }
  const read = () => readSite(t, site, { credentials, settings: { via: 'firecrawl' } })
  return { site, api, read }
}

test('the HTML that a browser shows goes through the same reader, for one credit a page', async (t) => {
  const { site, api, read } = await open(t)
  const pages = await read()
  assert.equal(listPaths(pages).length, 4)
  assert.equal(pages.at(-1)?.complete, true)
  assert.deepEqual(
    api.requests.map(({ path }) => path),
    Array.from({ length: 4 }, () => '/v2/scrape'),
  )
  assert.equal(api.creditsLeft, 996)
  assert.ok(site.requests.some(({ path }) => path === '/robots.txt'))
})

test('robots.txt holds for Firecrawl as well', async (t) => {
  const { api, read } = await open(t, { robots: ['Disallow: /products/*3$'] })
  await catchSyncError(read())
  assert.deepEqual(
    api.requests.map(({ body }) => new URL((body as { url: string }).url).pathname),
    [0, 1, 2].map((at) => `/products/item-0000${at}`),
  )
})

test('without a sitemap the map lists the pages of the site, and never proves that they are all', async (t) => {
  for (const plainLinks of [false, true]) {
    const { site, api, read } = await open(t, { sitemap: 'none' }, { plainLinks })
    const alsoMaps = [`${site.url}/products/item-00001`, 'https://elsewhere.example/products/x']
    api.set({ alsoMaps })
    const error = await catchSyncError(read())
    assert.equal(error.code, 'source/cut-short')
    assert.match(error.message, /the map of Firecrawl does not prove what is missing/)
    const scraped = api.requests.filter(({ path }) => path === '/v2/scrape')
    assert.equal(scraped.length, 1)
  }
})

test('a page that is gone is a success of Firecrawl, and no product', async (t) => {
  const { site, read } = await open(t)
  site.faults.set({ ...RESPONSES.missing, path: '/products/item-00002', times: null })
  const pages = await read()
  assert.deepEqual([listPaths(pages).length, pages.at(-1)?.complete], [3, true])
})

const FAILURES: readonly [
  what: string,
  setup: (setup: Setup) => void,
  code: ErrorCode,
  message: RegExp,
][] = [
  ['a wrong key', ({ api }) => api.set({ key: 'other' }), 'source/unauthorized', /401/],
  ['no credits', ({ api }) => api.set({ credits: 1 }), 'source/rejected', /402.*no credits left/],
  ['too many requests', ({ api }) => api.set({ requestsMax: 2 }), 'source/rate-limited', /429/],
  [
    'success without HTML',
    ({ api }) => api.set({ omitsHtml: true }),
    'source/unavailable',
    /could not read .*: The browser ended/,
  ],
  [
    'an engine that fails',
    ({ api }) =>
      api.faults.set({
        kind: 'status',
        status: 500,
        body: '{"success":false,"code":"SCRAPE_ALL_ENGINES_FAILED","error":"All engines failed"}',
      }),
    'source/cut-short',
    /1 of 4 pages .*SCRAPE_ALL_ENGINES_FAILED/,
  ],
  [
    'a blocked site',
    ({ api }) =>
      api.faults.set({ kind: 'status', status: 403, body: '{"success":false,"error":"Blocked"}' }),
    'source/blocked',
    /403: Blocked/,
  ],
  [
    'a service that is down',
    ({ api }) => api.faults.set({ kind: 'status', status: 502 }),
    'source/unavailable',
    /502/,
  ],
]

for (const [what, arrange, code, message] of FAILURES) {
  test(`${what} is ${code}`, async (t) => {
    const setup = await open(t)
    arrange(setup)
    const error = await catchSyncError(setup.read())
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    if (code === 'source/rate-limited') assert.equal(error.retryAfterMs, 9_000)
  })
}

test('without a key and an address, the setting is refused before any request', async (t) => {
  const site = await openSite(t, { products: 1 })
  const error = await catchSyncError(readSite(t, site, { settings: { via: 'firecrawl' } }))
  assert.equal(error.code, 'settings/invalid')
  assert.deepEqual(site.requests, [])
})

test('add uses Firecrawl only when the site itself shows no products', async (t) => {
  const { site, api } = await open(t)
  const credentials = { ...NO_CREDENTIALS, firecrawl: { url: api.url, key: KEY } }
  const found = await recogniseSite(t, site.url, credentials)
  assert.equal(found?.settings.via, 'firecrawl')
  assert.match(found?.found ?? '', /through Firecrawl \(one credit a page\) state a product/)
  const files = site.requests.filter(({ path }) => /^\/(robots|sitemap)/.test(path))
  assert.equal(new Set(files.map(({ path }) => path)).size, files.length)
  const plain = await openSite(t, { products: 3 })
  const before = api.requests.length
  assert.equal((await recogniseSite(t, plain.url, credentials))?.settings.via, 'direct')
  assert.equal(api.requests.length, before)
})
