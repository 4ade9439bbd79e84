// Tests how a site is recognised: by its sitemaps and a few of its pages, with the reason.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESPONSES } from '../../../simulators/website/faults.ts'
import { catchSyncError } from '../../../test/support/shopify.ts'
import { listPaths, openSite, readSite, recogniseSite } from '../../../test/support/website.ts'

test('a site with product data is recognised, with the facts and five products', async (t) => {
  const simulator = await openSite(t, { products: 40 })
  const found = await recogniseSite(t, `${simulator.url}/blog/post-1`)
  assert.equal(found?.settings.url, simulator.url)
  assert.match(
    found?.found ?? '',
    /^127\.0\.0\.1:\d+ lists 40 pages \(product sitemaps\); 5 of 5 that were read state a product as JSON-LD$/,
  )
  assert.equal(found?.samples?.length, 5)
  assert.match(found?.samples?.[0]?.price ?? '', /EUR/)
  assert.ok(simulator.requests.length <= 10, `${simulator.requests.length} requests`)
})

test('microdata is named as such', async (t) => {
  const simulator = await openSite(t, { products: 6, notation: 'microdata' })
  assert.match((await recogniseSite(t, simulator.url))?.found ?? '', /as microdata$/)
})

test('without another sign, the folders that have products are found and stored', async (t) => {
  const options = { products: 12, others: 8, sitemap: 'single', productPath: '/things/' } as const
  const simulator = await openSite(t, options)
  const found = await recogniseSite(t, simulator.url)
  assert.deepEqual(found?.settings.include, ['/things/*'])
  const pages = await readSite(t, simulator, { settings: { include: found.settings.include } })
  assert.equal(listPaths(pages).length, 12)
  assert.ok(pages.at(-1)?.complete)
})

test('a site without products, without a sitemap or with empty pages says so', async (t) => {
  for (const [options, message] of [
    [{ products: 0 }, /lists 5 pages, but the 5 that were read state no product: they have no/],
    [{ sitemap: 'none' }, /has no sitemap, so its pages are not known/],
    [{ notation: 'script' }, /added by scripts in the browser. Firecrawl can read such pages/],
  ] as const) {
    const simulator = await openSite(t, options)
    const error = await catchSyncError(recogniseSite(t, simulator.url))
    assert.equal(error.code, 'source/not-recognised')
    assert.match(error.message, message)
  }
})

test('a site that is closed, blocked, gone or down gets that very response', async (t) => {
  for (const [name, code] of [
    ['challenge', 'source/blocked'],
    ['refused', 'source/blocked'],
    ['password', 'source/password'],
    ['missing', 'source/gone'],
    ['broken', 'source/unavailable'],
    ['limited', 'source/rate-limited'],
  ] as const) {
    const simulator = await openSite(t)
    simulator.faults.set({ ...RESPONSES[name], times: null })
    assert.equal((await catchSyncError(recogniseSite(t, simulator.url))).code, code, name)
  }
})
