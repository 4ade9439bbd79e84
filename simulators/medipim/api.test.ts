// The endpoints: authentication, errors, filters and sorting.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, toText } from './json.ts'
import { send, EVERYTHING, listIds, readJson, readStream, startFor } from './test-client.ts'

interface MediaLine {
  readonly result: { readonly id: number; readonly type: string; readonly url?: string }
}

function listProductMedia(text: string): MediaLine[] {
  return text
    .trim()
    .split('\n')
    .map((line): MediaLine => JSON.parse(line))
}

const PAGE = { no: 0, size: 10 }
const QUERY = { filter: { status: 'active' }, sorting: { id: 'ASC' }, page: PAGE }

test('only known and enabled keys are accepted', async (t) => {
  const keys = [
    { id: '42', secret: 'a:b' },
    { id: '43', secret: 'other' },
    { id: '44', secret: 'off', disabled: true },
  ]
  const simulator = await startFor(t, { keys })
  const statusFor = async (key: string): Promise<number> =>
    (await send(simulator, '/v4/products/query', QUERY, key)).status
  assert.deepEqual([await statusFor('42:a:b'), await statusFor('43:other')], [200, 200])
  assert.deepEqual(
    [await statusFor('42:wrong'), await statusFor('44:off'), await statusFor('45:none')],
    [401, 401, 401],
  )
  const headers = { authorization: 'Bearer other' }
  const bearer = await fetch(`${simulator.url}/v4/products/query`, {
    method: 'POST',
    headers,
    body: '{}',
  })
  assert.deepEqual(
    [bearer.status, (await readJson(bearer)).error.code],
    [401, 'authentication.not_authenticated'],
  )
  simulator.setKey({ id: '43', secret: 'other', disabled: true })
  assert.equal(await statusFor('43:other'), 401)
})

test('too many requests of one key are rejected until the window has passed', async (t) => {
  const simulator = await startFor(t, {
    keys: [
      { id: '42', secret: 'secret' },
      { id: '43', secret: 'other' },
    ],
    rateLimit: { requests: 2, windowMs: 60_000, clock: 'simulated' },
  })
  const query = (key?: string): Promise<Response> =>
    send(simulator, '/v4/products/query', QUERY, key)
  assert.deepEqual([(await query()).status, (await query()).status], [200, 200])
  const refused = await query()
  assert.deepEqual(
    [refused.status, (await readJson(refused)).error.code],
    [429, 'too_many_requests'],
  )
  assert.equal(refused.headers.get('retry-after'), null)
  assert.equal((await query('43:other')).status, 200)
  simulator.setSwitches({ retryAfter: true })
  assert.equal((await query()).headers.get('retry-after'), '60')
  simulator.clock.advance(60_000)
  assert.equal((await query()).status, 200)
})

test('a body that is not a JSON object is a bad request', async (t) => {
  const simulator = await startFor(t)
  for (const body of ['', '{', '[]', '"x"', '{"filter":']) {
    const response = await send(simulator, '/v4/products/stream', body)
    const { error } = await readJson(response)
    assert.deepEqual(
      [response.status, error.status, error.code, typeof error.message],
      [400, 400, 'bad_request', 'string'],
      body,
    )
  }
})

test('an error in a request is reported with its path', async (t) => {
  const simulator = await startFor(t)
  const violations = async (path: string, body: object): Promise<string[]> => {
    const response = await send(simulator, path, body)
    const { error } = await readJson(response)
    assert.equal(response.status, 422, JSON.stringify(body))
    return error.violations.map((violation) => violation.path)
  }
  const query = (change: object): Promise<string[]> =>
    violations('/v4/products/query', { ...QUERY, ...change })
  assert.deepEqual(await violations('/v4/products/query', {}), ['filter', 'sorting', 'page'])
  assert.deepEqual(await violations('/v4/media/query', {}), ['filter', 'sorting', 'page'])
  assert.deepEqual(await violations('/v4/media/stream', {}), ['filter', 'sorting'])
  assert.deepEqual(await violations('/v4/products/stream', {}), ['filter', 'sorting'])
  assert.deepEqual(await query({ page: { no: -1, size: 20 } }), ['page.no', 'page.size'])
  assert.deepEqual(await query({ filter: { colour: 'red' } }), ['filter.colour'])
  assert.deepEqual(await query({ filter: {} }), ['filter'])
  assert.deepEqual(await query({ filter: { status: 'active', id: 'M1' } }), ['filter'])
  assert.deepEqual(
    await query({ filter: { and: [{ status: 'active' }, { not: { status: 'asleep' } }] } }),
    ['filter.and.1.not.status'],
  )
  assert.deepEqual(await query({ filter: { status: 'no_selection' } }), ['filter.status'])
  assert.deepEqual(await query({ filter: { updatedSince: 'yesterday' } }), ['filter.updatedSince'])
  assert.deepEqual(await query({ filter: { updatedBefore: 1 } }), ['filter.updatedBefore'])
  assert.deepEqual(await query({ filter: { artgId: ['1', '2'] } }), ['filter.artgId'])
  assert.deepEqual(await query({ filter: { ean: Array.from({ length: 1_001 }, String) } }), [
    'filter.ean',
  ])
  assert.deepEqual(await query({ sorting: { id: { direction: 'ASC' } } }), ['sorting.id'])
  assert.deepEqual(await query({ sorting: { id: 'UP' } }), ['sorting.id'])
  assert.deepEqual(await query({ sorting: { price: 'ASC' } }), ['sorting.price'])
  assert.deepEqual(await query({ sorting: { id: 'ASC', status: 'ASC' } }), ['sorting'])
  assert.deepEqual(await query({ sorting: { name: 'ASC' } }), ['sorting.name'])
  simulator.setSwitches({ violations: 'beside' })
  const beside = await readJson(await send(simulator, '/v4/products/stream', {}))
  assert.deepEqual([beside.error.violations, beside.violations.length], [undefined, 2])
})

