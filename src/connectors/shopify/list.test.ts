// Tests a list that changes while it is read, repeats itself or is too large: the products read,
// and the number of requests.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ShopifyOptions } from '../../../simulators/shopify/server.ts'
import {
  listIds,
  openShop,
  readPages,
  readWhile,
  catchSyncError,
} from '../../../test/support/shopify.ts'

test('a list that ignores "page" is complete when the shop counts as many products as it lists', async (t) => {
  for (const products of [1, 3, 700]) {
    const simulator = await openShop(t, { products, paging: 'ignored-with-limit' })
    const warnings: string[] = []
    const pages = await readPages(simulator, { warnings })
    assert.equal(pages.at(-1)?.complete, true)
    assert.equal(listIds(pages).length, products)
    assert.match(warnings.join(), /repeats page 1 as page 2: it ignores "page"/)
    assert.ok((simulator.stats.snapshot().requests['/products.json'] ?? 0) <= 3)
  }
})

test('a list that ignores "page" is read by its collections, which prove nothing without the count', async (t) => {
  const simulator = await openShop(t, { products: 700, paging: 'ignored' })
  const read = async (): Promise<[complete: boolean, warnings: string]> => {
    const warnings: string[] = []
    const pages = await readPages(simulator, { warnings })
    return [pages.at(-1)?.complete ?? false, warnings.join()]
  }
  const [complete, warnings] = await read()
  assert.equal(complete, false)
  assert.match(warnings, /counts 700 products, and 250 were found.*incomplete/)
  simulator.set({ collections: 6 })
  assert.equal((await read())[0], true)
  simulator.set({ uncollected: 1 })
  simulator.set({ publishedCount: 699 })
  assert.equal((await read())[0], true)
  simulator.set({ publishedCount: 700 })
  assert.match((await read())[1], /counts 700 products, and 699 were found/)
  simulator.set({ currency: null })
  assert.match((await read())[1], /states no count of its products/)
})

test('a list whose redirect drops "page" is detected as well, also in a resumed fetch', async (t) => {
  const simulator = await openShop(t, { products: 300 })
  const [first] = await readPages(simulator)
  simulator.faults.set({
    kind: 'status',
    status: 302,
    headers: { location: '/products.json?limit=250' },
    path: '/products.json?page=2',
    times: null,
  })
  for (const cursor of [null, first?.cursor ?? null]) {
    const warnings: string[] = []
    const pages = await readPages(simulator, { cursor, warnings })
    assert.ok(pages.every(({ complete }) => !complete))
    assert.match(
      warnings.join(),
      /repeats page 1 as page 2: it redirects to an address without "page"/,
    )
  }
})

test('a list that repeats its last page ends there, when single products prove that it honours "page"', async (t) => {
  for (const [products, publishedCount] of [
    [2, 9],
    [300, 999],
    [500, 999],
  ] as const) {
    const simulator = await openShop(t, { products, publishedCount, paging: 'clamped' })
    const { pages, searches } = await readWhile(simulator, () => undefined)
    assert.equal(pages.at(-1)?.complete, true, `${products} products`)
    assert.equal(new Set(listIds(pages)).size, products)
    assert.deepEqual(
      searches.filter((search) => search.startsWith('?limit=1&')),
      [`?limit=1&page=${products}`, `?limit=1&page=${products + 1}`],
    )
  }
})

/** Small products in a file, because the list ends at 25,000. */
async function openLargeShop(t: TestContext, products: number, options: ShopifyOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'shop-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'products.json')
  const listed = Array.from({ length: products }, (_, index) => ({ id: index + 1, variants: [] }))
  await writeFile(file, JSON.stringify({ products: listed }))
  return openShop(t, { file, ...options })
}

test('products beyond 25,000 are read by collection, each once, and the count of the shop proves that none is missing', async (t) => {
  const simulator = await openLargeShop(t, 25_600, { collections: 3 })
  const warnings: string[] = []
  const pages = await readPages(simulator, { warnings })
  const ids = listIds(pages)
  assert.deepEqual([ids.length, new Set(ids).size], [25_600, 25_600])
  assert.equal(pages.at(-1)?.complete, true)
  assert.match(warnings.join(), /lists at most 25000 products: the others are read by collection/)
  const { requests } = simulator.stats.snapshot()
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0)
  assert.ok(total <= 400, `${total} requests`)

  const middle = pages.findLast(({ lineCount }) => lineCount > 0)
  const rest = await readPages(simulator, { cursor: middle?.cursor ?? null })
  assert.deepEqual([listIds(rest).length, rest.at(-1)?.complete], [0, true])
  simulator.set({ publishedCount: 25_601 })
  const proof = await readPages(simulator, { cursor: pages.at(-1)?.cursor ?? null, warnings })
  assert.deepEqual(proof, [])
  assert.match(warnings.join(), /counts 25601 products, and 25600 were found/)
})

