// The read API on a catalogue of several sources: pages, filters, ETags, errors and licences. Each
// response is compared with the OpenAPI document.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { openPool, type Db } from '../../src/db/pool.ts'
import { createResponseCheck, SECRET, serveCatalogue } from '../support/catalogue-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { KEY, type TestServer } from '../support/http-server.ts'
import { passTime } from '../support/readable.ts'
import { stockShelves, type Shelves } from '../support/shelves.ts'
import { listBlocks, openTerminalFolder } from '../support/terminal-folder.ts'

const cleanUps: (() => Promise<void>)[] = []
const lifetime = { after: (cleanUp: () => Promise<void>) => void cleanUps.unshift(cleanUp) }
const check = createResponseCheck()
let server: TestServer
let db: Db
let databaseUrl: string
let shelves: Shelves

before(async () => {
  const storeRoot = await mkdtemp(join(tmpdir(), 'catalogue-api-'))
  lifetime.after(() => rm(storeRoot, { recursive: true }))
  const database = await openTestDatabase(lifetime)
  ;({ pool: db, url: databaseUrl } = database)
  shelves = await stockShelves(lifetime, { db, storeRoot })
  server = await serveCatalogue(lifetime, db)
})
after(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

interface Item {
  readonly id: string
  readonly source: string
  readonly externalId: string
  readonly variants: readonly { prices: readonly Record<string, unknown>[] }[]
}
interface Page {
  readonly items: readonly Item[]
  readonly next: string | null
}

async function get(route: string, query = '', path = route): Promise<unknown> {
  const response = await server.sendRequest(`${path}${query}`)
  assert.equal(response.status, 200, `${path}${query}: ${await response.clone().text()}`)
  return check(route, response)
}

async function getError(path: string): Promise<readonly [number, string | null]> {
  const response = await server.sendRequest(path)
  const { error } = (await response.json()) as {
    error: { code: string | null; message: string; hint: string }
  }
  assert.ok(error.message !== '' && error.hint !== '', path)
  return [response.status, error.code]
}

const PRODUCTS = '/api/v1/products'
const listProducts = (query = ''): Promise<Page> => get(PRODUCTS, query) as Promise<Page>

async function listAll(query: string): Promise<Item[]> {
  const all: Item[] = []
  let next: string | null = null
  do {
    const page: Page = await listProducts(
      `?limit=60${query}${next === null ? '' : `&after=${encodeURIComponent(next)}`}`,
    )
    all.push(...page.items)
    next = page.next
  } while (next !== null)
  return all
}

test('the document is valid OpenAPI 3.1 and describes every route of the API and the orchestrator', async () => {
  const document = (await get('/api/v1/openapi.json')) as { paths: Record<string, object> }
  assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
  for (const path of ['/api/v1/products/{id}', '/api/v1/export/prices.csv', '/sync', '/runs/{id}'])
    assert.ok(document.paths[path], path)
})

test('products of every source are read page by page, each once, with their prices', async () => {
  const all = await listAll('&status=all')
  const { rows } = await db.query<{ n: number }>(
    'select count(*) as n from catalog.products where expires_at is null or expires_at > now()',
  )
  assert.equal(all.length, rows[0]?.n)
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
  const [price] = all.flatMap(({ variants }) => variants.flatMap(({ prices }) => prices))
  assert.ok(price)
  assert.equal(price['amount'], (Number(price['amountMinor']) / 100).toFixed(2))
  const { name } = shelves.pharmacy
  const own = await listAll(`&source=${name}`)
  assert.ok(own.length > 0 && own.every(({ source }) => source === name))
})

test('a page stays complete while other products are written before and after its end', async () => {
  const { name } = shelves.pharmacy
  const first = await listProducts(`?source=${name}&limit=10`)
  const expected = (await listAll(`&source=${name}`)).slice(10, 20).map(({ id }) => id)
  const copy = `insert into catalog.products select q.* from catalog.products p,
    jsonb_populate_record(p, jsonb_build_object('external_id', $1::text)) q
    where p.source_id = (select id from catalog.sources where name = $2) and p.external_id = $3`
  const [firstItem] = first.items
  await db.query(copy, ['!before', name, firstItem?.externalId])
  await db.query(copy, ['~after', name, firstItem?.externalId])
  const second = await listProducts(`?source=${name}&limit=10&after=${first.next}`)
  assert.deepEqual(
    second.items.map(({ id }) => id),
    expected,
  )
  await db.query(`delete from catalog.products where external_id in ('!before', '~after')`)
})

test('a page of large products ends early, and continues', async () => {
  const { name } = shelves.pharmacy
  const all = await listAll(`&source=${name}`)
  const text = `update catalog.products set description = $1
    where source_id = (select id from catalog.sources where name = $2) and external_id < $3`
  const beyond = all[8]?.externalId
  await db.query(text, ['x'.repeat(1_000_000), name, beyond])
  const page = await listProducts(`?source=${name}&limit=50`)
  assert.ok(page.items.length < 5 && page.items.length > 0, String(page.items.length))
  const rest = await listProducts(`?source=${name}&limit=1&after=${page.next}`)
  assert.equal(rest.items[0]?.id, all[page.items.length]?.id)
  await db.query(text, [null, name, beyond])
})

test('products are searched by words, and the search continues with its own cursor only', async () => {
  const { name } = shelves.pharmacy
  const [wanted] = await listAll(`&source=${name}`)
  const title = encodeURIComponent((wanted as unknown as { title: string }).title)
  const found = await listProducts(`?q=${title}&source=${name}&limit=200`)
  assert.ok(found.items.some(({ id }) => id === wanted?.id))
  const word = title.split('%20')[0]
  const first = await listProducts(`?q=${word}&limit=1`)
  if (first.next !== null) {
    const second = await listProducts(`?q=${word}&limit=1&after=${first.next}`)
    assert.notEqual(second.items[0]?.id, first.items[0]?.id)
    assert.deepEqual(await getError(`${PRODUCTS}?after=${first.next}`), [400, 'request/invalid'])
  }
  const { next } = await listProducts('?limit=1')
  assert.deepEqual(await getError(`${PRODUCTS}?q=x&after=${next}`), [400, 'request/invalid'])
})

test('one product, its variants, its prices and their history have the same content', async () => {
  const [item] = (await listProducts(`?source=${shelves.pharmacy.name}`)).items
  assert.ok(item)
  const { id } = item
  assert.deepEqual(await get(`${PRODUCTS}/:id`, '', `${PRODUCTS}/${id}`), item)
  const variants = (await get('/api/v1/variants', `?product=${id}`)) as { items: unknown[] }
  assert.equal(variants.items.length, item.variants.length)
  const prices = (await get('/api/v1/prices', `?product=${id}`)) as { items: { amount: string }[] }
  assert.deepEqual(
    new Set(prices.items.map(({ amount }) => amount)),
    new Set(item.variants.flatMap((one) => one.prices.map(({ amount }) => amount))),
  )
  const history = (await get('/api/v1/price-history', `?product=${id}`)) as {
    items: { isCurrent: boolean }[]
  }
  assert.equal(history.items.filter(({ isCurrent }) => isCurrent).length, prices.items.length)
  const other = await getError(`/api/v1/prices?product=${id}&source=${shelves.roastery.name}`)
  assert.deepEqual(other, [404, 'product/unknown'])
})

test('an amount above the safe integers is exact as a decimal, and null as a number', async () => {
  const [item] = (await listProducts(`?source=${shelves.pharmacy.name}`)).items
  const priced = `update catalog.prices set amount_minor = $1 where product_external_id = $2 and state = 'current'
    returning amount_minor`
  await db.query(priced, ['9223372036854775807', item?.externalId])
  const again = (await get(`${PRODUCTS}/:id`, '', `${PRODUCTS}/${item?.id}`)) as Item
  const [price] = again.variants[0]?.prices ?? []
  assert.deepEqual([price?.['amountMinor'], price?.['amount']], [null, '92233720368547758.07'])
  await db.query(priced, ['1250', item?.externalId])
})

test('variants are found by GTIN, with and without leading zeros, and listed page by page', async () => {
  const { rows } = await db.query<{ gtin: string }>(
    `select gtin from catalog.variants where gtin is not null and removed_at is null order by gtin limit 1`,
  )
  const gtin = rows[0]?.gtin ?? ''
  for (const spelling of [gtin, gtin.replace(/^0+/, '').padStart(14, '0')]) {
    const page = (await get('/api/v1/variants', `?gtin=${spelling}`)) as { items: unknown[] }
    assert.ok(page.items.length > 0, spelling)
  }
  const ids: string[] = []
  let next: string | null = null
  do {
    const rest: string = next === null ? '' : `&after=${next}`
    const page = (await get('/api/v1/variants', `?limit=100${rest}`)) as {
      items: { productId: string; variant: string }[]
      next: string | null
    }
    ids.push(...page.items.map(({ productId, variant }) => `${productId} ${variant}`))
    next = page.next
  } while (next !== null)
  assert.equal(new Set(ids).size, ids.length)
})

test('changes are listed from the oldest, and wrong filters are refused', async () => {
  const { name } = shelves.pharmacy
  const query = `?source=${name}&kind=repriced`
  const { items } = (await get('/api/v1/changes', query)) as { items: { kind: string }[] }
  assert.ok(items.length > 0 && items.every(({ kind }) => kind === 'repriced'))
  for (const wrong of [
    'after=x',
    'after=-1',
    'kind=moved',
    'kind=repriced,moved',
    'kind=',
    'limit=1001',
    'wait=31',
    'wait=-1',
  ])
    assert.deepEqual(await getError(`/api/v1/changes?${wrong}`), [400, 'request/invalid'])
})

test('sources and runs are listed, and each is read alone', async () => {
  const sources = (await get('/api/v1/sources')) as { items: { name: string }[] }
  assert.ok(sources.items.some(({ name }) => name === shelves.closing.name))
  const { name } = shelves.outlet
  const one = (await get('/api/v1/sources/:name', '', `/api/v1/sources/${name}`)) as {
    heldRuns: number[]
  }
  assert.deepEqual(one.heldRuns, [shelves.heldRun])
  const runs = (await get('/api/v1/runs', '?state=held')) as { items: { id: number }[] }
  assert.deepEqual(
    runs.items.map(({ id }) => id),
    [shelves.heldRun],
  )
  const failed = (await get('/api/v1/runs/:id', '', `/api/v1/runs/${shelves.failedRun}`)) as {
    errors: { code: string }[]
  }
  assert.match(failed.errors[0]?.code ?? '', /^source\//)
})

test('an unchanged response is 304, and its ETag changes with its content', async () => {
  const path = `${PRODUCTS}?limit=3`
  const first = await server.sendRequest(path)
  const etag = first.headers.get('ETag') ?? ''
  assert.match(etag, /^W\/"[\w-]{22}"$/)
  assert.equal(first.headers.get('Cache-Control'), 'private, no-cache')
  const { items } = (await first.json()) as Page
  const ask = (given: string, method = 'GET'): Promise<Response> =>
    server.sendRequest(path, { method, headers: { 'If-None-Match': given } })
  for (const given of [etag, `"x", ${etag.slice(2)}`, '*']) {
    const again = await ask(given)
    assert.deepEqual([again.status, await again.text(), again.headers.get('ETag')], [304, '', etag])
  }
  const head = await ask('"another"', 'HEAD')
  assert.deepEqual([head.status, head.headers.get('ETag'), await head.text()], [200, etag, ''])
  await db.query(`update catalog.products set title = title || '!' where external_id = $1`, [
    items[0]?.externalId,
  ])
  const changed = await ask(etag)
  assert.equal(changed.status, 200)
  assert.notEqual(changed.headers.get('ETag'), etag)
})

test('a response is compressed for callers that accept it', async () => {
  const path = `${PRODUCTS}?limit=20`
  const zipped = await server.sendRequest(path, { headers: { 'Accept-Encoding': 'gzip' } })
  assert.deepEqual(
    [zipped.headers.get('Content-Encoding'), zipped.headers.get('Vary')],
    ['gzip', 'Accept-Encoding'],
  )
  const plain = await server.sendRequest(path, { headers: { 'Accept-Encoding': 'identity' } })
  assert.equal(plain.headers.get('Content-Encoding'), null)
  assert.deepEqual(await zipped.json(), await plain.json())
})

test('a wrong request is refused with a code, a message and a hint, and never with 500', async () => {
  const cursor = (list: string, key: unknown): string =>
    Buffer.from(`${list}:${JSON.stringify(key)}`).toString('base64url')
  for (const [path, status, code] of [
    [`${PRODUCTS}?limit=0`, 400, 'request/invalid'],
    [`${PRODUCTS}?limit=201`, 400, 'request/invalid'],
    [`${PRODUCTS}?limit=1e2x`, 400, 'request/invalid'],
    [`${PRODUCTS}?limit=5&limit=6`, 400, 'request/invalid'],
    [`${PRODUCTS}?colour=red`, 400, 'request/invalid'],
    [`${PRODUCTS}?status=gone`, 400, 'request/invalid'],
    [`${PRODUCTS}?source=Not%20a%20name`, 400, 'request/invalid'],
    [`${PRODUCTS}?source=no-such`, 404, 'source/unknown'],
    [`${PRODUCTS}?after=xyz`, 400, 'request/invalid'],
    [`${PRODUCTS}?after=${cursor('catalogue-products', ['1', 2])}`, 400, 'request/invalid'],
    [`${PRODUCTS}?after=${cursor('catalogue-products', [1.5, 'x'])}`, 400, 'request/invalid'],
    [`${PRODUCTS}?after=${cursor('catalogue-products', [2 ** 40, 'x'])}`, 400, 'request/invalid'],
    [`${PRODUCTS}?after=${cursor('catalogue-variants', [1, 'x', 'y'])}`, 400, 'request/invalid'],
    [`${PRODUCTS}/1`, 400, 'request/invalid'],
    [`${PRODUCTS}/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`, 404, 'product/unknown'],
    [`${PRODUCTS}/%00`, 400, 'request/invalid'],
    ['/api/v1/prices?variant=%00', 400, 'request/invalid'],
    [`/api/v1/prices?variant=${'v'.repeat(501)}`, 400, 'request/invalid'],
    ['/api/v1/variants?gtin=x', 400, 'request/invalid'],
    ['/api/v1/runs/0', 400, 'request/invalid'],
    ['/api/v1/runs/999999', 404, 'run/unknown'],
    ['/api/v1/sources/no-such', 404, 'source/unknown'],
    ['/api/v1/export/products.csv?source=no-such', 404, 'source/unknown'],
    ['/api/v1/export/products.csv?after=x', 400, 'request/invalid'],
    ['/api/v1/nothing', 404, 'request/unknown-path'],
  ] as const)
    assert.deepEqual(await getError(path), [status, code], path)
  const posted = await server.post(PRODUCTS, {})
  assert.deepEqual([posted.status, posted.headers.get('Allow')], [405, 'GET, HEAD'])
})

test("a key in a supplier's text is not shown, and its addresses stay as they are", async () => {
  const [item] = (await listProducts(`?source=${shelves.roastery.name}`)).items
  const url = 'https://shop.example/a?key=public-1&token=t'
  await db.query(`update catalog.products set description = $1, url = $2 where external_id = $3`, [
    `quotes ${SECRET}`,
    url,
    item?.externalId,
  ])
  const shown = await get(`${PRODUCTS}/:id`, '', `${PRODUCTS}/${item?.id}`)
  assert.deepEqual(
    [(shown as { description: string }).description, (shown as { url: string }).url],
    ['quotes [redacted]', url],
  )
  const exported = await server.sendRequest('/api/v1/export/products.ndjson')
  assert.ok(!(await exported.text()).includes(SECRET))
})

test('content whose licence has ended is in no page, product or export', async () => {
  const { name } = shelves.marketplace
  const [item] = (await listProducts(`?source=${name}`)).items
  assert.ok(item)
  await passTime(db, '2 days')
  assert.deepEqual((await listProducts(`?source=${name}`)).items, [])
  assert.deepEqual(await getError(`${PRODUCTS}/${item.id}`), [404, 'product/unknown'])
  for (const path of ['variants', 'prices', 'price-history'])
    assert.deepEqual(
      ((await get(`/api/v1/${path}`, `?source=${name}`)) as { items: unknown[] }).items,
      [],
      path,
    )
  for (const file of ['products', 'prices']) {
    const response = await server.sendRequest(`/api/v1/export/${file}.ndjson?source=${name}`)
    assert.equal(await response.text(), '', file)
  }
})

test('an export has every row, in each format, and HEAD has only its headers', async () => {
  const fetchText = async (path: string): Promise<string> =>
    (await server.sendRequest(`/api/v1/export/${path}`)).text()
  const lines = (await fetchText('products.ndjson')).trimEnd().split('\n')
  const all = await listAll('')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as Item).id),
    all.map(({ id }) => id),
  )
  const csv = (await fetchText('products.csv')).split('\r\n')
  assert.match(csv[0] ?? '', /^source,product,id,status,title,.*_price,\w+_currency$/)
  assert.equal(csv.at(-1), '')
  const prices = (await fetchText('prices.ndjson?history=true')).trimEnd().split('\n')
  const current = (await fetchText('prices.csv')).trimEnd().split('\r\n')
  assert.ok(prices.length > current.length && current.length > 1)
  const head = await server.sendRequest('/api/v1/export/prices.csv', { method: 'HEAD' })
  assert.equal(head.headers.get('Content-Type'), 'text/csv; charset=utf-8')
  const zipped = await server.sendRequest('/api/v1/export/prices.csv', {
    headers: { 'Accept-Encoding': 'gzip' },
  })
  assert.equal(zipped.headers.get('Content-Encoding'), 'gzip')
  assert.equal((await zipped.text()).trimEnd().split('\r\n').length, current.length)
})

