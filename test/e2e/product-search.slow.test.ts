// The search of products: words, codes, filters, orders and pages, and what a reader must not find.

import assert from 'node:assert/strict'
import { after as atEnd, test } from 'node:test'
import {
  COUNTED_MAX,
  searchProducts,
  type ProductSearch,
  type SearchPage,
} from '../../src/db/read/product-search.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()
const { pipeline, supplier } = await openToy({ after: atEnd }, { db })
await db.query(
  `insert into catalog.sources (name, connector) values ('shelf', 'toy'), ('other', 'toy')`,
)
const SHELF = (
  await db.query<{ id: number }>(`select id from catalog.sources where name = 'shelf'`)
).rows[0]?.id

interface Planted {
  readonly id: string
  readonly title?: string | null
  readonly brand?: string
  readonly status?: string
  readonly sku?: string
  readonly gtin?: string
  readonly identifiers?: object
  readonly categories?: readonly string[]
  readonly availability?: string
  readonly cents?: number
  readonly hours?: number
  readonly expired?: boolean
}

async function plant(products: readonly Planted[], source = SHELF): Promise<void> {
  for (const [n, product] of products.entries()) {
    const { id, title = `Product ${id}`, brand = null, status = 'active', hours = n } = product
    await db.query(
      `insert into catalog.products (source_id, external_id, seq, status, title, brand, identifiers, attributes, first_seen_at, changed_at,
         expires_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash)
       values ($1, $2, (select count(*) from catalog.products), $3, $4, $5, $6, $7, now(), now() - $8 * interval '1 hour', $9, 1, 1, 1, 1, '', '')`,
      [
        source,
        id,
        status,
        title,
        brand,
        JSON.stringify(product.identifiers ?? {}),
        JSON.stringify({ category_ids: product.categories ?? [] }),
        hours,
        product.expired === true ? new Date(0) : null,
      ],
    )
    await db.query(
      `insert into catalog.variants (source_id, product_external_id, external_id, position, sku, gtin, availability) values ($1, $2, $2, 0, $3, $4, $5)`,
      [source, id, product.sku ?? null, product.gtin ?? null, product.availability ?? null],
    )
    if (product.cents !== undefined)
      await db.query(
        `insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at)
         values ($1, $2, $2, 'public', 1, $3, 'EUR', 'current', now())`,
        [source, id, product.cents],
      )
  }
  await db.query('select catalog.index_products($1, $2)', [source, products.map(({ id }) => id)])
}

const on = (search: ProductSearch, page: Partial<SearchPage> = {}) =>
  searchProducts(db, { sources: ['shelf'], ...search }, { limit: 50, ...page })
const idsOf = async (search: ProductSearch, page: Partial<SearchPage> = {}) =>
  (await on(search, page)).items.map(({ id }) => id)

await plant([
  { id: 'c1', title: 'Crème Brûlée with Vitamin B-12', brand: "L'Oréal", cents: 1000 },
  { id: 'c2', title: 'CREME hydrating', brand: 'Straße & Søn', sku: 'AB-12/x', cents: 250 },
  { id: 'c3', title: 'Hand cream', gtin: '09312345678907', availability: 'in_stock', cents: 9950 },
  {
    id: 'c4',
    title: 'Кофе 漢字',
    identifiers: { cnk: '1234-567', ean: ['5012345678900'], asin: 'B00TEST123' },
  },
  { id: 'c5', title: 'Gone cream', status: 'removed', categories: ['17'] },
  { id: 'c6', title: 'Licensed cream', expired: true, cents: 1 },
  { id: '0042', title: "A product 42 of 100%_\\ 'quoted'", categories: ['17', "o'clock"] },
  { id: 'c8', title: null },
])

