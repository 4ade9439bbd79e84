// Tests the connector against a site on loopback: it requests what it may, reads each page once, and
// reports why a site cannot be read.

import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import type { ErrorCode } from '../../core/error-table.ts'
import type { Page } from '../../core/connector.ts'
import { RESPONSES } from '../../../simulators/website/faults.ts'
import type { PublicKey } from '../../../simulators/website/signatures.ts'
import type { SiteSimulator } from '../../../simulators/website/server.ts'
import { catchSyncError } from '../../../test/support/shopify.ts'
import {
  fetchSite,
  listPaths,
  NO_CREDENTIALS,
  openHttp,
  openSite,
  readSite,
  replayLines,
} from '../../../test/support/website.ts'

const PAGE = '/products/item-00002'

const pathsOf = ({ requests }: SiteSimulator): string[] => requests.map(({ path }) => path)

test('robots.txt, the sitemaps that it names and each page of a product are requested once, one after the other', async (t) => {
  const simulator = await openSite(t, { products: 3 })
  const pages = await readSite(t, simulator)
  assert.deepEqual(pathsOf(simulator), [
    '/robots.txt',
    '/sitemap_index.xml',
    '/sitemaps/pages.xml',
    '/sitemaps/products-1.xml',
    '/products/item-00000',
    '/products/item-00001',
    '/products/item-00002',
  ])
  assert.deepEqual([pages.at(-1)?.complete, pages.at(-1)?.expected], [true, 3])
})

test('a second run requests the pages conditionally, and archives the same lines again', async (t) => {
  for (const validators of ['etag', 'last-modified'] as const) {
    const simulator = await openSite(t, { products: 6, validators })
    const first = await readSite(t, simulator)
    simulator.requests.length = 0
    simulator.catalogue.update(1_004, { priceMinor: 1_234 })
    const second = await readSite(t, simulator, { earlierLines: () => replayLines(first) })
    const asked = simulator.requests.filter(({ path }) => path.startsWith('/products/'))
    assert.ok(asked.every(({ isConditional }) => isConditional))
    assert.deepEqual(
      asked.map(({ status }) => status),
      [304, 304, 304, 304, 200, 304],
    )
    assert.deepEqual(listPaths(second), listPaths(first))
    assert.equal(second.at(-1)?.complete, true)
    const records = (pages: readonly Page[]): string[] =>
      pages.flatMap(({ bytes }) =>
        [...new TextDecoder().decode(bytes).matchAll(/"record":(\{.*?\}),"html":/g)].map(
          ([, record = '']) => record,
        ),
      )
    const changed = records(second).filter((record, at) => record !== records(first)[at])
    assert.equal(changed.length, 1)
    assert.match(changed[0] ?? '', /12\.34/)
  }
})

test('sitemaps in gzip, at the usual place, and without an index are read', async (t) => {
  for (const sitemap of ['gz', 'single', 'unstated'] as const) {
    const simulator = await openSite(t, { products: 12, sitemap, perSitemap: 5 })
    const pages = await readSite(t, simulator)
    assert.equal(listPaths(pages).length, 12, sitemap)
    assert.equal(pages.at(-1)?.complete, true)
  }
})

test('only the pages of the chosen patterns are read', async (t) => {
  const simulator = await openSite(t, { products: 12 })
  const settings = {
    include: ['/products/*', '/blog/'],
    exclude: ['*-0000', '/sitemaps/pages.xml'],
  }
  const pages = await readSite(t, simulator, { settings })
  assert.deepEqual(listPaths(pages), ['/products/item-00010', '/products/item-00011'])
  assert.ok(!pathsOf(simulator).includes('/sitemaps/pages.xml'))
})

test('a page that robots.txt disallows is not requested, and the run is not complete', async (t) => {
  const simulator = await openSite(t, { products: 4, robots: ['Disallow: /products/*2$'] })
  const error = await catchSyncError(readSite(t, simulator))
  assert.equal(error.code, 'source/cut-short')
  assert.match(error.message, /robots\.txt disallows 1 of 4 pages/)
  assert.ok(!pathsOf(simulator).includes(PAGE))
  simulator.set({ robots: ['Disallow: /'] })
  assert.equal((await catchSyncError(readSite(t, simulator))).code, 'source/blocked')
})

test('without robots.txt everything is allowed, and with one that cannot be read nothing is', async (t) => {
  const simulator = await openSite(t, { products: 2, sitemap: 'unstated', robotsStatus: 404 })
  assert.equal((await readSite(t, simulator)).at(-1)?.complete, true)
  simulator.requests.length = 0
  for (const robotsStatus of [503, 408]) {
    simulator.set({ robotsStatus })
    assert.equal((await catchSyncError(readSite(t, simulator))).code, 'source/unavailable')
  }
  assert.deepEqual(pathsOf(simulator), ['/robots.txt', '/robots.txt'])
})