test('a product that moves from a page not yet read to one already read is found', async (t) => {
  for (const [from, afterPage] of [
    [700, 1],
    [501, 2],
    [300, 1],
  ] as const) {
    const simulator = await openShop(t, { products: 750 })
    const { shop } = simulator
    const listed = shop.products()
    let order = listed
    Object.assign(shop, { products: () => order })
    const { pages, searches } = await readWhile(simulator, ({ searchParams }) => {
      const moved = listed[from]
      if (searchParams.get('page') === String(afterPage) && moved !== undefined)
        order = [moved, ...listed.filter((product) => product !== moved)]
    })
    assert.equal(pages.at(-1)?.complete, true)
    assert.deepEqual(new Set(listIds(pages)), new Set(listed.map(({ id }) => id)), `from ${from}`)
    assert.ok(searches.length <= 12, searches.join(' '))
  }
})

test('two products that change places between pages are both found', async (t) => {
  const simulator = await openShop(t, { products: 750 })
  const { shop } = simulator
  const listed = shop.products()
  let order = listed
  Object.assign(shop, { products: () => order })
  const { pages } = await readWhile(simulator, ({ searchParams }) => {
    const [one, other] = [listed[10], listed[610]]
    if (searchParams.get('page') === '1' && one !== undefined && other !== undefined)
      order = listed.with(10, other).with(610, one)
  })
  assert.deepEqual(new Set(listIds(pages)), new Set(listed.map(({ id }) => id)))
})

test('products that move to pages already read are found by a fetch that was interrupted while it read them again', async (t) => {
  const simulator = await openShop(t, { products: 750 })
  const { shop } = simulator
  const listed = shop.products()
  const [one, other] = [listed[700], listed[701]]
  assert.ok(one !== undefined && other !== undefined)
  let order = listed
  Object.assign(shop, { products: () => order })
  const { pages } = await readWhile(simulator, ({ searchParams }) => {
    if (searchParams.get('page') === '2')
      order = listed.toSpliced(700, 2).with(5, one).with(300, other)
  })
  const at = pages.findIndex((page) => listIds([page]).includes(one.id))
  const before = pages.slice(0, at + 1)
  const rest = await readPages(simulator, { cursor: before.at(-1)?.cursor ?? null })
  assert.deepEqual(new Set(listIds([...before, ...rest])), new Set(listed.map(({ id }) => id)))
  assert.equal(rest.at(-1)?.complete, true)
  assert.deepEqual(listIds(await readPages(simulator, { cursor: rest.at(-1)?.cursor ?? null })), [])
})

test('products that move to a page already read are found at its end', async (t) => {
  for (const [products, goneFirst] of [
    [251, 1],
    [510, 1],
    [510, 20],
    [510, 200],
  ] as const) {
    const simulator = await openShop(t, { products })
    const listed = simulator.shop.products().map(({ id }) => id)
    const { pages, searches } = await readWhile(simulator, ({ searchParams }) => {
      if (searchParams.get('page') === '1' && searchParams.get('limit') === '250')
        simulator.shop.remove(...listed.slice(0, goneFirst))
    })
    assert.equal(pages.at(-1)?.complete, true)
    assert.deepEqual(
      new Set(listIds(pages)),
      new Set(listed),
      `${goneFirst} of ${products} taken off the first page`,
    )
    assert.equal(listIds(pages).length, products, 'none twice')
    assert.ok(searches.length <= 2 * Math.ceil(products / 250) + 2, searches.join(' '))
  }
})

test('a product that moves while the fetch is interrupted is found when the fetch resumes', async (t) => {
  const simulator = await openShop(t, { products: 300 })
  const listed = simulator.shop.products().map(({ id }) => id)
  const [first] = await readPages(simulator)
  assert.ok(first)
  simulator.shop.remove(...listed.slice(0, 1))
  const rest = await readPages(simulator, { cursor: first.cursor })
  assert.deepEqual(new Set(listIds([first, ...rest])), new Set(listed))
})

test('a list that changes faster than it is read is not complete', async (t) => {
  const simulator = await openShop(t, { products: 1500 })
  const { message, code } = await catchSyncError(
    readWhile(simulator, ({ searchParams }) => {
      if (searchParams.get('page') === '1')
        simulator.shop.remove(
          ...simulator.shop
            .products()
            .slice(0, 600)
            .map(({ id }) => id),
        )
    }),
  )
  assert.deepEqual([code, /changed all of page 1/.test(message)], ['source/cut-short', true])
})

test('an unchanged shop receives one request per page, one for the end of each page and one more for the first page; a small shop receives two', async (t) => {
  const requestsFor = async (products: number): Promise<string[]> =>
    (await readWhile(await openShop(t, { products }), () => undefined)).searches
  assert.deepEqual(await requestsFor(3), ['?limit=250&page=1', '?limit=250&page=2'])
  assert.deepEqual(await requestsFor(500), [
    '?limit=250&page=1',
    '?limit=250&page=2',
    '?limit=25&page=10',
    '?limit=250&page=3',
    '?limit=25&page=20',
    '?limit=250&page=1',
  ])
})
