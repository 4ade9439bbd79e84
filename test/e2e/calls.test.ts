// Small writes by `api.rpc_…`, as programs make them over the Data API: each is a separate run and
// passes the gates of every other run.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { readPart } from '../../src/artifacts/parts.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { addSource } from '../../src/db/sources.ts'
import { listParts } from '../../src/db/write/artifacts.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const database = await openTestDatabase()
const { pool: db } = database

interface Written {
  readonly outcome: string
  readonly run: number | null
  readonly state: string | null
  readonly reviews: readonly number[]
  readonly raw_payload_hash: string
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string | null
}

/** Opens a source, and the calls as supabase-js sends them: `supabase.schema('api').rpc(name, arguments)`. */
async function open(t: Lifetime, source: string) {
  const data = await startDataApi(t, database)
  await addSource(db, {
    name: source,
    connector: 'shopify',
    settings: { currency: 'EUR' },
    schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: 'none' },
  })
  const post = async (name: string, body: object, key = data.keys.secret) => {
    const response = await fetch(`${data.url}/rest/v1/rpc/${name}`, {
      method: 'POST',
      headers: {
        apikey: key,
        authorization: `Bearer ${key}`,
        'content-profile': 'api',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ p_source: source, ...body }),
    })
    return { status: response.status, body: (await response.json()) as unknown }
  }
  const query = async <Row>(sql: string) =>
    (await db.query<{ row: Row }>(`select to_jsonb(q) as row from (${sql}) q`)).rows.map(
      ({ row }) => row,
    )
  return {
    data,
    query,
    call: async (name: string, body: object): Promise<Written> => {
      const { status, body: rows } = await post(name, body)
      assert.equal(status, 200, JSON.stringify(rows))
      const [row] = rows as readonly Written[]
      assert.ok(row)
      return row
    },
    refuse: async (name: string, body: object, key?: string) => {
      const { status, body: failure } = await post(name, body, key)
      const { code, message, hint } = failure as Failure
      return { status, code, message, hint }
    },
    prices: () =>
      query<{ variant: string; amount_minor: number; state: string }>(
        `select variant_external_id as variant, amount_minor, p.state from catalog.prices p join catalog.sources s on s.id = p.source_id
         where s.name = '${source}' and p.state in ('current', 'held') order by 1, run_id`,
      ),
    countRows: () =>
      query(
        `select (select count(*) from catalog.runs r where r.source_id = s.id) as runs, (select count(*) from catalog.parts p where p.source_id = s.id) as parts,
           (select string_agg(xmin::text, ' ' order by external_id) from catalog.products p where p.source_id = s.id) as products,
           (select string_agg(xmin::text, ' ' order by variant_external_id, run_id) from catalog.prices p where p.source_id = s.id) as prices
         from catalog.sources s where s.name = '${source}'`,
      ),
  }
}

const GREEN = {
  p_platform_product_id: 'green',
  p_name: 'Green Tea',
  p_variants: [
    { platform_variant_id: 'small', weight_g: 250, price: '10.00' },
    { platform_variant_id: 'large', weight_g: 500, price: 18.5, in_stock: true },
  ],
  p_images: [{ url: 'https://tea.example/1.jpg', alt: 'Front' }],
}