test('the Crawl-delay of robots.txt is the pace of all later requests', async (t) => {
  const simulator = await openSite(t, { products: 2, robots: ['Crawl-delay: 2.5'] })
  const asked: (number | undefined)[] = []
  const http = openHttp(t)
  await readSite(t, simulator, {
    http: (request, signal) => (asked.push(request.minIntervalMs), http(request, signal)),
  })
  assert.deepEqual(asked, [undefined, ...Array.from({ length: 5 }, () => 2_500)])
})

test('a broken page does not keep the others from being read, and is tried again at the end', async (t) => {
  const simulator = await openSite(t, { products: 8 })
  simulator.faults.set({ ...RESPONSES.broken, path: PAGE, times: 2 })
  const pages: Page[] = []
  const read = async (cursor: Page['cursor']): Promise<void> => {
    for await (const page of fetchSite(t, simulator, { cursor })) pages.push(page)
  }
  const error = await catchSyncError(read(null))
  assert.equal(error.code, 'source/cut-short')
  assert.match(error.message, /1 of 8 pages of .* could not be read: .*item-00002 responds 500/)
  assert.equal(listPaths(pages).length, 7)
  await catchSyncError(read(pages.at(-1)?.cursor ?? null))
  simulator.requests.length = 0
  await read(pages.at(-1)?.cursor ?? null)
  assert.deepEqual(pathsOf(simulator).slice(4), [PAGE])
  assert.equal(new Set(listPaths(pages)).size, 8)
  assert.equal(pages.at(-1)?.complete, true)
})

test('three failed pages in a row are a failure of the site', async (t) => {
  const simulator = await openSite(t, { products: 8 })
  simulator.faults.set({ ...RESPONSES.broken, path: '/products/*', times: null })
  assert.equal((await catchSyncError(readSite(t, simulator))).code, 'source/unavailable')
  assert.equal(pathsOf(simulator).filter((path) => path.startsWith('/products/')).length, 3)
})

test('a page that is gone, moves or is a second address of another one leaves the run complete', async (t) => {
  const simulator = await openSite(t, { products: 4, aliases: 'canonical' })
  simulator.faults.set({ ...RESPONSES.removed, path: PAGE, times: null })
  const pages = await readSite(t, simulator)
  assert.deepEqual([listPaths(pages).length, pages.at(-1)?.expected], [3, 3])
  assert.equal(pages.at(-1)?.complete, true)
  simulator.faults.clear()
  simulator.set({ aliases: 'none', moved: true })
  const moved = await readSite(t, simulator)
  assert.deepEqual([listPaths(moved).length, moved.at(-1)?.complete], [4, true])
})

test('a redirect to another site is not followed into the catalogue', async (t) => {
  const simulator = await openSite(t, { products: 3 })
  const other = await openSite(t, { products: 3 })
  const headers = { location: other.url + PAGE }
  simulator.faults.set({ kind: 'status', status: 302, headers, path: PAGE })
  const pages = await readSite(t, simulator)
  assert.deepEqual(listPaths(pages), ['/products/item-00000', '/products/item-00001'])
})

test('a page that had a product and shows none now is archived, unless it says that it is gone', async (t) => {
  const simulator = await openSite(t, { products: 4 })
  const earlierLines = replayLines.bind(null, await readSite(t, simulator))
  const html = (title: string): string =>
    `<!doctype html><html><head><title>${title}</title></head><body><p>Text</p></body></html>`
  simulator.faults.set(
    { kind: 'status', status: 200, body: html('Blue mug'), path: PAGE },
    { kind: 'status', status: 200, body: html('Page not found'), path: '/products/item-00003' },
  )
  const pages = await readSite(t, simulator, { earlierLines })
  assert.deepEqual(
    listPaths(pages),
    [0, 1, 2].map((at) => `/products/item-0000${at}`),
  )
  assert.equal(pages.at(-1)?.complete, true)
})

test('a page that fails, and shows no product when it is tried again, is archived as well', async (t) => {
  const simulator = await openSite(t, { products: 4 })
  const earlierLines = replayLines.bind(null, await readSite(t, simulator))
  simulator.faults.set({ ...RESPONSES.broken, path: PAGE, times: 1 })
  const pages: Page[] = []
  const read = async (cursor: Page['cursor']): Promise<void> => {
    const options = { cursor, earlierLines }
    for await (const page of fetchSite(t, simulator, options)) pages.push(page)
  }
  assert.equal((await catchSyncError(read(null))).code, 'source/cut-short')
  const body = '<!doctype html><html><head><title>Blue mug</title></head><body></body></html>'
  simulator.faults.set({ kind: 'status', status: 200, body, path: PAGE })
  await read(pages.at(-1)?.cursor ?? null)
  assert.equal(listPaths(pages).at(-1), PAGE)
  assert.equal(pages.at(-1)?.complete, true)
})

