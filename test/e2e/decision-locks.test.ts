// A person's decision and a call about the same product wait for each other, and both succeed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSource } from '../../src/db/sources.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitUntil } from '../support/wait-until.ts'

const { pool: db } = await openTestDatabase()

async function openSource(source: string) {
  const { name, id } = await addSource(db, {
    name: source,
    connector: 'shopify',
    settings: { currency: 'EUR' },
    schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: 'none' },
  })
  return {
    id,
    upsert: (title: string) =>
      db.query(
        `select * from api.rpc_upsert_product($1, 'tea', $2, p_prices => '[{"price": 10}]')`,
        [name, title],
      ),
    price: (price: number) =>
      db.query(`select * from api.rpc_insert_price($1, 'tea', 'tea', $2)`, [name, price]),
  }
}

/** Starts the decision, then the call, while the row of the review is locked; then unlocks it. */
async function decideBeside(review: number, call: () => Promise<unknown>): Promise<void> {
  const holder = await db.connect()
  const isWaiting = (name: string) => async () => {
    const { rowCount } = await db.query(
      `select from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and query like '%' || $1 || '%'`,
      [name],
    )
    return rowCount === 1
  }
  try {
    await holder.query('begin')
    await holder.query('select from catalog.reviews where id = $1 for update', [review])
    const decision = decideReview(db, review, { approve: false, by: 'anna' })
    await waitUntil(isWaiting('decide_review'))
    const called = call()
    await waitUntil(isWaiting('api.rpc'))
    await holder.query('commit')
    await Promise.all([decision, called])
  } finally {
    holder.release()
  }
}

test('a held price is decided while a call replaces it', async () => {
  const { upsert, price } = await openSource('prices')
  await upsert('Tea')
  const { rows } = await price(500)
  await decideBeside(rows[0].reviews[0], () => price(11))
  const { rows: prices } = await db.query(
    'select state, amount_minor::integer as amount from catalog.prices order by amount_minor',
  )
  assert.deepEqual(prices, [
    { state: 'past', amount: 1000 },
    { state: 'current', amount: 1100 },
    { state: 'rejected', amount: 50_000 },
  ])
})

test('a quarantined record is ignored while a call writes its product', async () => {
  const { id, upsert } = await openSource('records')
  const { rows: runs } = await upsert('Tea')
  const { rows } = await db.query<{ id: number; record: number }>(
    `with record as (
       insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset,
           byte_length, external_id, rule, message, raw)
         values ($1, $2, $2, 1, 1, 0, 2, 'tea', 'record/invalid', 'wrong', '{}') returning id)
     insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail)
       select $1, 'record', $2, 'tea', 'wrong', jsonb_build_object('record', id) from record
       returning id, detail ->> 'record' as record`,
    [id, runs[0].run],
  )
  await decideBeside(rows[0]?.id ?? 0, () => upsert('Green tea'))
  const { rows: records } = await db.query('select state from catalog.quarantine')
  assert.deepEqual(records, [{ state: 'ignored' }])
})