test('one call writes a product with its variants, prices and images, and a second one nothing', async (t) => {
  const { call, query, countRows } = await open(t, 'whole')
  const first = await call('rpc_upsert_product', GREEN)
  assert.deepEqual([first.outcome, first.state], ['created', 'succeeded'])
  assert.deepEqual(
    await query(
      `select p.title, p.status, v.external_id, v.weight_grams, v.availability, c.amount_minor, c.currency, c.price_type, i.alt
       from api.products p join api.variants v on v.product_id = p.id join api.prices c on c.product_id = p.id and c.variant_external_id = v.external_id
       join api.images i on i.product_id = p.id where p.source = 'whole' order by v.position`,
    ),
    [
      ['small', 250, null, 1000],
      ['large', 500, 'in_stock', 1850],
    ].map(([external_id, weight_grams, availability, amount_minor]) => ({
      title: 'Green Tea',
      status: 'active',
      external_id,
      weight_grams,
      availability,
      amount_minor,
      currency: 'EUR',
      price_type: 'list',
      alt: 'Front',
    })),
  )
  const before = await countRows()
  const again = await call('rpc_upsert_product', GREEN)
  assert.deepEqual(
    [again.outcome, again.run, again.raw_payload_hash],
    ['unchanged', null, first.raw_payload_hash],
  )
  assert.deepEqual(await countRows(), before)
  for (const [hash, known] of [
    [first.raw_payload_hash, true],
    ['00', false],
  ] as const) {
    const checked = await call('rpc_check_content_hash', {
      p_platform_product_id: 'green',
      p_raw_payload_hash: hash,
    })
    assert.deepEqual(checked, { is_known: known })
  }
})

test('a tenfold price is held with a review, and calls about something else leave it there', async (t) => {
  const { call, prices } = await open(t, 'gated')
  await call('rpc_upsert_product', GREEN)
  const small = { p_platform_product_id: 'green', p_platform_variant_id: 'small' }
  const held = await call('rpc_insert_price', { ...small, p_price: 100 })
  assert.deepEqual([held.outcome, held.state, held.reviews.length], ['held', 'succeeded', 1])
  const large = { ...small, p_platform_variant_id: 'large' }
  const priced = await call('rpc_insert_price', { ...large, p_price: 19 })
  const weighed = await call('rpc_upsert_variant', { ...small, p_weight_g: 240 })
  const shown = await call('rpc_upsert_image', {
    p_platform_product_id: 'green',
    p_url: 'https://tea.example/2.jpg',
  })
  assert.deepEqual(
    [priced, weighed, shown].map(({ outcome, reviews }) => [outcome, reviews]),
    [1, 2, 3].map(() => ['updated', held.reviews]),
  )
  assert.deepEqual(await prices(), [
    { variant: 'large', amount_minor: 1900, state: 'current' },
    { variant: 'small', amount_minor: 1000, state: 'current' },
    { variant: 'small', amount_minor: 10_000, state: 'held' },
  ])
  const [review] = (await listReviews(db, { source: 'gated', limit: 10 })).items
  await decideReview(db, review?.id ?? 0, { approve: false, by: 'me' })
  assert.equal((await call('rpc_insert_price', { ...small, p_price: 100 })).outcome, 'unchanged')
})

test('each part of a product that is stated twice writes nothing the second time', async (t) => {
  const { call, countRows } = await open(t, 'parts')
  await call('rpc_upsert_product', GREEN)
  const product = { p_platform_product_id: 'green' }
  const calls = [
    ['rpc_insert_price', { ...product, p_platform_variant_id: 'small', p_price: 11 }],
    ['rpc_upsert_variant', { ...product, p_platform_variant_id: 'huge', p_weight_g: 1000 }],
    ['rpc_upsert_image', { ...product, p_url: 'https://tea.example/2.jpg', p_alt: 'Back' }],
  ] as const
  for (const [name, body] of calls) assert.equal((await call(name, body)).outcome, 'updated')
  const before = await countRows()
  for (const [name, body] of calls) assert.equal((await call(name, body)).outcome, 'unchanged')
  assert.deepEqual(await countRows(), before)
})

test('twenty parallel calls to one source all succeed, one after the other', async (t) => {
  const { query } = await open(t, 'parallel')
  const sessions = new pg.Pool({ connectionString: database.url, max: 20 })
  t.after(() => sessions.end())
  const numbers = Array.from({ length: 20 }, (_, n) => n)
  await Promise.all(
    numbers.map((n) =>
      sessions.query(
        `select * from api.rpc_upsert_product('parallel', $1, $2, p_prices => '[{"price": 2}]')`,
        // Half of them create products, and half change one.
        [n % 2 === 0 ? `tea-${n}` : 'tea', `Tea ${n}`],
      ),
    ),
  )
  assert.deepEqual(
    await query(
      `select count(*) as products, count(distinct seq) as numbers, (select count(*) from catalog.runs r where r.source_id = p.source_id and r.state = 'succeeded') as runs
       from catalog.products p join catalog.sources s on s.id = p.source_id where s.name = 'parallel' group by p.source_id`,
    ),
    [{ products: 11, numbers: 11, runs: 20 }],
  )
})