test('only two exports run at once, and one that its reader leaves makes place', async () => {
  const open = (): Promise<Response> => server.sendRequest('/api/v1/export/products.ndjson')
  const first = await open()
  const second = await open()
  const third = await open()
  assert.deepEqual([third.status, third.headers.get('Retry-After')], [429, '30'])
  await first.body?.cancel()
  await second.text()
  let fourth = await open()
  while (fourth.status === 429) fourth = await open()
  assert.equal(fourth.status, 200)
  await fourth.text()
})

test('an export takes no more from the database than its reader takes', async (t) => {
  // About 48 MB, far more than the buffers of a connection.
  const copies = 5_000
  await db.query(
    `insert into catalog.products select q.*
     from catalog.products p, generate_series(1, $1::integer) n,
       jsonb_populate_record(p, jsonb_build_object('external_id', 'copy-' || n,
         'description', repeat(md5(n::text), 300))) q
     where p.ctid = (select ctid from catalog.products where status = 'active' and expires_at is null limit 1)`,
    [copies],
  )
  const name = 'slow-export'
  const pool = await openPool(databaseUrl, { applicationName: name })
  t.after(() => pool.end())
  let statements = 0
  pool.on('acquire', (client) => client.on('drain', () => (statements += 1)))
  const api = await serveCatalogue(t, pool)
  const response = await api.sendRequest('/api/v1/export/products.ndjson', {
    headers: { 'Accept-Encoding': 'identity' },
  })
  const reader: ReadableStreamDefaultReader<Uint8Array> = (
    response.body ?? assert.fail()
  ).getReader()
  let read = await reader.read()
  assert.equal(read.done, false)

  // The reader takes nothing more, so the export stands still inside its transaction.
  let seen = -1
  for (let looks = 0; looks < 50; looks++) {
    const { rows } = await db.query<{ state: string }>(
      'select state from pg_stat_activity where application_name = $1 and xact_start is not null',
      [name],
    )
    assert.equal(rows.length, 1)
    if (rows[0]?.state !== 'idle in transaction' || statements !== seen) looks = 0
    seen = statements
  }
  let lines = 0
  for (; !read.done; read = await reader.read())
    lines += Buffer.from(read.value).toString('latin1').split('\n').length - 1
  assert.ok(lines >= copies, String(lines))
  assert.ok(seen < statements / 2, `${seen} of ${statements}`)
})