test('a query returns one page and the total', async (t) => {
  const simulator = await startFor(t)
  const { meta, results } = await readJson(
    await send(simulator, '/v4/products/query', { ...QUERY, page: { no: 1, size: 10 } }),
  )
  const active = await listIds(simulator, { status: 'active' })
  assert.deepEqual(meta, { total: active.length, page: { no: 1, offset: 10, size: 10 } })
  assert.deepEqual(
    results.map(({ id }) => id),
    active.slice(10, 20),
  )
})

test('a query returns at most the first 10,000 results', async (t) => {
  const simulator = await startFor(t, { products: 10_300 })
  const page = async (no: number) => {
    const body = { filter: { updatedSince: 0 }, sorting: { id: 'ASC' }, page: { no, size: 100 } }
    const response = await send(simulator, '/v4/products/query', body)
    return { status: response.status, ...(await readJson(response)) }
  }
  const last = await page(99)
  assert.deepEqual([last.status, last.results.length, last.meta.total], [200, 100, 10_300])
  assert.equal((await page(100)).status, 422)
  simulator.setSwitches({ beyondCap: 'empty', queryTotal: 'capped' })
  const beyond = await page(100)
  assert.deepEqual([beyond.status, beyond.results, beyond.meta.total], [200, [], 10_000])
})