test('a wrong call writes nothing, and says what was wrong and what to do', async (t) => {
  const { call, refuse, countRows, data } = await open(t, 'refused')
  await call('rpc_upsert_product', GREEN)
  const before = await countRows()
  const variant = { p_platform_product_id: 'green', p_platform_variant_id: 'small' }
  const product = (changes: object) => ['rpc_upsert_product', { ...GREEN, ...changes }] as const
  const one = (changes: object) =>
    product({ p_variants: [{ platform_variant_id: 'v', ...changes }] })
  const cases: readonly (readonly [
    call: readonly [string, object],
    status: number,
    message: RegExp,
  ])[] = [
    [['rpc_insert_price', { ...variant, p_source: 'no', p_price: 1 }], 404, /source "no" does not/],
    [
      ['rpc_insert_price', { ...variant, p_platform_product_id: 'no', p_price: 1 }],
      404,
      /refused has no product "no"/,
    ],
    [
      ['rpc_insert_price', { ...variant, p_platform_variant_id: 'no', p_price: 1 }],
      400,
      /the variant no, which the product does not have/,
    ],
    [['rpc_insert_price', { ...variant, p_price: 1.234 }], 400, /is 1\.234: EUR has 2 decimals/],
    [['rpc_insert_price', { ...variant, p_price: -1 }], 400, /small is -1/],
    [['rpc_insert_price', { ...variant, p_price: 1, p_currency: '$' }], 400, /the currency "\$"/],
    [['rpc_upsert_image', { ...variant, p_url: 'javascript:1' }], 404, /Could not find/],
    [
      ['rpc_upsert_image', { p_platform_product_id: 'green', p_url: 'javascript:1' }],
      400,
      /"javascript:1" is not the address of an image/,
    ],
    [product({ p_status: 'gone' }), 400, /p_status is "gone": give draft, active or unavailable/],
    [product({ p_variants: [{}] }), 400, /a variant has no platform_variant_id/],
    [product({ p_variants: {} }), 400, /p_variants is not a list of objects/],
    [
      product({ p_variants: [GREEN.p_variants[0], GREEN.p_variants[0]] }),
      400,
      /two variants have the platform_variant_id small/,
    ],
    [product({ p_platform_product_id: '' }), 400, /p_platform_product_id is empty/],
    [product({ p_variants: [{ platform_variant_id: 'v', gtin: '12' }] }), 400, /the GTIN of the/],
    [one({ weight_g: 'NaN' }), 400, /the weight of the variant v is not a number of grams/],
    [one({ weight_g: 'Infinity' }), 400, /the weight of the variant v is not a number of grams/],
    [one({ options: 'red' }), 400, /the options of the variant v are not an object/],
    [one({ amount_minor: 2 ** 53 }), 400, /the price of the variant v is not from 0 to/],
    [
      product({ p_images: [{ url: 'https://a.example', sort_order: -1 }] }),
      400,
      /sort_order -1 of/,
    ],
    [product({ p_provenance: 'title' }), 400, /p_provenance is not an object of objects/],
    [product({ p_provenance: { title: 'x' } }), 400, /p_provenance is not an object of objects/],
    [product({ p_warnings: 'none' }), 400, /p_warnings is not a list of texts/],
    [product({ p_warnings: [1] }), 400, /p_warnings is not a list of texts/],
    [product({ p_source_updated_at: '-infinity' }), 400, /p_source_updated_at is not an instant/],
    [product({ p_expires_at: 'infinity' }), 400, /p_expires_at is not an instant/],
  ]
  for (const [[name, body], status, message] of cases) {
    const failure = await refuse(name, body)
    assert.deepEqual(
      [failure.status, message.test(failure.message)],
      [status, true],
      failure.message,
    )
    if (failure.code !== 'PGRST202') assert.ok(failure.hint, failure.message)
  }
  const anonymous = await refuse('rpc_upsert_product', GREEN, data.keys.publishable)
  assert.deepEqual([anonymous.status, anonymous.code], [401, '42501'])
  assert.deepEqual(await countRows(), before)
})

