// Rules on the change feed: both directions of each event, the trial on the past, and the messages.
// The history is written by SQL, with its own times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleDraft, RuleEventName } from '../../src/core/rule.ts'
import { describeEvent } from '../../src/core/rule.ts'
import { listRules, tryRule } from '../../src/db/read/webhooks.ts'
import { addRule, removeWebhook, switchRule } from '../../src/db/write/webhooks.ts'
import { openTestDatabase } from '../support/database.ts'
import { HOOK_SECRET, openDeliveries, type Deliveries } from '../support/deliveries.ts'

const database = await openTestDatabase()
const db = database.pool

const PRICE = 'price:v:retail'

function draft(event: RuleEventName, members: Partial<RuleDraft> = {}): RuleDraft {
  return {
    name: event,
    event,
    percent: null,
    amountMinor: null,
    currency: null,
    source: null,
    product: null,
    words: null,
    firstLoad: false,
    webhook: 'orders',
    ...members,
  }
}

/** The changes of the source that would have fired, the oldest first: `product: why`. */
async function wouldFire(feed: Deliveries, rule: RuleDraft, days = 30): Promise<string[]> {
  const { times, firings } = await tryRule(
    db,
    { ...rule, source: feed.source, webhook: null },
    { days, limit: 100 },
  )
  assert.equal(times, firings.length)
  return firings
    .map(({ change, event }) => `${change.product}: ${describeEvent(rule.event, event)}`)
    .toReversed()
}

type Prices = readonly (readonly [daysAgo: number, amountMinor: number])[]

/** Publishes the prices of products in the order of their days, one a change. */
async function reprice(
  feed: Deliveries,
  products: Readonly<Record<string, Prices>>,
): Promise<void> {
  const changes = Object.entries(products).flatMap(([product, prices]) =>
    prices.map(([daysAgo, after], at) => ({
      product,
      daysAgo,
      pair: [prices[at - 1]?.[1] ?? null, after],
    })),
  )
  for (const { product, daysAgo, pair } of changes.toSorted((a, b) => b.daysAgo - a.daysAgo))
    await feed.publish(product, { kind: 'repriced', detail: { [PRICE]: pair }, daysAgo })
}

test('a price fires by percent, by amount or by both, and only in the direction of the rule', async (t) => {
  const feed = await openDeliveries(t, db)
  await reprice(feed, {
    tenth: [
      [50, 1000],
      [9, 900],
    ],
    less: [
      [49, 1000],
      [8, 901],
    ],
    cheap: [
      [48, 200],
      [7, 100],
    ],
    dearer: [
      [47, 1000],
      [6, 1100],
    ],
  })
  const tenth = 'tenth: price down: EUR 10.00 → EUR 9.00 (-10.0 %)'
  const cheap = 'cheap: price down: EUR 2.00 → EUR 1.00 (-50.0 %)'
  const dearer = 'dearer: price up: EUR 10.00 → EUR 11.00 (+10.0 %)'
  const one = { amountMinor: 100, currency: 'EUR' }
  assert.deepEqual(await wouldFire(feed, draft('price-down', { percent: 10 })), [tenth, cheap])
  assert.deepEqual(await wouldFire(feed, draft('price-down', one)), [tenth, cheap])
  assert.deepEqual(await wouldFire(feed, draft('price-down', { ...one, amountMinor: 101 })), [])
  assert.deepEqual(await wouldFire(feed, draft('price-down', { ...one, percent: 11 })), [cheap])
  assert.deepEqual(await wouldFire(feed, draft('price-down', { ...one, currency: 'USD' })), [])
  assert.deepEqual(await wouldFire(feed, draft('price-up', { percent: 10 })), [dearer])
  assert.deepEqual(await wouldFire(feed, draft('price-up', { percent: 10.5 })), [])
  assert.equal((await wouldFire(feed, draft('price-down'))).length, 3)
})

test('a trial reads only changes in which a price moved far enough', async (t) => {
  const feed = await openDeliveries(t, db)
  const products = Array.from({ length: 30 }, (_, n): [string, Prices] => [
    `p${n}`,
    [
      [20, 1000],
      [10, n === 0 ? 800 : 910],
    ],
  ])
  await reprice(feed, Object.fromEntries(products))
  const client = await db.connect()
  await client.query("set track_functions = 'all'")
  const rule = { event: 'price-down', percent: 10, source: feed.source }
  await client.query('select catalog.try_rule($1, null, 30, 10)', [rule])
  await client.query('select pg_stat_force_next_flush()')
  const { rows } = await client.query<{ name: string; calls: number }>(
    `select funcname as name, calls::integer from pg_stat_user_functions
     where funcname in ('find_event', 'find_price_bounds', 'find_price_event') order by name`,
  )
  client.release(true)
  assert.deepEqual(rows, [
    { name: 'find_event', calls: 1 },
    { name: 'find_price_event', calls: 1 },
  ])
})

test('the low and the high of 30 days count the price that was valid at their beginning', async (t) => {
  const feed = await openDeliveries(t, db)
  await reprice(feed, {
    low: [
      [90, 700],
      [60, 1000],
      [20, 900],
      [10, 950],
      [1, 899],
    ],
    'not-low': [
      [90, 1000],
      [40, 800],
      [20, 900],
      [1, 850],
    ],
    high: [
      [90, 2000],
      [60, 1000],
      [2, 1100],
    ],
  })
  assert.deepEqual(await wouldFire(feed, draft('new-low'), 5), [
    'low: below the low of 30 days: EUR 9.50 → EUR 8.99 (-5.4 %)',
  ])
  assert.deepEqual(await wouldFire(feed, draft('new-high'), 5), [
    'high: above the high of 30 days: EUR 10.00 → EUR 11.00 (+10.0 %)',
  ])
})

