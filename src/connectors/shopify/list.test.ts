// Tests a list that changes while it is read, repeats itself or is too large: the products read,
// and the number of requests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Http } from '../../core/http.ts'
import {
  listIds,
  openShop,
  readPages,
  readWhile,
  catchSyncError,
} from '../../../test/support/shopify.ts'

test('a list that ignores "page" is detected on its second page, after two requests', async (t) => {
  for (const products of [1, 3, 700]) {
    const simulator = await openShop(t, { products, ignoresPage: true })
    const error = await catchSyncError(readPages(simulator))
    assert.equal(error.code, 'source/malformed')
    assert.match(error.message, /repeats page 1 as page 2: it ignores "page"/)
    assert.equal(simulator.stats.snapshot().requests['/products.json'], 2)
  }
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
    const error = await catchSyncError(readPages(simulator, { cursor }))
    assert.equal(error.code, 'source/malformed')
    assert.match(
      error.message,
      /repeats page 1 as page 2: it redirects to an address without "page"/,
    )
  }
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

test('an unchanged shop receives one request per page and one for the end of each page; a small shop receives two', async (t) => {
  const requestsFor = async (products: number): Promise<string[]> =>
    (await readWhile(await openShop(t, { products }), () => undefined)).searches
  assert.deepEqual(await requestsFor(3), ['?limit=250&page=1', '?limit=250&page=2'])
  assert.deepEqual(await requestsFor(500), [
    '?limit=250&page=1',
    '?limit=250&page=2',
    '?limit=25&page=10',
    '?limit=250&page=3',
    '?limit=25&page=20',
  ])
})

/** A list of `products` products, of which the one at `large` has a text of 66 MiB. */
function listWithLarge(products: number, large: number, searches: string[]): Http {
  const piece = Buffer.alloc(1024 * 1024, 'x')
  async function* page(from: number, to: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"products":[')
    for (let id = from; id < Math.min(to, products); id++) {
      yield Buffer.from(`${id === from ? '' : ','}{"id":${id},"variants":[],"body_html":"`)
      if (id === large) for (let mebibytes = 0; mebibytes < 66; mebibytes++) yield piece
      yield Buffer.from('"}')
    }
    yield Buffer.from(']}')
  }
  return ({ url }) => {
    const { pathname, search, searchParams } = new URL(url)
    const [limit, number] = [Number(searchParams.get('limit')), Number(searchParams.get('page'))]
    const isList = pathname === '/products.json'
    if (isList) searches.push(search)
    const body = isList ? page((number - 1) * limit, number * limit) : page(0, 0)
    return Promise.resolve({
      status: 200,
      headers: new Headers({ 'content-type': 'application/json' }),
      url,
      body,
      cancel: () => Promise.resolve(),
    })
  }
}

test('a page above 64 MiB is requested again in smaller pages, down to the one large product, and the list continues after it', async (t) => {
  const searches: string[] = []
  const pages = await readPages(await openShop(t, { products: 0 }), {
    http: listWithLarge(256, 3, searches),
  })
  assert.equal(pages.at(-1)?.complete, true)
  assert.deepEqual(
    listIds(pages),
    Array.from({ length: 256 }, (_, id) => id),
  )
  assert.deepEqual(searches.slice(0, 3), [
    '?limit=250&page=1',
    '?limit=50&page=1',
    '?limit=10&page=1',
  ])
  assert.ok(searches.length <= 24, searches.join(' '))
})