test('a role that may read may not write, and one that was admitted may, until it is refused', async (t) => {
  await open(t, 'rights')
  const role = 'calls_writer'
  await db.query(`create role ${role}; select catalog.publish('${role}')`)
  t.after(() => db.query(`drop owned by ${role}; drop role ${role}`))
  const asRole = async (name: string) => {
    const client = await db.connect()
    try {
      await client.query(`begin; set local role ${role}`)
      await client.query(`select * from api.rpc_upsert_product('rights', '${name}', 'Tea')`)
      return 'written'
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await client.query('rollback')
      client.release(true)
    }
  }
  assert.equal(await asRole('a'), '42501')
  await db.query(`grant execute on all functions in schema api to ${role}`)
  assert.equal(await asRole('a'), '42501', 'a right to execute is not enough')
  await db.query(`select catalog.allow_calls('${role}')`)
  assert.equal(await asRole('a'), 'written')
  await db.query(`select catalog.refuse_calls('${role}')`)
  assert.equal(await asRole('a'), '42501')
})

test('a role that was admitted and refused has no right left', async (t) => {
  const role = 'calls_former_writer'
  await db.query(`create role ${role}; select catalog.allow_calls('${role}')`)
  t.after(() => db.query(`drop owned by ${role}; drop role ${role}`))
  await db.query(`select catalog.refuse_calls('${role}')`)
  const { rows } = await db.query(`select has_schema_privilege('${role}', 'api', 'usage') as used`)
  assert.deepEqual(rows, [{ used: false }])
})

test('several calls in one transaction are written together or not at all', async (t) => {
  const { query } = await open(t, 'together')
  const client = await db.connect()
  const write = (name: string, status = 'active') =>
    client.query(
      `select * from api.rpc_upsert_product('together', $1, 'Tea', p_status => $2, p_prices => '[{"price": 2}]')`,
      [name, status],
    )
  await client.query('begin')
  await write('a')
  await write('b')
  await client.query('commit')
  await client.query('begin')
  await write('c')
  await assert.rejects(write('d', 'gone'), { code: '22023' })
  await client.query('rollback')
  client.release(true)
  assert.deepEqual(
    await query(
      `select product_external_id as id, amount_minor from api.prices where source = 'together' order by 1`,
    ),
    [
      { id: 'a', amount_minor: 200 },
      { id: 'b', amount_minor: 200 },
    ],
  )
})

test('a call is archived in the database, and a full run of the connector beside it takes its turn', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const [id = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  const { call } = await open(t, 'unused')
  const written = await call('rpc_insert_price', {
    p_source: pipeline.name,
    p_platform_product_id: id,
    p_platform_variant_id: id,
    p_price: 11,
    p_currency: 'EUR',
    p_price_type: 'public',
  })
  assert.equal(written.outcome, 'updated')
  const source = await pipeline.source()
  const [part] = await listParts(db, source.id, Number(written.run))
  assert.ok(part)
  const line = (await Array.fromAsync(readPart(pipeline.tools.store, part))).join('')
  assert.deepEqual(JSON.parse(line), {
    call: 'rpc_insert_price',
    arguments: {
      platform_product_id: id,
      platform_variant_id: id,
      price: 11,
      currency: 'EUR',
      compare_at_price: null,
      price_type: 'public',
    },
  })
  await assert.rejects(pipeline.replay(Number(written.run)), { code: 'run/no-artifact' })
  supplier.clock.advance(3_600_000)
  supplier.catalogue.touch([id])
  const run = await pipeline.sync()
  assert.deepEqual([run.state, run.ledger.removed, run.ledger.missing], ['succeeded', 0, 0])
})