test('the first calls of the documentation work when they are pasted', async (t) => {
  const product = (await listAll('')).find(({ source }) => source === shelves.pharmacy.name)
  const { rows } = await db.query<{ gtin: string }>(
    'select gtin from catalog.variants where gtin is not null and source_id = (select id from catalog.sources where name = $1) limit 1',
    [product?.source],
  )
  const folder = await openTerminalFolder(
    t,
    { READ_KEY: KEY },
    {
      'http://localhost:3000': `http://127.0.0.1:${server.port}`,
      'my-shop': shelves.pharmacy.name,
      '9312345678907': rows[0]?.gtin ?? assert.fail('no variant has a GTIN'),
    },
  )
  const [setUp = '', ...calls] = (await listBlocks('docs/api.md', { heading: '## First calls' }))
    .join('')
    .trimEnd()
    .split('\n')
  assert.equal(calls.length, 5)
  const outputs: string[] = []
  for (const call of calls) outputs.push(await folder.paste(`${setUp}\n${call}`))
  for (const output of outputs.slice(0, 4)) {
    const { items } = JSON.parse(output) as { items: unknown[] }
    assert.ok(items.length > 0, output)
  }
  assert.match(
    await readFile(join(folder.path, 'products.csv'), 'utf8'),
    /^source,product,id,.*\r\n./,
  )
})