test('words are found without accents, in any case and order, by the beginning of each from three characters on', async () => {
  assert.deepEqual(await idsOf({ text: 'creme' }), ['c1', 'c2'])
  assert.deepEqual(await idsOf({ text: 'BRÛLÉE crème' }), ['c1'])
  assert.deepEqual(await idsOf({ text: 'brul' }), ['c1'])
  assert.deepEqual(await idsOf({ text: 'cr' }), [])
  assert.deepEqual(await idsOf({ text: 'oreal' }), ['c1'])
  assert.deepEqual(await idsOf({ text: 'l’oréal' }), ['c1'])
  assert.deepEqual(await idsOf({ text: 'strasse son' }), ['c2'])
  assert.deepEqual(await idsOf({ text: 'b-12' }), ['c1'])
  assert.deepEqual(await idsOf({ text: 'кофе' }), ['c4'])
  assert.deepEqual(await idsOf({ text: '漢字' }), ['c4'])
  assert.deepEqual(await idsOf({ text: 'creme nothing' }), [])
})

test('codes are found with and without separators and leading zeros, in each of their schemes', async () => {
  for (const [text, id] of [
    ['ab12x', 'c2'],
    ['AB 12 X', 'c2'],
    ['ab-12/X', 'c2'],
    ['9312345678907', 'c3'],
    ['9 312345 678907', 'c3'],
    ['0009312345678907', 'c3'],
    ['93123456', 'c3'],
    ['1234567', 'c4'],
    ['1234-567', 'c4'],
    ['5012345678900', 'c4'],
    ['b00test123', 'c4'],
    ['42', '0042'],
    ['0042', '0042'],
    ['c8', 'c8'],
  ] as const)
    assert.deepEqual(await idsOf({ text }), [id], text)
})

test('a long code, a code of zeros and a mark inside of a title do no harm to the other words', async () => {
  await plant([
    { id: 'x1', title: 'Odd\u007ftitle', brand: 'Marked', sku: '000', gtin: `9${'8'.repeat(150)}` },
    { id: 'x2', title: `${'w'.repeat(300)} plainly`, brand: '', sku: '- -' },
  ])
  for (const [text, id] of [
    ['marked', 'x1'],
    [`9${'8'.repeat(150)}`, 'x1'],
    ['plainly', 'x2'],
    ['w'.repeat(300), 'x2'],
  ] as const)
    assert.deepEqual(await idsOf({ text }), [id], text)
  for (const text of ['000', '-']) assert.deepEqual(await idsOf({ text }), [], text)
  await db.query(`delete from catalog.search_entries where external_id in ('x1', 'x2')`)
})

test('a text that looks like a query of Postgres is only a text', async () => {
  const hostile = [
    `'); :* & |`,
    `' or 1=1 --`,
    '\\',
    "'",
    '!!!',
    '<->',
    ':*',
    '%',
    '_',
    '()',
    '\u0000',
    '&&',
    '*',
    `a'\\':*b`,
    '$1',
  ]
  for (const text of hostile) assert.deepEqual(await idsOf({ text }), [], text)
  assert.deepEqual(await idsOf({ text: '100%_\\ quoted' }), ['0042'])
  assert.deepEqual(await idsOf({ text: 'creme | hydrating' }), ['c2'])
  assert.deepEqual(await idsOf({ text: 'x'.repeat(100_000) }), [])
  assert.deepEqual(await idsOf({ text: 'creme '.repeat(10_000) }), ['c1', 'c2'])
  assert.deepEqual(await idsOf({ categories: [`o'clock`] }), ['0042'])
  assert.deepEqual(await idsOf({ categories: [`17') | ('x`] }), [])
  assert.deepEqual(await idsOf({ brand: `' | '=a:in_stock` }), [])
  assert.equal((await on({ text: '  ' })).total, 6)
})