test('a stream returns one numbered line for every product', async (t) => {
  const simulator = await startFor(t)
  const response = await send(simulator, '/v4/products/stream', EVERYTHING)
  assert.equal(response.headers.get('content-type'), 'application/x-json-stream')
  const text = await response.text()
  assert.ok(text.endsWith('}\n'))
  assert.match(text, /^\{"meta":\{"total":40,"index":0\},"result":\{"id":"M[0-9A-F]{9}",/)
  const lines = await readStream(simulator)
  assert.deepEqual(
    lines.map(({ meta }) => meta),
    Array.from({ length: 40 }, (_, index) => ({ total: 40, index })),
  )
  assert.equal(new Set(lines.map(({ result }) => result.id)).size, 40)
})

test('an empty result is 204 without a body', async (t) => {
  const simulator = await startFor(t)
  const response = await send(simulator, '/v4/products/stream', {
    filter: { id: 'M000000000' },
    sorting: { id: 'ASC' },
  })
  assert.deepEqual([response.status, await response.text()], [204, ''])
})

test('only pre-signed links differ between two responses', async (t) => {
  const simulator = await startFor(t)
  const body = { filter: { updatedSince: 0 }, sorting: { id: 'ASC' } }
  const [first, second] = [await readStream(simulator, body), await readStream(simulator, body)]
  for (const [index, { result }] of first.entries()) {
    const other = second[index]?.result
    assert.match(
      result.meta.embedUrl,
      /\/v4\/products\/embed\?id=M[0-9A-F]{9}&t=\d+&key=42&mac=[0-9a-f]{64}$/,
    )
    assert.notEqual(result.meta.embedUrl, other?.meta.embedUrl)
    assert.deepEqual(
      { ...result, meta: { ...result.meta, embedUrl: '' } },
      { ...other, meta: { ...other?.meta, embedUrl: '' } },
    )
  }
})

test('results have the requested order, and ties another order in every response', async (t) => {
  const simulator = await startFor(t, { products: 300 })
  const sorted = async (sorting: object) => {
    return (await readStream(simulator, { filter: { updatedSince: 0 }, sorting })).map(
      ({ result }) => result,
    )
  }
  const times = (await sorted({ touchedAt: 'ASC' })).map(({ meta }) => meta.updatedAt)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  const created = (await sorted({ createdAt: 'DESC' })).map(({ meta }) => meta.createdAt)
  assert.deepEqual(
    created,
    created.toSorted((a, b) => b - a),
  )
  const ids = (await sorted({ id: 'ASC' })).map(({ id }) => id ?? '')
  assert.deepEqual(ids, ids.toSorted())
  const names = (await sorted({ name: { direction: 'ASC', locale: 'en' } })).map(({ name }) =>
    isObject(name) ? toText(name.en) : '',
  )
  assert.deepEqual(names, names.toSorted())
  const statuses = (await sorted({ status: 'ASC' })).map(({ status }) => status)
  assert.deepEqual(statuses, statuses.toSorted())
  simulator.catalogue.touch('all')
  const [once, again] = [await sorted({ touchedAt: 'ASC' }), await sorted({ touchedAt: 'ASC' })]
  assert.notDeepEqual(
    once.map(({ id }) => id),
    again.map(({ id }) => id),
  )
})

test('find returns one product by its id', async (t) => {
  const simulator = await startFor(t)
  const [id = '', gone = ''] = simulator.catalogue.touch({ count: 2 })
  simulator.catalogue.remove([gone])
  assert.equal((await readJson(await send(simulator, `/v4/products/find?id=${id}`))).product.id, id)
  assert.equal((await send(simulator, `/v4/products/find?id=${gone}`)).status, 404)
  assert.equal((await send(simulator, '/v4/products/find?id=x')).status, 404)
  assert.equal((await send(simulator, '/v4/products/find')).status, 400)
  assert.equal((await send(simulator, '/v4/products/lookup')).status, 404)
})

test('the list of fields can change', async (t) => {
  const simulator = await startFor(t)
  const codes = async (): Promise<string[]> => {
    const { fields } = await readJson(await send(simulator, '/v4/products/get-fields'))
    return fields.map(({ code }) => code)
  }
  assert.ok((await codes()).includes('publicPrice'))
  simulator.fields.add('scheduleCode')
  simulator.fields.remove('publicPrice')
  assert.deepEqual(
    [(await codes()).includes('scheduleCode'), (await codes()).includes('publicPrice')],
    [true, false],
  )
})

test('reference tables are returned whole, or in pages on request', async (t) => {
  const simulator = await startFor(t)
  const counts = {
    brands: 733,
    organizations: 2050,
    'public-categories': 641,
    'product-families': 13,
    'active-ingredients': 30,
  }
  for (const [table, count] of Object.entries(counts)) {
    const { meta, results } = await readJson(await send(simulator, `/v4/${table}/query`, {}))
    assert.deepEqual([meta, results.length], [{ total: count }, count], table)
  }
  const page = { page: { no: 1, size: 10 }, sorting: { id: 'DESC' } }
  const { meta, results } = await readJson(await send(simulator, '/v4/brands/query', page))
  assert.deepEqual(
    [meta, results[0]?.id],
    [{ total: 733, page: { no: 1, offset: 10, size: 10 } }, 1_122],
  )
  const one = await readJson(await send(simulator, '/v4/brands/query', { filter: { id: [400] } }))
  assert.deepEqual([one.results.length, typeof one.results[0]?.name], [1, 'string'])
})

test('products refer only to terms in the tables', async (t) => {
  const simulator = await startFor(t, { products: 300 })
  const { results } = await readJson(await send(simulator, '/v4/organizations/query', {}))
  const known = new Set(results.map(({ id }) => id))
  const used = (await readStream(simulator)).flatMap(({ result }) =>
    Array.isArray(result.organizations) ? result.organizations : [],
  )
  assert.ok(used.length > 300 && used.every((term) => isObject(term) && known.has(Number(term.id))))
})

test('media can be queried and streamed like products', async (t) => {
  const simulator = await startFor(t, { products: 200 })
  const stream = async (filter: object) => {
    const response = await send(simulator, '/v4/media/stream', { filter, sorting: { id: 'ASC' } })
    return response.status === 204 ? [] : listProductMedia(await response.text())
  }
  const lines = await stream({ published: true })
  const ids = lines.map(({ result }) => result.id)
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(ids).size, ids.length, 'a picture that several products show is one item')
  assert.ok(
    (await stream({ type: 'link' })).every(
      ({ result }) => result.type === 'link' && typeof result.url === 'string',
    ),
  )
  const products = (await readStream(simulator)).map(({ result }) => result)
  const shown = products.find(({ photos }) => Array.isArray(photos) && photos.length > 1)
  const own = await stream({ and: [{ product: shown?.id ?? '' }, { type: 'photo' }] })
  assert.deepEqual(
    own.map(({ result }) => result),
    shown?.photos,
  )
  const query = { filter: { published: true }, sorting: { touchedAt: 'DESC' }, page: PAGE }
  const { meta } = await readJson(await send(simulator, '/v4/media/query', query))
  assert.equal(meta.total, lines.length)
  simulator.clock.advance(1_000)
  simulator.catalogue.update([String(shown?.id)])
  const moved = await stream({ updatedSince: simulator.clock.nowSeconds() })
  assert.ok(moved.length > 1, 'an update moves the times of the product’s media')
})

test('compression is used when client and simulator accept it', async (t) => {
  const simulator = await startFor(t)
  assert.equal(
    (await send(simulator, '/v4/products/stream', EVERYTHING)).headers.get('content-encoding'),
    null,
  )
  simulator.setSwitches({ gzip: true })
  const response = await send(simulator, '/v4/products/stream', EVERYTHING)
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  assert.equal((await response.text()).trim().split('\n').length, 40)
})