test('a price in another currency, a first price and a held price fire nothing', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.publish('moved', { detail: { [PRICE]: [null, 1000] }, daysAgo: 5 })
  await feed.publish('moved', { detail: { [PRICE]: [1000, 100] }, daysAgo: 4, currency: 'USD' })
  await feed.publish('held', { detail: { [PRICE]: [null, 1000] }, daysAgo: 5 })
  await feed.publish('held', { detail: { [PRICE]: [1000, 10, 'fell by 99 %'] }, daysAgo: 4 })
  for (const event of ['price-down', 'price-up', 'new-low'] as const)
    assert.deepEqual(await wouldFire(feed, draft(event)), [], event)
})

test('stock, disappearance and return fire their own events', async (t) => {
  const feed = await openDeliveries(t, db)
  const stock = (before: string, after: string) => ({
    detail: { 'availability:v': [before, after] },
  })
  await feed.publish('back', stock('out_of_stock', 'in_stock'))
  await feed.publish('out', stock('in_stock', 'out_of_stock'))
  await feed.publish('hidden', { kind: 'unavailable' })
  await feed.publish('gone', { kind: 'removed' })
  await feed.publish('again', { kind: 'returned' })
  await feed.publish('fresh', { kind: 'created' })
  assert.deepEqual(await wouldFire(feed, draft('back-in-stock')), [
    'back: back in stock: out_of_stock → in_stock',
  ])
  assert.deepEqual(await wouldFire(feed, draft('out-of-stock')), [
    'out: out of stock: in_stock → out_of_stock',
    'hidden: out of stock: active → unavailable',
  ])
  assert.deepEqual(await wouldFire(feed, draft('gone')), ['gone: gone'])
  assert.deepEqual(await wouldFire(feed, draft('returned')), ['again: returned'])
  assert.deepEqual(await wouldFire(feed, draft('new')), ['fresh: new'])
})

test('a first load fires nothing, or once where the rule includes it', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.publish('', { kind: 'loaded', detail: { products: 5000 } })
  assert.deepEqual(await wouldFire(feed, draft('new')), [])
  assert.deepEqual(await wouldFire(feed, draft('new', { firstLoad: true })), [
    'null: first load of 5000 products',
  ])
})

test('a rule is limited to a product or to words of its title or brand', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.stock('a', { title: 'Espresso Roma' })
  await feed.stock('b', { title: 'Filter', brand: 'Espresso & Co' })
  await feed.stock('c', { title: 'Tea' })
  for (const product of ['a', 'b', 'c']) await feed.publish(product, { kind: 'removed' })
  assert.deepEqual(await wouldFire(feed, draft('gone', { words: 'espresso' })), [
    'a: gone',
    'b: gone',
  ])
  assert.deepEqual(await wouldFire(feed, draft('gone', { product: 'c' })), ['c: gone'])
})

test('a rule is off at first, fires from its switch on, and stops when it is off', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders', { getsChanges: false })
  await feed.publish('early', { kind: 'removed' })
  await addRule(db, draft('gone'), 'ada')
  await feed.work()
  await switchRule(db, 'gone', true)
  await feed.publish('during', { kind: 'removed' })
  await feed.publish('other', { kind: 'updated' })
  await feed.work()
  await switchRule(db, 'gone', false)
  await feed.publish('late', { kind: 'removed' })
  await feed.work()
  await switchRule(db, 'gone', true)
  await feed.work()
  const bodies = feed.receiver.received.map(({ body }) => body as RuleBody)
  assert.deepEqual(
    bodies.map(({ type, data }) => [type, data.rule, data.why, data.change.product]),
    [['rule', 'gone', 'gone', 'during']],
  )
  const [rule] = await listRules(db)
  assert.equal(rule?.fired, 1)
  await removeWebhook(db, 'orders')
  assert.deepEqual(await listRules(db), [])
})

interface RuleBody {
  readonly type: string
  readonly data: { rule: string; why: string; change: { product: string } }
}

test('Slack gets one message for the changes of one look, whose text cannot call anyone', async (t) => {
  const feed = await openDeliveries(t, db, {})
  const slack = await openDeliveries(t, db, {
    WEBHOOK_ADDRESS_TEAM: `${feed.receiver.url}/team`,
    WEBHOOK_SECRET_OTHER: HOOK_SECRET,
  })
  await slack.add('team', { format: 'slack', url: null, getsChanges: false })
  await addRule(db, draft('gone', { webhook: 'team' }), 'ada')
  await switchRule(db, 'gone', true)
  await slack.stock('p0', { title: '<!channel> & more' })
  for (let n = 0; n < 25; n++) await slack.publish(`p${n}`, { kind: 'removed' })
  await slack.work()
  const [message, ...others] = feed.receiver.received
  assert.deepEqual(others, [])
  assert.ok(message)
  const { text } = message.body as { text: string }
  assert.match(text, /^\*gone\*: 25 changes\n/)
  assert.match(text, /and 5 more$/)
  assert.equal(text.split('\n').length, 22)
  assert.doesNotMatch(text, /<!channel>/)
})

test('a rule fires for nothing whose licence has ended', async (t) => {
  const feed = await openDeliveries(t, db)
  const expiresAt = new Date(Date.now() - 1000)
  await feed.stock('ended', { title: 'Ended', expiresAt })
  await feed.publish('ended', { detail: { [PRICE]: [null, 1000] }, daysAgo: 3, expiresAt })
  await feed.publish('ended', { detail: { [PRICE]: [1000, 500] }, daysAgo: 2, expiresAt })
  assert.deepEqual(await wouldFire(feed, draft('price-down')), [])
})