test('each filter selects, together they select what meets all of them', async () => {
  assert.deepEqual(await idsOf({ text: 'cream', statuses: ['removed'] }), ['c5'])
  assert.deepEqual(await idsOf({ brand: 'STRASSE søn' }), ['c2'])
  assert.deepEqual(await idsOf({ availability: ['in_stock'] }), ['c3'])
  assert.deepEqual(await idsOf({ categories: ['17'] }), ['0042'])
  assert.deepEqual(await idsOf({ minPrice: 2.5, maxPrice: 10, currency: 'EUR' }), ['c1', 'c2'])
  assert.deepEqual(await idsOf({ minPrice: 2.5, currency: 'USD' }), [])
  assert.deepEqual(await idsOf({ changedSince: new Date(Date.now() - 90 * 60_000) }), ['c1', 'c2'])
  assert.deepEqual(await idsOf({ sources: ['other'] }), [])
  await db.query(
    `insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason) values ($1, 'proposal', 1, 'c3', 'x')`,
    [SHELF],
  )
  const { items, total } = await on({ review: true, minPrice: 1 })
  assert.deepEqual([items.map(({ id, openReviews }) => [id, openReviews]), total], [[['c3', 1]], 1])
})

test('content whose licence has ended is not found by its words, counted, or sorted by its price', async () => {
  assert.deepEqual(await idsOf({ text: 'licensed' }), [])
  assert.equal((await on({ text: 'cream' })).total, 1)
  assert.deepEqual(await idsOf({}, { sort: 'price-low' }), ['c2', 'c1', 'c3'])
  await db.query(
    `update catalog.prices set expires_at = now() - interval '1 s' where source_id = $1 and product_external_id = 'c2'`,
    [SHELF],
  )
  await db.query(`select catalog.index_products($1, '{c2}')`, [SHELF])
  assert.deepEqual(await idsOf({}, { sort: 'price-high' }), ['c3', 'c1'])
})

test('relevance puts the code first, then titles that begin with the words', async () => {
  await plant([
    { id: 'r1', title: 'Zinc 500 with oil' },
    { id: 'r2', title: 'Oil of zinc' },
    { id: 'r3', title: 'Zinc' },
    { id: 'r4', title: 'Plain', brand: 'Zinc' },
    { id: 'zinc', title: 'Zzz' },
    { id: 'r5', title: 'Zinc oil' },
  ])
  assert.deepEqual(await idsOf({ text: 'zinc' }), ['zinc', 'r3', 'r1', 'r5', 'r2', 'r4'])
})

const SORTS = ['relevance', 'newest', 'title', 'price-low', 'price-high'] as const

test('pages have every product once, in the order of the list, also under equal keys, few matches or many', async () => {
  await db.query(
    `insert into catalog.sources (name, connector) select 'many-' || n, 'toy' from generate_series(1, 3) n`,
  )
  await db.query(
    `insert into catalog.products (source_id, external_id, seq, status, title, first_seen_at, changed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash)
     select s.id, 'm' || n, n, case n % 7 when 0 then 'unavailable' else 'active' end, 'Same ' || n % 3, now(), '2026-01-01'::timestamptz + n % 5 * interval '1 day', 1, 1, 1, 1, '', ''
     from catalog.sources s, generate_series(1, 4000) n where s.name like 'many-%'`,
  )
  await db.query(
    `insert into catalog.search_entries (source_id, external_id, status, changed_at, title, price, currency, words)
     select source_id, external_id, status, changed_at, lower(title), seq % 4, 'EUR', array_to_tsvector(string_to_array(lower(title), ' ') || format('=s:%s:%s', source_id, status) || case when seq % 50 = 0 then '{rare}'::text[] else '{}' end)
     from catalog.products p join catalog.sources s on s.id = p.source_id where s.name like 'many-%'`,
  )
  await db.query('analyze catalog.search_entries')
  const sources = ['many-1', 'many-2', 'many-3']
  for (const [text, total] of [
    ['rare', 240],
    ['same', null],
  ] as const)
    for (const sort of SORTS) {
      const limit = total === null ? 101 : 7
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await searchProducts(db, { sources, text }, { sort, limit, after })
        if (after === undefined) assert.equal(page.total, total)
        assert.equal(page.sort, sort === 'relevance' && total === null ? 'newest' : sort)
        seen.push(...page.items.map(({ source, id }) => `${source} ${id}`))
        after = page.next ?? undefined
      } while (after !== undefined && seen.length < 500)
      assert.equal(seen.length, total ?? 505, `${text} by ${sort}`)
      assert.equal(new Set(seen).size, seen.length, `${text} by ${sort}`)
      assert.deepEqual(seen, (await listInOrder(sort, text)).slice(0, seen.length))
    }
})

