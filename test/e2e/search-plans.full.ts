// The search over a million entries: every statement reads a bounded number of pages, and finds its entries
// in an index. Times depend on the machine; docs/performance.md has some.

import assert from 'node:assert/strict'
import { after as atEnd, test } from 'node:test'
import { COUNTED_MAX } from '../../src/db/read/product-search.ts'
import { openTestDatabase } from '../support/database.ts'

const COUNT = 1_000_000
const LIMIT = 51
const STATUSES = ['draft', 'active', 'unavailable']
const ends = new AsyncDisposableStack()
atEnd(() => ends.disposeAsync())
const { pool: db } = await openTestDatabase({ after: (end) => ends.defer(end) })
await db.query(
  `insert into catalog.sources (name, connector) select 'source-' || n, 'toy' from generate_series(1, 6) n`,
)
// Nine products in ten belong to one source. Each word of the first list is in an eighth of them; `espresso` only
// in the last source, and `needle` in three entries. Indexes are faster made at once than row by row.
const { rows: definitions } = await db.query<{ name: string; definition: string }>(
  `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
   from pg_index where indrelid = 'catalog.search_entries'::regclass and not indisprimary`,
)
for (const { name } of definitions) await db.query(`drop index ${name}`)
await db.query(
  `insert into catalog.search_entries (source_id, external_id, status, changed_at, title, price, currency, words)
   select source, 'p' || n, status, now() - n * interval '7 seconds', title, n::bigint * 7919 % 100000 / 100.0, 'EUR',
     array_to_tsvector(string_to_array(title, ' ') || array['#p' || n, '#93' || lpad(n::text, 9, '0'),
       '=b:brand ' || n % 5000, '=s:' || source || ':' || status]
       || case when source = 6 then '{espresso}'::text[] else '{}' end || case when n % 333333 = 7 then '{needle}'::text[] else '{}' end)
   from generate_series(1, $1) n
   cross join lateral (
     select case when n % 50 < 45 then 1 else n % 50 - 43 end as source,
       case when n % 97 < 90 then 'active' else 'unavailable' end as status,
       'product ' || (array['shampoo','cream','tablets','oil','mask','serum','balm','spray'])[1 + n / 50 % 8] || ' word' || n::bigint * 7919 % 9973 as title
   ) v`,
  [COUNT],
)
await db.query(`set maintenance_work_mem = '256MB'`)
for (const { definition } of definitions) await db.query(definition)
await db.query('vacuum (analyze) catalog.search_entries')

interface Search {
  readonly text?: string
  readonly filter?: Readonly<Record<string, unknown>>
  readonly sort?: 'newest' | 'title' | 'price-low' | 'price-high'
}

interface Found {
  readonly total: number
  readonly sort: string
  readonly page: readonly object[]
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Node[]
}

// A session that explains every statement inside of the functions too, as notices.
const session = await db.connect()
const plans: Node[] = []
session.on('notice', ({ message = '' }) => {
  const json = message.slice(message.indexOf('{'))
  plans.push((JSON.parse(json) as { Plan: Node }).Plan)
})
await session.query(`load 'auto_explain'`)
await session.query(
  `set auto_explain.log_level = notice; set auto_explain.log_nested_statements = on;
   set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
   set auto_explain.log_buffers = on; set auto_explain.log_format = json`,
)
ends.defer(() => Promise.resolve(session.release(true)))

async function find({ text, filter, sort = 'newest' }: Search, after: object | null) {
  const { rows } = await session.query<Found>(
    'select * from catalog.find_entries($1, $2, $3, $4, $5)',
    [text ?? null, { statuses: STATUSES, ...filter }, sort, after, LIMIT],
  )
  assert.ok(rows[0])
  return rows[0]
}

/** Searches, with the indexes of the entries that the statements used, and the pages they read. */
async function explain(search: Search, after: object | null = null) {
  await session.query('set auto_explain.log_min_duration = 0')
  plans.length = 0
  const found = await find(search, after)
  await session.query('set auto_explain.log_min_duration = -1')
  const nodes = plans.flatMap(listNodes)
  const whole = nodes.filter(
    (node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'search_entries',
  )
  const names = nodes.map((node) => node['Index Name'] ?? '')
  // The statement that calls the function includes the statements inside.
  const pages = plans.map((plan) => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
  return {
    found,
    isWhole: whole.length > 0,
    indexes: new Set(names.filter((name) => name.startsWith('search_entries'))),
    pages: Math.max(...pages),
  }
}

function listNodes(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(listNodes)]
}

/** The number of matches, or null for more than 10,000; and the most pages to read. */
const SEARCHES: readonly (readonly [
  name: string,
  search: Search,
  total: number | null,
  pagesMax: number,
  index: string,
])[] = [
  ['a word of every product', { text: 'product' }, null, 30_000, 'newest'],
  ['a word of each eighth product', { text: 'shampoo' }, null, 60_000, 'words'],
  ['a word of one source', { text: 'espresso' }, null, 60_000, 'words'],
  ['a word of three products', { text: 'needle' }, 3, 200, 'words'],
  ['the beginning of a word', { text: 'word123' }, 1102, 5000, 'words'],
  ['common words that meet in a few products', { text: 'shampoo word77 needle' }, 0, 500, 'words'],
  ['a word of no product', { text: 'nothing' }, 0, 100, 'words'],
  ['a GTIN', { text: '93000123456' }, 1, 100, 'words'],
  ['an id', { text: 'P-500000' }, 1, 100, 'words'],
  ['a brand', { filter: { brand: ['Brand 7'] } }, 200, 1000, 'words'],
  ['no filter', {}, null, 30_000, 'newest'],
  ['a range of prices', { filter: { minPrice: 5, maxPrice: 5.02 } }, 30, 300, 'price'],
  ['a price of no product', { filter: { minPrice: 5000 }, sort: 'title' }, 0, 300, 'price'],
  [
    'the latest changes',
    { filter: { changedSince: new Date(Date.now() - 86_400_000) } },
    null,
    60_000,
    'newest',
  ],
]

for (const [name, search, total, pagesMax, index] of SEARCHES)
  test(`${name} is found by an index`, async (t) => {
    const { found, isWhole, indexes, pages } = await explain(search)
    t.diagnostic(`${found.total} found, ${pages} pages, ${[...indexes].join(', ')}`)
    assert.equal(found.total, total ?? COUNTED_MAX + 1)
    assert.equal(isWhole, false)
    assert.ok(indexes.has(`search_entries_${index}`), [...indexes].join(', '))
    assert.ok(pages <= pagesMax, `${pages} pages`)
  })

for (const [sort, index] of [
  ['newest', 'newest'],
  ['title', 'title'],
  ['price-low', 'price'],
  ['price-high', 'price'],
] as const)
  test(`the fiftieth page by ${sort} costs as much as the first`, async (t) => {
    const first = await explain({ sort })
    let { found } = first
    for (let page = 2; page < 50; page++) found = await find({ sort }, cursorOf(found))
    const { pages, indexes } = await explain({ sort }, cursorOf(found))
    t.diagnostic(`${first.pages} and ${pages} pages`)
    assert.ok(indexes.has(`search_entries_${index}`), [...indexes].join(', '))
    assert.ok(first.pages < 5000 && pages < 5000, `${first.pages} and ${pages} pages`)
  })

function cursorOf({ page, sort }: Found): object {
  return { ...page[LIMIT - 2], sort }
}
