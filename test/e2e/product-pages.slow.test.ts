// The pages of products over HTTP, served with only the rights of the role for the dashboard.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const HOSTILE = `<script>alert(1)</script> "quoted" & 'single'`

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
const database = await openTestDatabase(lifetime)
const { pool: db } = database
const { pipeline, supplier } = await openToy(lifetime, { db })
const [a = '', b = '', c = ''] = supplier.catalogue.ids()
await pipeline.sync()
supplier.catalogue.update([a], { name: HOSTILE })
supplier.catalogue.setPrice([b], { factor: 1.5 })
await pipeline.sync()
supplier.catalogue.remove([c])
await pipeline.sync()
await pipeline.sync()
const source = await pipeline.source()
const dashboard = await openDashboard(lifetime, database)
const visitor = await dashboard.signIn()
const read = (path: string) => visitor.read(path)
const pathOf = (id: string) => `/products/${pipeline.name}/${encodeURIComponent(id)}`

test('the search shows what matches, its filters, and a way out of an empty list', async () => {
  const all = await read('/products')
  assert.match(all, /29 products/)
  assert.match(await read(`/products?status=all`), /30 products/)
  assert.match(await read(`/products?q=${b}`), new RegExp(`href="${pathOf(b)}"`))
  const none = await read('/products?q=nothing-has-this-word')
  assert.match(none, /No product matches/)
  assert.match(none, /status=all[^>]*>Search removed products too/)
  assert.match(await read('/products?source=nobody'), /No source has the name/)
  assert.match(await read(`/products?q=${encodeURIComponent(`'); :* & |`)}`), /No product matches/)
})

test('a wrong filter is explained', async () => {
  for (const [query, message] of [
    ['min=abc', /min: It must be a number/],
    ['min=5&max=2', /max: It must not be below/],
    ['since=yesterday', /since: It must be a day/],
    ['after=x', /is not a cursor of a search/],
  ] as const) {
    const response = await visitor.get(`/products?${query}`)
    assert.equal(response.status, 400, query)
    assert.match((await response.text()).replaceAll(/&#39;|&quot;/g, '"'), message, query)
  }
})

test('text of a supplier stays text', async () => {
  for (const page of [await read('/products?q=alert'), await read(pathOf(a))]) {
    assert.doesNotMatch(page, /<script>alert/)
    assert.match(page, /&lt;script&gt;alert/)
  }
})

test('the page of a product shows its prices, changes with their runs, record, and receipt of a removal', async () => {
  const repriced = await read(pathOf(b))
  assert.match(repriced, /<svg[^>]*aria-label="[a-z]+ price in EUR/)
  assert.match(repriced, /EUR 15\.00/)
  assert.match(repriced, /<del>1000<\/del> → <ins>1500<\/ins>/)
  assert.match(repriced, /The supplier.{1,6}s record/)
  const removed = await read(pathOf(c))
  assert.match(removed, /Why it was removed/)
  assert.match(removed, /aria-label="active from the first load; removed since 20[^"]*"/)
  assert.doesNotMatch(repriced, /Availability over time/)
  assert.equal(removed.match(/<tr><th[^>]*><a href="\/runs\/\d+">/g)?.length, 2)
  assert.equal((await visitor.get(pathOf('no-such-product'))).status, 404)
  assert.equal((await visitor.get('/products/nobody/x')).status, 404)
})

test('after the end of its licence, no content of a product is on a page', async () => {
  await db.query(
    `update catalog.products set expires_at = now() where source_id = $1 and external_id = $2`,
    [source.id, a],
  )
  const page = await read(pathOf(a))
  assert.match(page, /licence of this product/)
  for (const text of [page, await read('/products?q=alert'), await read('/products')])
    assert.doesNotMatch(text, /alert\(1\)/)
})
