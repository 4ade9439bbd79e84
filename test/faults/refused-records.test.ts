// Records that only Postgres refuses: the cost of finding them is proportional to their number, and
// no other record is affected.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Draft } from '../../src/core/product.ts'
import type { DbClient } from '../../src/db/transaction.ts'
import { DataApi } from '../../src/db/data-api.ts'
import { RECORD_STATES } from '../../src/db/errors.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'

const database = await openTestDatabase()
const { pool: db } = database
const ONE_BATCH = { lanes: 1, batchRecordsMax: 64, batchBytesMax: 1 << 20, partBytesMax: 1 << 22 }

async function openBatch(t: TestContext, products: number) {
  return openToy(t, {
    db,
    policy: { quarantineShare: 1 },
    start: { products, pageSize: 64 },
    options: ONE_BATCH,
  })
}

async function openDataApi(t: TestContext): Promise<DataApi> {
  const { url, keys } = await startDataApi(t, database)
  return new DataApi({ url, secretKey: keys.secret })
}

/** Lists the statements that are sent to Postgres while `work` runs, without COPY. */
async function listStatements(work: () => Promise<void>): Promise<string[]> {
  const statements: string[] = []
  const watched = new Map<DbClient, DbClient['query']>()
  const watch = (client: DbClient): void => {
    if (watched.has(client)) return
    const { query } = client
    watched.set(client, query)
    client.query = ((...args: unknown[]) => {
      if (typeof args[0] === 'string') statements.push(args[0])
      return Reflect.apply(query, client, args) as unknown
    }) as DbClient['query']
  }
  db.on('acquire', watch)
  await work()
  db.off('acquire', watch)
  for (const [client, query] of watched) client.query = query
  return statements
}

/** The pipeline's connector with a currency that the table refuses for every product in `ids`. */
function careless({ connector }: TestPipeline, ids: ReadonlySet<string>) {
  const spoil = (draft: Draft): Draft => {
    const price = {
      variantId: draft.variants[0]?.externalId ?? '',
      type: 'wrong',
      amountMinor: 1,
      currency: 'A$',
      compareAtMinor: null,
    }
    return ids.has(draft.externalId) ? { ...draft, prices: [price] } : draft
  }
  return {
    ...connector,
    normalise: (record: unknown, settings: unknown) => spoil(connector.normalise(record, settings)),
  }
}

for (const bad of [1, 8, 64]) {
  test(`${bad} of 64 records that Postgres refuses are found by a number of transactions proportional to them`, async (t) => {
    const { pipeline, supplier } = await openBatch(t, 64)
    const ids = supplier.catalogue.ids()
    const connector = careless(
      pipeline,
      new Set(ids.filter((_, index) => index % (64 / bad) === 0)),
    )
    const statements = await listStatements(async () => {
      assert.deepEqual(countOutcomes(await pipeline.sync({ connector })), {
        ...(bad < 64 ? { created: 64 - bad } : {}),
        quarantined: bad,
      })
    })
    const begun = statements.filter((text) => text === 'begin').length
    // Each refused record divides its share of the batch in halves, and the batch itself is written
    // twice.
    assert.ok(begun <= 2 * bad * (1 + Math.log2(64 / bad)) + 4, `${begun} transactions`)
    assert.deepEqual(
      statements.filter((text) => text.includes('savepoint')),
      [],
    )
  })
}

for (const bad of [1, 4]) {
  test(`by calls, ${bad} of 64 records that Postgres refuses are found by a number of attempts proportional to them`, async (t) => {
    const { pipeline, supplier } = await openBatch(t, 64)
    const { id } = await pipeline.source()
    const ids = supplier.catalogue.ids()
    // A sequence also counts attempts that are rolled back.
    await db.query(`create schema if not exists faults; create sequence faults.attempts_${id}`)
    await db.query(
      `create function faults.count_${id}() returns trigger language plpgsql as $$ begin perform nextval('faults.attempts_${id}'); return null; end $$`,
    )
    await db.query(
      `create trigger counted before insert on catalog.products for each statement execute function faults.count_${id}()`,
    )
    t.after(() => db.query('drop trigger counted on catalog.products'))
    const connector = careless(
      pipeline,
      new Set(ids.filter((_, index) => index % (64 / bad) === 0)),
    )
    const report = await pipeline.sync({ connector, tools: { db: await openDataApi(t) } })
    assert.deepEqual(countOutcomes(report), { created: 64 - bad, quarantined: bad })
    const [row] = await pipeline.query<{ attempts: number }>(
      `select last_value as attempts from faults.attempts_${id}`,
    )
    assert.ok(
      (row?.attempts ?? Infinity) <= 2 * bad * (1 + Math.log2(64 / bad)) + 2,
      `${row?.attempts} attempts`,
    )
  })
}

test('numbers beyond the range of their columns are refused before they are sent', async (t) => {
  const { pipeline, supplier } = await openBatch(t, 16)
  // From the last line to the first, because each inserted line moves those behind it.
  for (let at = 15; at >= 0; at--) {
    const text = `{"n":${100 + at},"record":{"seen":1,"updated_at":1767225600000,"id":"N${at}","name":"x","price":1,"tags":[],"text":"","x":1e999999}}`
    supplier.setFaults({ kind: 'insert-line', at, text })
  }
  const statements = await listStatements(async () => {
    assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 16, quarantined: 16 })
  })
  assert.deepEqual(
    statements.filter((text) => text === 'rollback'),
    [],
    'before anything is sent',
  )
  const rows = await pipeline.query<{ external_id: string; message: string }>(
    'select external_id, message from catalog.quarantine where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.deepEqual(
    rows.map(({ external_id }) => external_id).toSorted(),
    Array.from({ length: 16 }, (_, at) => `N${at}`).toSorted(),
  )
  for (const { message } of rows) assert.match(message, /the number 1e999999 is out of its range/)
})