test('sitemaps on other sites are refused, and the run is not complete', async (t) => {
  const foreignSitemap = 'https://elsewhere.example/sitemap.xml'
  const simulator = await openSite(t, { products: 2, foreignSitemap })
  const error = await catchSyncError(readSite(t, simulator))
  assert.equal(error.code, 'source/cut-short')
  assert.match(error.message, /elsewhere\.example is on another site/)
})

test('pages that are empty until their scripts run are named as such', async (t) => {
  const simulator = await openSite(t, { products: 3, notation: 'script' })
  const error = await catchSyncError(readSite(t, simulator))
  assert.equal(error.code, 'source/malformed')
  assert.match(error.message, /are empty until their scripts run: 3 of 3 have no data/)
})

test('an incremental fetch reads the pages that changed by their sitemap', async (t) => {
  const simulator = await openSite(t, { products: 5 })
  const { watermarkMs } = (await readSite(t, simulator)).at(-1) ?? {}
  simulator.catalogue.update(1_001, { priceMinor: 700 })
  const scope = { kind: 'since', sinceMs: (watermarkMs ?? 0) + 1 } as const
  assert.deepEqual(listPaths(await readSite(t, simulator, { scope })), ['/products/item-00001'])
  simulator.set({ lastmod: 'none' })
  assert.equal(listPaths(await readSite(t, simulator, { scope })).length, 5)
})

test('an incremental fetch is complete when no page of a product has changed', async (t) => {
  const simulator = await openSite(t, { products: 5 })
  const { watermarkMs } = (await readSite(t, simulator)).at(-1) ?? {}
  const scope = { kind: 'since', sinceMs: (watermarkMs ?? 0) + 1 } as const
  const pages = await readSite(t, simulator, { scope })
  assert.deepEqual([listPaths(pages), pages.at(-1)?.complete], [[], true])
})

const FAILURES: readonly [name: keyof typeof RESPONSES, code: ErrorCode, message: RegExp][] = [
  ['challenge', 'source/blocked', /bot challenge \(403\) \("Just a moment\.\.\."\)/],
  ['challenge429', 'source/blocked', /bot challenge \(429\)/],
  ['challenge503', 'source/blocked', /bot challenge \(503\) \("Checking your browser"\)/],
  ['challenge200', 'source/blocked', /bot challenge \("Pardon Our Interruption"\)/],
  ['refused', 'source/cut-short', /403: the site refuses this request \("Forbidden by policy 7"\)/],
  ['password', 'source/cut-short', /401: the site asks visitors for a password/],
  ['login', 'source/cut-short', /sends visitors to a page for signing in/],
  ['loop', 'source/cut-short', /redirects more than 5 times/],
  ['limited', 'source/rate-limited', /429: too many requests/],
  ['broken', 'source/cut-short', /responds 500/],
  ['maintenance', 'source/cut-short', /responds 503/],
]

for (const [name, code, message] of FAILURES) {
  test(`"${name}" in place of one page is ${code}`, async (t) => {
    const simulator = await openSite(t, { products: 4 })
    simulator.faults.set({ ...RESPONSES[name], path: PAGE, times: null })
    const error = await catchSyncError(readSite(t, simulator))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
  })
}

test('requests are signed with a key that the site can verify', async (t) => {
  const key = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A'
  const privateKey = createPrivateKey({
    key: { kty: 'OKP', crv: 'Ed25519', d: key, x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    format: 'jwk',
  })
  const signedBy = createPublicKey(privateKey).export({ format: 'jwk' }) as unknown as PublicKey
  const simulator = await openSite(t, { products: 2, signedBy })
  assert.equal((await catchSyncError(readSite(t, simulator))).code, 'source/blocked')
  const signature = { key, agent: 'https://bot.example' }
  const pages = await readSite(t, simulator, { credentials: { ...NO_CREDENTIALS, signature } })
  assert.equal(pages.at(-1)?.complete, true)
  const other = { key: key.replace('n', 'm'), agent: 'https://bot.example' }
  const credentials = { ...NO_CREDENTIALS, signature: other }
  await catchSyncError(readSite(t, simulator, { credentials }))
})

test('the end of a permission for signed requests is warned of in its last two weeks', async (t) => {
  const simulator = await openSite(t, { products: 1 })
  const inDays = (days: number): string =>
    new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  for (const [days, warning] of [
    [-3, /ended on/],
    [10, /ends on .*Ask its owner for a new one/],
    [20, null],
  ] as const) {
    const warnings: string[] = []
    await readSite(t, simulator, { warnings, settings: { signatureExpiresOn: inDays(days) } })
    if (warning === null) assert.deepEqual(warnings, [])
    else assert.match(warnings.join(), warning)
  }
})
