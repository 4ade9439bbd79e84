// The lowest price before a reduction, with the days on which it was observed. Times are moved into
// the past: the tests never wait.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()
const NOW = new Date('2026-11-28T12:00:00Z')

interface PriorPrice {
  readonly amount_minor: number | null
  readonly currency: string | null
  readonly coverage: string
  readonly reason: string | null
}

/** Days before the reduction, each with the price from then on, or null for a withdrawn one. */
type History = readonly (readonly [daysAgo: number, cents: number | null, currency?: string])[]

async function open(t: Lifetime, history: History, syncs: readonly number[]) {
  const { pipeline, supplier } = await openToy(t, { db })
  const [id = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  const source = await pipeline.source()
  await db.query(`delete from catalog.prices where source_id = $1 and product_external_id = $2`, [
    source.id,
    id,
  ])
  await db.query(
    `update catalog.runs set started_at = 'epoch', finished_at = 'epoch' where source_id = $1`,
    [source.id],
  )
  for (const [n, [daysAgo, cents, currency = 'EUR']] of history.entries())
    await db.query(
      `insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at)
       values ($1, $2, $2, 'public', $3, $4, $5, $6, $7::timestamptz - $8 * interval '1 day')`,
      [
        source.id,
        id,
        1000 + n,
        cents,
        currency,
        n === history.length - 1 ? 'current' : 'past',
        NOW,
        daysAgo,
      ],
    )
  for (const daysAgo of syncs)
    await db.query(
      `insert into catalog.runs (source_id, kind, state, correlation_id, artifact_run, normaliser_version, first_load, started_at, finished_at)
       select $1, 'full', 'succeeded', 'x', 0, 1, false, at, at + interval '1 minute' from (select $2::timestamptz - $3 * interval '1 day' as at) day`,
      [source.id, NOW, daysAgo],
    )
  return async (changes: { start?: Date; days?: number; variant?: string } = {}) => {
    const { rows } = await db.query<PriorPrice>(
      'select amount_minor::integer, currency, coverage, reason from api.prior_price($1, $2, $3, $4, $5, $6)',
      [
        pipeline.name,
        id,
        changes.variant ?? id,
        changes.start ?? NOW,
        'public',
        changes.days ?? 30,
      ],
    )
    return rows[0]
  }
}

const daily = (from: number, to = 1): number[] =>
  Array.from({ length: from - to + 1 }, (_, n) => from - n - 0.5)

test('the prior price is the lowest one of the 30 days before the reduction, not before today', async (t) => {
  const prior = await open(
    t,
    [
      [60, 700],
      [45, 1500],
      [20, 1200],
      [10, 1400],
      [0, 900],
    ],
    daily(40),
  )
  assert.deepEqual(await prior(), {
    amount_minor: 1200,
    currency: 'EUR',
    coverage: '30 of 30 days observed',
    reason: null,
  })
  const earlier = new Date(NOW.getTime() - 15 * 86_400_000)
  assert.deepEqual((await prior({ start: earlier }))?.amount_minor, 1200)
  assert.equal((await prior({ days: 60 }))?.amount_minor, 700)
  assert.equal((await prior({ days: 60 }))?.coverage, '40 of 60 days observed')
})

test('a day without a run, and one on which the price was withdrawn, is not observed', async (t) => {
  const prior = await open(
    t,
    [
      [45, 1500],
      [20, null],
      [18, 1400],
      [0, 900],
    ],
    daily(40).filter((day) => day < 5 || day > 7),
  )
  assert.deepEqual(await prior(), {
    amount_minor: 1400,
    currency: 'EUR',
    coverage: '26 of 30 days observed',
    reason: null,
  })
})

test('a held and a rejected price never count', async (t) => {
  const prior = await open(t, [[45, 1500]], daily(40))
  await db.query(
    `insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at)
     select p.source_id, p.product_external_id, p.variant_external_id, p.price_type, 2000 + n, 100, 'EUR', s.state, $1::timestamptz - interval '9 days'
     from catalog.prices p, unnest('{held,rejected,pending,superseded}'::text[]) with ordinality s (state, n) where p.run_id = 1000 and p.observed_at = $1::timestamptz - interval '45 days'`,
    [NOW],
  )
  assert.equal((await prior())?.amount_minor, 1500)
})

test('without an observed price, and across a change of currency, there is none, with the reason', async (t) => {
  const none = await open(t, [[0, 900]], daily(40))
  assert.deepEqual(await none(), {
    amount_minor: null,
    currency: null,
    coverage: '0 of 30 days observed',
    reason: 'no public price was observed in these days',
  })
  assert.equal(
    (await none({ variant: 'nothing' }))?.reason,
    'the catalogue does not have this variant',
  )
  const changed = await open(
    t,
    [
      [45, 1500, 'USD'],
      [20, 1400],
    ],
    daily(40),
  )
  assert.deepEqual(await changed(), {
    amount_minor: null,
    currency: null,
    coverage: '30 of 30 days observed',
    reason: 'the currency changed in these days',
  })
  await assert.rejects(none({ days: 29 }), { code: '22023', message: 'p_days is 29' })
})

test('only a role to which the catalogue is published may ask, also with a right to execute', async (t) => {
  await open(t, [[0, 900]], [])
  const role = 'prior_price_reader'
  await db.query(`create role ${role}; grant usage on schema api to ${role}`)
  await db.query(`grant execute on all functions in schema api to ${role}`)
  t.after(() => db.query(`drop owned by ${role}; drop role ${role}`))
  const ask = async () => {
    const client = await db.connect()
    try {
      await client.query(`begin; set local role ${role}`)
      await client.query(`select * from api.prior_price('a', 'b', 'c', now())`)
      return 'answered'
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await client.query('rollback')
      client.release()
    }
  }
  assert.equal(await ask(), '42501')
  await db.query(`select catalog.publish('${role}')`)
  assert.equal(await ask(), 'answered')
})