test('other records do not affect the quarantine of a record', async (t) => {
  const { pipeline, supplier } = await openBatch(t, 8)
  const [bad = ''] = supplier.catalogue.ids()
  // The connector's scan does not know these bytes. They are stored unchanged, so their number
  // counts.
  const text =
    '{"record":{"id":"FAR","name":"x","price":1,"tags":[],"text":"","x":1e999999,"updated_at":1767225600000}}'
  const unreadable = '{"x":1e999999,'
  supplier.setFaults(
    ...[text, unreadable].map(
      (added) => ({ kind: 'insert-line', at: 2, text: added, times: 1 }) as const,
    ),
  )
  assert.deepEqual(
    countOutcomes(await pipeline.sync({ connector: careless(pipeline, new Set([bad])) })),
    {
      created: 7,
      quarantined: 3,
    },
  )
  const rows = await pipeline.query<{ rule: string; raw: Buffer }>(
    'select rule, raw from catalog.quarantine where source_id = $1',
    (await pipeline.source()).id,
  )
  const rules = new Map(
    rows.map(({ rule, raw }) => [
      [text, unreadable].find((sent) => sent === raw.toString()) ?? bad,
      rule,
    ]),
  )
  assert.deepEqual(
    rules,
    new Map([
      [bad, 'record/invalid'],
      [text, 'record/invalid'],
      [unreadable, 'record/unreadable'],
    ]),
  )
})

test('the extreme values of a draft are stored, by sessions and by calls', async (t) => {
  const { pipeline, supplier } = await openBatch(t, 4)
  const normalise = (record: unknown, settings: unknown): Draft => {
    const draft = pipeline.connector.normalise(record, settings)
    const variants = draft.variants.map((variant) => ({
      ...variant,
      weightGrams: Number.MAX_SAFE_INTEGER,
      packCount: 2 ** 31 - 1,
    }))
    return {
      ...draft,
      variants,
      sourceUpdatedAtMs: 1,
      expiresAtMs: 253_402_300_799_999,
      images: [{ url: 'https://x', alt: null, position: 2 ** 31 - 1 }],
    }
  }
  const connector = { ...pipeline.connector, normalise }
  assert.deepEqual(countOutcomes(await pipeline.sync({ connector })), { created: 4 })
  const { pipeline: called } = await openToy(t, { db, supplier })
  assert.deepEqual(
    countOutcomes(await called.sync({ connector, tools: { db: await openDataApi(t) } })),
    {
      created: 4,
    },
  )
  assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(pipeline))
})

test('a plan finds the records that the sync would quarantine', async (t) => {
  const { pipeline, supplier } = await openBatch(t, 8)
  const [bad = ''] = supplier.catalogue.ids()
  const connector = careless(pipeline, new Set([bad]))
  const { planSource } = await import('../../src/pipeline/plan.ts')
  const { bindConnector } = await import('../../src/sources/bound-source.ts')
  const { createProgress } = await import('../../src/pipeline/context.ts')
  const listed: string[] = []
  const request = { mode: 'full', sinceAt: null, now: new Date() } as const
  const plan = await planSource(
    pipeline.tools,
    bindConnector(connector, await pipeline.source()),
    request,
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: ({ kind, externalId }) => {
        if (kind === 'quarantined') listed.push(externalId)
      },
    },
  )
  assert.deepEqual(listed, [bad])
  assert.deepEqual(countOutcomes(plan), countOutcomes(await pipeline.sync({ connector })))
})

/**
 * A wrong statement of the project must stop the run. Taken for a bad record, it would quarantine
 * the whole catalogue.
 */
for (const state of ['21000', '22012', '22023', '23503', '42703', '2200H', '54023']) {
  test(`an error ${state} of a merge fails the run and quarantines nothing`, async (t) => {
    const { pipeline } = await openBatch(t, 8)
    const { id } = await pipeline.source()
    await db.query(`create schema if not exists faults; create or replace function faults.fail() returns trigger language plpgsql as $$
      begin if new.source_id = tg_argv[0]::integer then raise exception 'broken on purpose' using errcode = tg_argv[1]; end if; return new; end $$`)
    await db.query(
      `create trigger broken before insert on catalog.products for each row execute function faults.fail(${id}, '${state}')`,
    )
    t.after(() => db.query('drop trigger broken on catalog.products'))
    const report = await pipeline.sync()
    assert.equal(report.state, 'failed')
    assert.match(String(report.reason), /broken on purpose/)
    const [quarantined] = await pipeline.query<{ count: number }>(
      'select count(*) from catalog.quarantine where source_id = $1',
      id,
    )
    assert.equal(quarantined?.count, 0)
  })
}

test('the function for calls without a session quarantines for the same SQLSTATEs', async () => {
  const { rows } = await db.query<{ source: string }>(
    `select prosrc as source from pg_proc where pronamespace = 'catalog'::regnamespace and proname = 'merge_accepted'`,
  )
  const caught = [...(rows[0]?.source ?? '').matchAll(/exception when ([\s\S]*?) then/g)].map(
    ([, conditions = '']) => conditions.split(/\s+or\s+/).toSorted(),
  )
  assert.equal(caught.length, 1)
  for (const conditions of caught)
    assert.deepEqual(conditions, Object.values(RECORD_STATES).toSorted())
})
