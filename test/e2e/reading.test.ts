// Reads schema `api` as the Data API does: embedded views, whole rows, and filters that use an
// index.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createClient } from '@supabase/supabase-js'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { buildRead, loadRelations } from '../support/data-api-reads.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const database = await openTestDatabase(undefined, { migrations: [] })
const { pool: db } = database
// As on Supabase, where these roles exist before any migration.
for (const role of ['service_role', 'anon'])
  await db.query(`create role ${role} nologin`).catch(() => undefined)
await migrate(db)

type Test = Parameters<typeof startDataApi>[0]

async function openReader(t: Test, which: 'secret' | 'publishable') {
  const api = await startDataApi(t, database)
  return { api, supabase: createClient(api.url, api.keys[which], { db: { schema: 'api' } }) }
}

test('after migrate a secret key can read, others read only published views, and no role reads raw records', async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  await pipeline.sync()
  const secret = (await openReader(t, 'secret')).supabase
  const open = (await openReader(t, 'publishable')).supabase
  for (const view of [
    'products',
    'variants',
    'prices',
    'price_history',
    'images',
    'changes',
    'medipim_products',
  ]) {
    const { data, error } = await secret.from(view).select().eq('source', pipeline.name)
    assert.ok(error === null && data.length > 0, `${view}: ${error?.message}`)
    const refused = await open.from(view).select()
    assert.deepEqual([refused.status, refused.error?.code], [401, '42501'], view)
  }
  await db.query(`select catalog.publish('anon')`)
  t.after(async () => void (await db.query(`select catalog.unpublish('anon')`)))
  const { data } = await open.from('medipim_products').select('*').eq('source', pipeline.name)
  assert.equal(data?.length, 30)
  assert.ok(data.every((row: object) => !('raw' in row)))
  for (const supabase of [secret, open])
    assert.equal((await supabase.from('medipim_products_raw').select('id')).error?.code, '42501')
  const {
    rows: [owned],
  } = await db.query<object>('select * from api.medipim_products_raw limit 1')
  assert.deepEqual(Object.keys(owned ?? {}), [
    'id',
    'name',
    'price_cents',
    'updated_at',
    'raw',
    'source',
  ])
})

test('products embed their variants, variants their prices, and each row embeds its product', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  await pipeline.sync()
  const [id = ''] = priceActiveProducts(simulator)
  const { supabase } = await openReader(t, 'secret')
  const {
    data: [product],
    error,
  } = await supabase
    .from('products')
    .select(
      'title,variants(sku,prices(amount_minor,price_type)),images(url),history:price_history(is_current),changes(kind)',
    )
    .eq('source', pipeline.name)
    .eq('external_id', id)
    .returns<Record<string, unknown>[]>()
    .then((answer) => ({ ...answer, data: answer.data ?? [] }))
  assert.equal(error, null)
  const [expected] = await pipeline.query<Record<string, unknown>>(
    `select p.title,
      (select jsonb_agg(jsonb_build_object('sku', v.sku, 'prices', (select jsonb_agg(jsonb_build_object('amount_minor', c.amount_minor, 'price_type', c.price_type))
         from catalog.prices c where c.source_id = v.source_id and c.product_external_id = v.product_external_id and c.state = 'current')))
       from catalog.variants v where v.source_id = p.source_id and v.product_external_id = p.external_id) as variants,
      (select coalesce(jsonb_agg(jsonb_build_object('url', i.url)), '[]') from catalog.images i where i.source_id = p.source_id and i.product_external_id = p.external_id) as images,
      (select jsonb_agg(jsonb_build_object('is_current', true)) from catalog.prices c where c.source_id = p.source_id and c.product_external_id = p.external_id) as history,
      '[]'::jsonb as changes
    from catalog.products p join catalog.sources s on s.id = p.source_id where s.name = $1 and p.external_id = $2`,
    pipeline.name,
    id,
  )
  assert.deepEqual(product, expected)
  for (const view of ['variants', 'prices', 'price_history', 'images']) {
    const { data, error: refused } = await supabase
      .from(view)
      .select('product_id,product(id,external_id)')
      .eq('source', pipeline.name)
      .limit(5)
    assert.equal(refused, null)
    for (const row of (data ?? []) as unknown as { product_id: string; product: { id: string } }[])
      assert.equal(row.product.id, row.product_id)
  }
  const { data: prices } = await supabase
    .from('prices')
    .select('variant(sku,product(external_id))')
    .eq('source', pipeline.name)
    .eq('product_external_id', id)
  for (const row of (prices ?? []) as unknown as { variant: { product: object } }[])
    assert.deepEqual(row.variant.product, { external_id: id })
  const { data: own } = await supabase
    .from('medipim_products')
    .select('id,product(external_id)')
    .eq('source', pipeline.name)
    .eq('id', id)
  assert.deepEqual([(prices ?? []).length > 0, own], [true, [{ id, product: { external_id: id } }]])
  assert.equal((await supabase.from('products').select('nothing(x)')).error?.code, 'PGRST200')
})

