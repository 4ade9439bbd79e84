// Tests a page that is too large for memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Http } from '../../core/http.ts'
import { listIds, openShop, readPages } from '../../../test/support/shopify.ts'

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
  assert.ok(searches.length <= 44, searches.join(' '))
})
