// Tests a page that is too large for memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Http } from '../../core/http.ts'
import { listWooIds, openWoo, readWoo } from '../../../test/support/woocommerce.ts'

test('a page above 64 MiB is requested again in smaller pages, and the list continues', async (t) => {
  const simulator = await openWoo(t, { products: 0 })
  const piece = Buffer.alloc(1024 * 1024, 'x')
  const asked: string[] = []
  async function* page(from: number, size: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('[')
    for (let id = from + 1; id <= Math.min(from + size, 130); id++) {
      yield Buffer.from(`${id === from + 1 ? '' : ','}{"id":${id},"name":"`)
      if (id === 30) for (let mebibytes = 0; mebibytes < 40; mebibytes++) yield piece
      if (id === 90) for (let mebibytes = 0; mebibytes < 40; mebibytes++) yield piece
      yield Buffer.from('","prices":{}}')
    }
    yield Buffer.from(']')
  }
  const http: Http = ({ url }) => {
    const query = new URL(url).searchParams
    const [from, size] = [Number(query.get('offset')), Number(query.get('per_page'))]
    if (size > 0) asked.push(`${from}+${size}`)
    return Promise.resolve({
      status: 200,
      headers: new Headers({ 'content-type': 'application/json', 'x-wp-total': '130' }),
      url,
      body: size > 0 ? page(from, size) : page(130, 0),
      cancel: () => Promise.resolve(),
    })
  }
  const pages = await readWoo(simulator, { http })
  assert.deepEqual(
    listWooIds(pages),
    Array.from({ length: 130 }, (_, index) => index + 1),
  )
  assert.equal(pages.at(-1)?.complete, true)
  assert.deepEqual(asked.slice(0, 3), ['0+100', '0+25', '24+25'])
})