/** The same list by one plain statement. */
async function listInOrder(sort: (typeof SORTS)[number], text: string): Promise<string[]> {
  const order = {
    relevance:
      text === 'rare'
        ? 'e.title, e.source_id, e.external_id'
        : 'e.changed_at desc, e.source_id desc, e.external_id desc',
    newest: 'e.changed_at desc, e.source_id desc, e.external_id desc',
    title: 'e.title, e.source_id, e.external_id',
    'price-low': 'e.price, e.source_id, e.external_id',
    'price-high': 'e.price desc, e.source_id desc, e.external_id desc',
  }[sort]
  const { rows } = await db.query<{ name: string }>(
    `select s.name || ' ' || e.external_id as name from catalog.search_entries e join catalog.sources s on s.id = e.source_id
     where s.name like 'many-%' and e.words @@ $1::tsquery order by ${order}`,
    [text],
  )
  return rows.map(({ name }) => name)
}

test('the entries follow every kind of write: load, change, price, decision, removal', async () => {
  const assertRight = async (when: string) => {
    const { id } = await pipeline.source()
    const read = async () =>
      (
        await db.query(
          'select * from catalog.search_entries where source_id = $1 order by external_id',
          [id],
        )
      ).rows
    const before = await read()
    await db.query('delete from catalog.search_entries where source_id = $1', [id])
    await db.query(
      'select catalog.index_products($1, array(select external_id from catalog.products where source_id = $1))',
      [id],
    )
    assert.deepEqual(before, await read(), when)
    return before.length
  }
  await pipeline.sync()
  assert.equal(await assertRight('load'), 30)
  const [a = '', b = '', c = ''] = supplier.catalogue.ids()
  supplier.catalogue.update([a], { name: 'Renamed' })
  supplier.catalogue.setPrice([b], { factor: 1.5 })
  supplier.catalogue.setPrice([c], { factor: 30 })
  await pipeline.sync()
  await assertRight('change')
  const { rows } = await db.query<{ id: number }>(
    `select id from catalog.reviews where kind = 'price' and state = 'open' and product_external_id = $1`,
    [c],
  )
  await db.query('select catalog.decide_review($1, true, $2, null)', [rows[0]?.id, 'Ann'])
  await assertRight('decision')
  supplier.catalogue.remove([a])
  await pipeline.sync()
  await pipeline.sync()
  await assertRight('removal')
  assert.deepEqual(
    (
      await searchProducts(db, { sources: [pipeline.name], statuses: ['removed'] }, { limit: 5 })
    ).items.map(({ id }) => id),
    [a],
  )
})

test('a cursor that no search has made is refused', async () => {
  const code = 'usage/invalid'
  const made = (place: unknown) =>
    Buffer.from(`search:${JSON.stringify(place)}`).toString('base64url')
  for (const after of [
    'x',
    '',
    made(null),
    made({ sort: 'newest', key: 'x', source: 1, product: 'a' }),
    made({ sort: 'title', key: 1, source: 1, product: 'a' }),
    made({ sort: 'price-low', key: 1, source: 1e12, product: 'a' }),
    made({ sort: "newest'", key: '2026-01-01T00:00:00+00:00', source: 1, product: 'a' }),
  ])
    await assert.rejects(() => on({}, { after }), { code }, after)
  assert.equal(COUNTED_MAX, 10_000)
})