test("the README's example of supabase-js runs unchanged", async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  await pipeline.sync()
  await db.query(`update catalog.sources set name = 'medipim-au' where name = $1`, [pipeline.name])
  const { api } = await openReader(t, 'secret')
  const [, code = ''] =
    /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(`${root}README.md`, 'utf8')) ?? []
  assert.match(code, /supabase/)
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `${code}\nconsole.log(JSON.stringify({ data, error }))`],
    {
      cwd: root,
      env: { ...process.env, SUPABASE_URL: api.url, SUPABASE_SECRET_KEY: api.keys.secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const { data, error } = JSON.parse(await text(child.stdout)) as {
    data: { title: string; variants: { prices: { currency: string }[] }[] }[]
    error: unknown
  }
  assert.equal(error, null)
  assert.ok(data.length > 0 && data.length <= 20)
  assert.ok(
    data.some(({ variants }) =>
      variants.some(({ prices }) => prices.some(({ currency }) => currency === 'AUD')),
    ),
  )
})

test('reading a product, or rows that belong to one, uses an index', async (t) => {
  const id = await fill(5_000)
  const role = 'anon'
  await db.query(`select catalog.publish('${role}')`)
  t.after(async () => void (await db.query(`select catalog.unpublish('${role}')`)))
  const relations = await loadRelations(db)
  const reads: readonly (readonly [view: string, params: Record<string, string>])[] = [
    ['products', { id: `eq.${id}` }],
    ...['variants', 'prices', 'price_history', 'images', 'changes'].map(
      (view) => [view, { product_id: `eq.${id}` }] as const,
    ),
    ['medipim_products', { id: 'eq.M0000700' }],
    [
      'products',
      {
        id: `eq.${id}`,
        select: 'title,variants(sku,prices(amount_minor)),images(url),changes(kind)',
      },
    ],
    [
      'products',
      {
        source: 'eq.many',
        external_id: 'in.(M0000700,M0000800)',
        select: 'title,variants(sku,prices(amount_minor))',
      },
    ],
    ['prices', { product_id: `eq.${id}`, select: 'amount_minor,variant(sku),product(title)' }],
  ]
  for (const [view, params] of reads) {
    const statement = buildRead(relations, view, new URLSearchParams(params))
    const plan = await explain(role, statement)
    const what = `${view}?${new URLSearchParams(params)}`
    assert.deepEqual(
      plan
        .filter((node) => node['Node Type'] === 'Function Scan')
        .map((node) => node['Function Name'])
        // Of the detail of one change, once it has expired.
        .filter((name) => name !== 'jsonb_object_keys'),
      [],
      `${what}: a relation is called`,
    )
    const scanned = plan
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .map((node) => node['Relation Name'])
      .filter((name) => name !== 'sources')
    assert.deepEqual(scanned, [], `${what}: read whole`)
    const rows = await as(
      role,
      async (query) => (await query<{ body: string }>(statement))[0]?.body ?? '[]',
    )
    assert.ok((JSON.parse(rows) as unknown[]).length > 0, what)
  }
})

/**
 * Creates a source `many` with so many products and their rows. Returns the uuid of one product.
 */
async function fill(products: number): Promise<string> {
  await db.query(`
    with source as (insert into catalog.sources (name, connector) values ('many', 'medipim') returning id),
      ids as (select source.id, n, 'M' || lpad(n::text, 7, '0') as key from source, generate_series(1, ${products}) n),
      products as (insert into catalog.products (source_id, external_id, seq, status, title, first_seen_at, changed_at, run_id, part_no, line_no,
          normaliser_version, record_hash, content_hash, raw)
        select id, key, n, 'active', 'Product ' || n, now(), now(), 1, 1, n, 1, '', '', jsonb_build_object('text', repeat('x', 200)) from ids),
      variants as (insert into catalog.variants (source_id, product_external_id, external_id, position, sku) select id, key, key, 0, key from ids),
      prices as (insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at)
        select id, key, key, 'public', 1, n, 'AUD', 'current', now() from ids),
      images as (insert into catalog.images (source_id, product_external_id, position, url) select id, key, 0, 'https://x.example/' || n from ids)
    insert into catalog.changes (source_id, run_id, product_external_id, kind, position) select id, 1, key, 'created', 1000000 + n from ids`)
  for (const table of ['products', 'variants', 'prices', 'images', 'changes', 'sources'])
    await db.query(`analyze catalog.${table}`)
  const {
    rows: [row],
  } = await db.query<{ id: string }>(
    `select id from api.products where source = 'many' and external_id = 'M0000700'`,
  )
  assert.ok(row)
  return row.id
}

type Query = <Row>(sql: string) => Promise<Row[]>

async function as<Result>(role: string, work: (query: Query) => Promise<Result>): Promise<Result> {
  const client = await db.connect()
  try {
    await client.query(`begin; set local role ${role}`)
    return await work(async <Row>(sql: string) => (await client.query(sql)).rows as Row[])
  } finally {
    await client.query('rollback')
    client.release()
  }
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Function Name'?: string
  readonly Plans?: readonly PlanNode[]
}

/** Lists every node of the plan. */
async function explain(role: string, statement: string): Promise<PlanNode[]> {
  const [row] = await as(role, (query) =>
    query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(`explain (format json) ${statement}`),
  )
  const nodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodes)]
  return (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => nodes(Plan))
}
