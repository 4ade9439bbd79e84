// A million products: the queries that find due products read a few pages of an index. The times are
// printed; docs/performance.md states them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'

const COUNT = 1_000_000
const { pool: db } = await openTestDatabase()
const { rows: added } = await db.query<{ id: number }>(
  `insert into catalog.sources (name, connector, schedule, next_seq)
   values ('large', 'amazon', $1, $2) returning id`,
  [
    {
      cron: '17 * * * *',
      zone: 'UTC',
      fullOn: 'never',
      refresh: { cron: '17 * * * *', products: 'due', atMost: 10_000 },
    },
    COUNT,
  ],
)
const source = added[0]?.id ?? 0
// Read over the last 22 hours, in no order of their ids; one in a thousand is hot.
await db.query(
  `insert into catalog.product_reads (source_id, external_id, read_at, due_at, hot)
   select $1, 'B' || lpad(n::text, 9, '0'), now() - age, now() - age + interval '20 hours', n % 1000 = 0
   from generate_series(1, $2) n
   cross join lateral (select interval '22 hours' * ((n::bigint * 7919) % 1000003) / 1000003 as age) a`,
  [source, COUNT],
)
await db.query('vacuum (freeze, analyze) catalog.product_reads')

interface Node {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Node[]
}

interface Explained {
  readonly Plan: Node
  readonly 'Execution Time': number
}

async function explain(sql: string, values: readonly unknown[]): Promise<Explained> {
  // The first call of a session also reads pages of the system catalogue.
  await db.query(sql, [...values])
  const { rows } = await db.query<{ 'QUERY PLAN': [Explained] }>(
    `explain (analyze, buffers, format json) ${sql}`,
    [...values],
  )
  const explained = rows[0]?.['QUERY PLAN'][0]
  assert.ok(explained)
  return explained
}

function listNodes(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(listNodes)]
}

/** The statement of a function in SQL, with its parameters as `$1`, `$2`, … */
async function readBody(name: string): Promise<string> {
  const { rows } = await db.query<{ body: string; parameters: string[] }>(
    `select prosrc as body, proargnames[1:pronargs] as parameters from pg_proc
     where pronamespace = 'catalog'::regnamespace and proname = $1`,
    [name],
  )
  const [row] = rows
  assert.ok(row)
  return row.parameters.reduce(
    (text, parameter, index) =>
      text.replaceAll(new RegExp(`\\b${parameter}\\b`, 'g'), `$${index + 1}`),
    row.body,
  )
}

const typed = (sql: string, types: readonly string[]): string =>
  types.reduce(
    (text, type, index) => text.replaceAll(`$${index + 1}`, `($${index + 1})::${type}`),
    sql,
  )

test('due products are found in the index, from the oldest on and up to the limit', async (t) => {
  const body = typed(await readBody('list_due_products'), ['integer', 'integer', 'timestamptz'])
  const now = new Date()
  const { Plan, ...times } = await explain(body, [source, 10_000, now])
  const nodes = listNodes(Plan)
  assert.deepEqual(
    nodes.map((node) => node['Index Name']).filter((name) => name !== undefined),
    ['product_reads_due'],
  )
  assert.ok(nodes.every((node) => !/Seq Scan|Sort/.test(node['Node Type'])))
  t.diagnostic(`10,000 of the products that are due: ${times['Execution Time']} ms`)
  const few = await explain('select * from catalog.list_due_products($1, $2, $3)', [
    source,
    1_000,
    now,
  ])
  t.diagnostic(`1,000: ${few['Execution Time']} ms`)
  const pages = few.Plan['Shared Hit Blocks'] + few.Plan['Shared Read Blocks']
  // The index has all columns, so the pages of the table are not read.
  assert.ok(pages < 60, `${pages} pages`)
  const { rows } = await db.query<{ id: string; at: Date }>(
    'select external_id as id, due_at as at from catalog.list_due_products($1, $2, $3)',
    [source, 1_000, now],
  )
  assert.equal(rows.length, 1_000)
  const instants = rows.map(({ at }) => at.getTime())
  assert.deepEqual(
    instants,
    instants.toSorted((a, b) => a - b),
  )
})

test('late products, and the sources to refresh, are found without reading the products', async (t) => {
  for (const [name, sql] of [
    [
      'a late product',
      'select catalog.has_late_products(id, schedule) from catalog.sources where id = $1',
    ],
    ['the limit of a run', `select catalog.plan_refresh($1, interval '1 hour', 10000)`],
    ['the sources that are due', 'select * from catalog.list_due_refreshes() where $1 > 0'],
    ['the summary of the source', 'select * from catalog.summarize_sources(null) where id = $1'],
  ] as const) {
    const { Plan, ...times } = await explain(sql, [source])
    const pages = Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
    t.diagnostic(`${name}: ${pages} pages, ${times['Execution Time']} ms`)
    assert.ok(pages < 300, `${name}: ${pages} pages`)
  }
})
