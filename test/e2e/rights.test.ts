// Database rights: readers see the published views but never `raw`; workers use functions and no
// table.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from '../../src/pipeline/context.ts'
import { planSource } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { createLogin } from '../support/login.ts'
import { openShelfsync } from './shelfsync.ts'

const database = await openTestDatabase()
const { pool: db } = database
const DENIED = { code: '42501' }
const VIEWS = [
  'products',
  'variants',
  'prices',
  'price_history',
  'images',
  'brands',
  'organizations',
  'categories',
  'changes',
  'medipim_products',
  'medipim_products_raw',
  'price_decisions',
]

async function tables(): Promise<string[]> {
  const { rows } = await db.query<{ tablename: string }>(
    `select tablename from pg_tables where schemaname = 'catalog'`,
  )
  return rows.map(({ tablename }) => tablename)
}

test('every table has row security', async () => {
  const { rows } = await db.query(
    `select relname from pg_class where relnamespace = 'catalog'::regnamespace and relkind = 'r' and not relrowsecurity`,
  )
  assert.deepEqual(rows, [])
})

test('an unpublished role can neither read a view nor call a function', async (t) => {
  const { pool } = await createLogin(t, database)
  for (const view of VIEWS)
    await assert.rejects(pool.query(`select count(*) from api.${view}`), DENIED)
  for (const table of await tables())
    await assert.rejects(pool.query(`select count(*) from catalog.${table}`), DENIED)
  await assert.rejects(pool.query('select * from catalog.find_source($1)', ['x']), DENIED)
  await assert.rejects(
    pool.query('select catalog.decide_run(1, true, $1, $2)', ['x', '1:1']),
    DENIED,
  )
})

test('a published role reads the views but never raw, writes nothing, and loses the right again', async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  await pipeline.sync()
  const { name, pool } = await createLogin(t, database)
  await db.query('select catalog.publish($1)', [name])
  for (const view of VIEWS.slice(0, 5)) {
    const { rows } = await pool.query<{ count: number }>(`select count(*) from api.${view}`)
    assert.ok((rows[0]?.count ?? 0) > 0, view)
  }
  const { rows } = await pool.query(
    'select id, name, price_cents, updated_at from api.medipim_products',
  )
  assert.equal(rows.length, 30)
  assert.equal((await pool.query('select * from api.medipim_products')).rows.length, 30)
  await assert.rejects(pool.query('select raw from api.medipim_products_raw'), DENIED)
  await assert.rejects(pool.query('select raw from catalog.products'), DENIED)
  await assert.rejects(pool.query('select * from api.price_decisions'), DENIED)
  await assert.rejects(pool.query('select * from catalog.price_decisions'), DENIED)
  for (const hidden of ['runs', 'artifacts', 'quarantine', 'reviews', 'checkpoints', 'misses'])
    await assert.rejects(pool.query(`select * from catalog.${hidden}`), DENIED)
  await assert.rejects(pool.query('select settings from catalog.sources'), DENIED)
  await assert.rejects(pool.query(`update api.products set title = 'mine'`))
  await assert.rejects(pool.query('delete from catalog.products'), DENIED)
  await db.query('select catalog.unpublish($1)', [name])
  await assert.rejects(pool.query('select id from api.products'), DENIED)
  await assert.rejects(pool.query('select api.variants(null::api.products)'), DENIED)
  await assert.rejects(
    db.query(`select catalog.unpublish('nobody')`),
    /The role nobody does not exist/,
  )
})

test('a worker with both roles runs a whole sync and cannot use a table directly', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const { pool } = await createLogin(t, database, 'shelfsync_fetcher', 'shelfsync_maintainer')
  const first = await pipeline.sync({ tools: { db: pool } })
  assert.deepEqual([first.state, first.ledger.created], ['succeeded', 30], first.reason ?? '')
  simulator.clock.advance(60_000)
  simulator.catalogue.update({ count: 5 })
  const second = await pipeline.sync({ tools: { db: pool } })
  assert.deepEqual([second.state, second.ledger.updated], ['succeeded', 5])
  assert.equal((await pipeline.replay(first.run, { tools: { db: pool } })).state, 'succeeded')
  const request = { mode: 'full', sinceAt: null, now: new Date() } as const
  const plan = await planSource(
    { ...pipeline.tools, db: pool },
    bindConnector(pipeline.connector, await pipeline.source()),
    request,
    { progress: createProgress(), signal: new AbortController().signal, onChange: () => {} },
  )
  assert.equal(plan.ledger.unchanged, 30)
  for (const table of await tables()) {
    await assert.rejects(pool.query(`select count(*) from catalog.${table}`), DENIED)
    await assert.rejects(pool.query(`delete from catalog.${table}`), DENIED)
  }
  await assert.rejects(
    pool.query('select catalog.decide_run(1, true, $1, $2)', ['x', '1:1']),
    DENIED,
  )
})

test("the fetcher's role cannot write products, and the maintainer's cannot archive", async (t) => {
  const fetcher = await createLogin(t, database, 'shelfsync_fetcher')
  const maintainer = await createLogin(t, database, 'shelfsync_maintainer')
  await assert.rejects(
    fetcher.pool.query(`select * from catalog.settle_run(1, 1, 1, '', 0, '{}')`),
    DENIED,
  )
  await assert.rejects(fetcher.pool.query('select catalog.open_staging()'), DENIED)
  await assert.rejects(
    maintainer.pool.query(
      `select catalog.add_part(1, 1, 1, 1, 'k', 'zstd', '', 1, 1, 1, null, '0 s')`,
    ),
    DENIED,
  )
})

test('staging tables that a worker created are refused, so that its code never runs as their owner', async (t) => {
  const { pool } = await createLogin(t, database, 'shelfsync_maintainer')
  const session = await pool.connect()
  try {
    await session.query(`
      create temporary table verdicts (line_no integer);
      create temporary table planned_products (external_id text);
      create function pg_temp.strike() returns trigger language plpgsql as $$ begin raise exception 'it ran as %', current_user; end $$;
      create trigger strike before insert or delete on verdicts for each statement execute function pg_temp.strike();
      grant all on verdicts, planned_products to public`)
    const refused = { code: 'SHELF', message: /was not created by Shelfsync/ }
    await assert.rejects(
      session.query(`select catalog.plan_batch(1, null, 1, null, '{}', 10)`),
      refused,
    )
    await assert.rejects(session.query(`select catalog.plan_run(1, '{}', '', '{}')`), refused)
    await assert.rejects(session.query('select catalog.clear_staging()'), refused)
    await assert.rejects(session.query('select catalog.open_staging()'), { code: '42P07' })
  } finally {
    session.release(true)
  }
})

test('schema api is published to named roles and revoked again', async (t) => {
  const { run, db: own } = await openShelfsync(t)
  const role = `reader_${Math.random().toString(36).slice(2)}`
  await own.query(`create role ${role}`)
  // A `service_role` that existed before the migrations, as on Supabase, may read from the start.
  const others = (await run('publish', '--json')).json()['readers'] as string[]
  assert.deepEqual((await run('publish', '--role', role, '--json')).json(), {
    readers: [...others, role].sort(),
  })
  assert.deepEqual((await run('publish', '--role', role, '--revoke', '--json')).json(), {
    readers: others,
  })
  await own.query(`drop role ${role}`)
  assert.equal((await run('publish', '--role', 'nobody-here')).code, 64)
})
