// The queue of reviews: filters and counts, edits through the gates, rules that decide when a review is
// opened, and two people who decide the same thing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReservedName } from '../../src/core/reserved-name.ts'
import { listActions } from '../../src/db/read/actions.ts'
import {
  countQueue,
  listDecidable,
  listQueue,
  loadEvidence,
  type QueueFilter,
} from '../../src/db/read/review-queue.ts'
import { readFeed } from '../../src/db/read/feed.ts'
import { loadReview } from '../../src/db/read/reviews.ts'
import { addReviewRule, listReviewRules, removeReviewRule } from '../../src/db/review-rules.ts'
import { removeSource } from '../../src/db/write/remove-source.ts'
import { addSource } from '../../src/db/sources.ts'
import { decideReview, decideReviews, editReview } from '../../src/db/write/decisions.ts'
import { inSession } from '../../src/db/catalog.ts'
import { openTestDatabase } from '../support/database.ts'

const { pool: db } = await openTestDatabase()
const BY_ANN = { by: 'ann', priceFactor: 10 }

/** A source whose products are written by calls, each by a separate run. */
async function openShop(name: string) {
  const { id } = await addSource(db, {
    name,
    connector: 'shopify',
    settings: { currency: 'EUR' },
    schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: 'none' },
  })
  const upsert = (product: string, price: number) =>
    db.query(
      `select * from api.rpc_upsert_product($1, $2, initcap($2) || ' tea', p_prices => $3)`,
      [name, product, JSON.stringify([{ price }])],
    )
  const rename = (product: string, title: string) =>
    db.query('select * from api.rpc_upsert_product($1, $2, $3)', [name, product, title])
  /** Returns the reviews that the price opened, in any state. */
  const price = async (product: string, amount: number): Promise<number[]> => {
    const { rows } = await db.query<{ run: number }>(
      `select run from api.rpc_insert_price($1, $2, $2, $3)`,
      [name, product, amount],
    )
    const { rows: reviews } = await db.query<{ id: number }>(
      'select id::integer from catalog.reviews where source_id = $1 and run_id = $2 order by id',
      [id, rows[0]?.run],
    )
    return reviews.map((review) => review.id)
  }
  const current = async (product: string) =>
    (
      await db.query<{ amount: number }>(
        `select amount_minor::integer as amount from catalog.prices
         where source_id = $1 and product_external_id = $2 and state = 'current'`,
        [id, product],
      )
    ).rows.map(({ amount }) => amount)
  /** The rows of prices and changes with their physical versions. */
  const rows = async () =>
    (
      await db.query<object>(
        `select ctid, xmin, run_id, state from catalog.prices where source_id = $1
         union all select ctid, xmin, run_id, kind from catalog.changes where source_id = $1`,
        [id],
      )
    ).rows
  /** The published changes that decisions made. */
  const decisions = async () =>
    (
      await db.query<{ kind: string; detail: unknown }>(
        `select kind, detail from catalog.changes
         where source_id = $1 and review_id <> 0 and position is not null order by position`,
        [id],
      )
    ).rows
  const propose = async (product: string, value: string, threshold: number | null = null) =>
    (
      await inSession(db).call<{ outcome: string; review: number | null }>('propose_value', {
        source: id,
        product,
        field: 'attributes.process',
        value: JSON.stringify(value),
        quotation: 'fully washed',
        confidence: 0.6,
        model: 'small-model',
        content_hash: (
          await db.query<{ hash: Buffer }>(
            'select content_hash as hash from catalog.products where source_id = $1 and external_id = $2',
            [id, product],
          )
        ).rows[0]?.hash,
        threshold,
      })
    )[0]
  const enrichments = async () =>
    (
      await db.query<{ value: unknown; model: string; by: string }>(
        'select value, model, accepted_by as by from catalog.enrichments where source_id = $1',
        [id],
      )
    ).rows
  return { id, name, upsert, rename, price, current, rows, decisions, propose, enrichments }
}

async function find(filter: QueueFilter): Promise<(string | null)[]> {
  const { items } = await listQueue(db, filter, { limit: 50 })
  return items.map(({ product }) => product)
}

test('the queue filters by source, kind, text, change, direction and age, and counts', async () => {
  const [shop, other] = [await openShop('filters'), await openShop('others')]
  for (const product of ['green', 'black', 'white']) await shop.upsert(product, 10)
  await other.upsert('green', 10)
  await shop.price('green', 200)
  await shop.price('black', 0.5)
  await shop.price('white', 0)
  await other.price('green', 1000)
  await shop.propose('green', 'washed')
  const source = shop.name
  assert.deepEqual(await find({ source }), ['green', 'black', 'white', 'green'])
  assert.deepEqual(await find({ source, kind: 'proposal' }), ['green'])
  assert.deepEqual(await find({ source, text: 'BLACK tea' }), ['black'])
  assert.deepEqual(await find({ source, text: 'whit' }), ['white'])
  assert.deepEqual(await find({ source, direction: 'fall' }), ['black', 'white'])
  assert.deepEqual(await find({ source, changeMin: 100 }), ['green', 'white'])
  assert.deepEqual(await find({ source, changeMax: 95 }), ['black'])
  assert.deepEqual(await find({ source, openedBefore: new Date(0) }), [])
  assert.deepEqual(await find({ text: 'green', kind: 'price' }), ['green', 'green'])
  assert.deepEqual(await countQueue(db, { text: 'green' }), [
    { source, kind: 'price', reviews: 1 },
    { source, kind: 'proposal', reviews: 1 },
    { source: other.name, kind: 'price', reviews: 1 },
  ])
  const first = await listQueue(db, { source }, { limit: 3 })
  const rest = await listQueue(db, { source }, { limit: 3, after: first.next ?? '' })
  assert.deepEqual([first.items.length, rest.items.length, rest.next], [3, 1, null])
  const [green] = first.items
  assert.deepEqual(
    [green?.evidence.change, green?.evidence.history.map(({ amountMinor }) => amountMinor)],
    [1900, [1000]],
  )
  assert.deepEqual(await loadEvidence(db, green?.id ?? 0), green?.evidence)
})

test('a decision on all that match covers what was shown and no more', async () => {
  const shop = await openShop('covered')
  for (const product of ['one', 'two', 'three']) await shop.upsert(product, 10)
  await shop.price('one', 200)
  await shop.price('two', 300)
  const shown = await listDecidable(db, { source: shop.name }, 100)
  const [late = 0] = await shop.price('three', 400)
  await decideReview(db, shown[0] ?? 0, { approve: false, by: 'ben' })
  const { decided, refused, left } = await decideReviews(db, shown, {
    approve: true,
    by: 'ann',
    reason: 'new prices',
  })
  assert.deepEqual([decided, left], [shown.slice(1), []])
  assert.match(refused[0]?.message ?? '', /^Review \d+ is not open: ben rejected it at \d{4}-/)
  assert.deepEqual(await shop.current('two'), [30_000])
  assert.equal((await loadReview(db, late)).state, 'open')
  const stopped = await decideReviews(
    db,
    [late],
    { approve: true, by: 'ann' },
    { isOver: () => true },
  )
  assert.deepEqual([stopped.decided, stopped.left], [[], [late]])
  const { items } = await listActions(db, { source: shop.name, action: 'review', limit: 10 })
  assert.deepEqual(
    items.map(({ actor, action, reason }) => [actor, action, reason]),
    [
      ['ann', 'review.approve', 'new prices'],
      ['ben', 'review.reject', null],
    ],
  )
})

test('of two people who decide at once, the second sees the name and the decision of the first', async () => {
  const shop = await openShop('locked')
  await shop.upsert('tea', 10)
  const [review = 0] = await shop.price('tea', 500)
  const value = { amountMinor: 1100, currency: 'EUR' }
  const results = await Promise.allSettled([
    decideReview(db, review, { approve: true, by: 'ann' }),
    editReview(db, review, { value, by: 'ben', priceFactor: 10 }),
    decideReview(db, review, { approve: false, by: 'cyd' }),
  ])
  const { decidedBy } = await loadReview(db, review)
  const refusals = results.flatMap((result) =>
    result.status === 'rejected' ? [String(result.reason.message)] : [],
  )
  assert.equal(refusals.length, 2)
  for (const message of refusals)
    assert.match(message, new RegExp(`Review ${review} is not open: ${decidedBy} \\w+ it at `))
  assert.equal((await shop.current('tea')).length, 1)
})

test('a price is edited through the gates, and the log states the one that was passed over', async () => {
  const shop = await openShop('edited')
  await shop.upsert('tea', 10)
  const [review = 0] = await shop.price('tea', 500)
  const edit = (amountMinor: number, despite = false) =>
    editReview(db, review, { ...BY_ANN, value: { amountMinor, currency: 'EUR' }, despite })
  await assert.rejects(edit(0), { code: 'usage/invalid', message: /the price is zero/ })
  await assert.rejects(edit(40_000), /held too: the price rose ×40\./)
  await assert.rejects(edit(-1), /whole number of minor units/)
  await assert.rejects(edit(10.5), /whole number of minor units/)
  await edit(40_000, true)
  assert.deepEqual(await shop.current('tea'), [40_000])
  const { state, decidedBy, detail } = await loadReview(db, review)
  assert.deepEqual(
    [state, decidedBy, detail.to, detail.edited],
    ['approved', 'ann', 50_000, { amountMinor: 40_000, currency: 'EUR' }],
  )
  const { items } = await listActions(db, { source: shop.name, action: 'review.edit', limit: 2 })
  assert.deepEqual(items[0]?.detail, {
    kind: 'price',
    product: 'tea',
    value: { amountMinor: 40_000, currency: 'EUR' },
    despite: 'the price rose ×40',
  })
})

test('an edited price stays while the supplier states the held one, and judges the next', async () => {
  const shop = await openShop('kept')
  await shop.upsert('tea', 10)
  const [review = 0] = await shop.price('tea', 500)
  await editReview(db, review, { ...BY_ANN, value: { amountMinor: 5000, currency: 'EUR' } })
  const edited = await shop.rows()
  assert.deepEqual(await shop.price('tea', 500), [])
  assert.deepEqual(await shop.rows(), edited)
  assert.deepEqual(await shop.current('tea'), [5000])
  // 50 times the price before the edit, 8 times the edited one.
  assert.deepEqual(await shop.price('tea', 400), [])
  assert.deepEqual(await shop.current('tea'), [40_000])
  const [again] = await shop.price('tea', 5000)
  assert.notEqual(again, undefined)
})

test("an edited price is compared with the supplier's next one", async () => {
  const shop = await openShop('compared')
  await shop.upsert('tea', 10)
  const [review = 0] = await shop.price('tea', 500)
  await editReview(db, review, { ...BY_ANN, value: { amountMinor: 5000, currency: 'EUR' } })
  const [held = 0] = await shop.price('tea', 600)
  assert.equal((await loadReview(db, held)).reason, 'the price rose ×12')
  assert.deepEqual(await shop.price('tea', 500), [])
  assert.equal((await loadReview(db, held)).state, 'superseded')
  assert.deepEqual(await shop.current('tea'), [5000])
})

test("an edited proposal is the person's value, of the same type", async () => {
  const shop = await openShop('proposals')
  await shop.upsert('tea', 10)
  const { review } = (await shop.propose('tea', 'washed')) ?? {}
  const edit = (value: string | number) => editReview(db, review ?? 0, { ...BY_ANN, value })
  await assert.rejects(edit(7), /must be a JSON string with content/)
  await assert.rejects(edit(''), /must be a JSON string with content/)
  await edit('natural')
  assert.deepEqual(await shop.enrichments(), [{ value: 'natural', model: 'person', by: 'ann' }])
})

test('an accepted value is one change of the feed, unless readers see it already', async () => {
  const shop = await openShop('values')
  await shop.upsert('tea', 10)
  const field = 'attributes.process'
  const proposeNext = async (value: string) => (await shop.propose('tea', value))?.review ?? 0
  await decideReview(db, await proposeNext('washed'), { approve: true, by: 'ann' })
  const first = { kind: 'updated', detail: { [field]: [null, 'washed'] } }
  assert.deepEqual(await shop.decisions(), [first])
  await shop.rename('tea', 'Black tea')
  await decideReview(db, await proposeNext('dried'), { approve: false, by: 'ann' })
  assert.deepEqual(await shop.decisions(), [first])
  await shop.rename('tea', 'Green tea')
  await editReview(db, await proposeNext('honey'), { ...BY_ANN, value: 'washed' })
  assert.deepEqual(await shop.decisions(), [first])
  await shop.rename('tea', 'White tea')
  await addReviewRule(
    db,
    shop.name,
    { kind: 'proposal', decision: 'approve', field },
    { by: 'ann' },
  )
  await proposeNext('natural')
  const second = { kind: 'updated', detail: { [field]: ['washed', 'natural'] } }
  assert.deepEqual(await shop.decisions(), [first, second])
  const { changes } = await readFeed(db, {
    after: 0,
    limit: 100,
    source: shop.name,
    kinds: [],
    product: 'tea',
  })
  assert.deepEqual(changes.at(-1)?.fields, [{ name: field, before: 'washed', after: 'natural' }])
})

test('a value that the threshold accepts is a decided review and one change of the feed', async () => {
  const shop = await openShop('threshold')
  await shop.upsert('tea', 10)
  const field = 'attributes.process'
  const { outcome, review } = (await shop.propose('tea', 'washed', 0.6)) ?? {}
  assert.equal(outcome, 'accepted')
  const { kind, state, decidedBy, detail } = await loadReview(db, review ?? 0)
  assert.deepEqual(
    [kind, state, decidedBy, detail.value],
    ['proposal', 'approved', 'threshold', 'washed'],
  )
  assert.deepEqual(await find({ source: shop.name }), [])
  const first = { kind: 'updated', detail: { [field]: [null, 'washed'] } }
  assert.deepEqual(await shop.decisions(), [first])
  assert.equal((await shop.propose('tea', 'washed', 0.6))?.outcome, 'known')
  await shop.propose('tea', 'natural', 0.6)
  const second = { kind: 'updated', detail: { [field]: ['washed', 'natural'] } }
  assert.deepEqual(await shop.decisions(), [first, second])
  assert.deepEqual(await shop.enrichments(), [
    { value: 'natural', model: 'small-model', by: 'threshold' },
  ])
})

test('no person decides under the name of a rule or of the threshold', async () => {
  const shop = await openShop('names')
  await shop.upsert('tea', 10)
  const [review = 0] = await shop.price('tea', 500)
  const value = { amountMinor: 1100, currency: 'EUR' }
  const refusal = { code: 'usage/invalid', message: /stands for decisions without a person/ }
  for (const by of ['rule 7', ' Rule 12 ', 'RULE7', 'Threshold']) {
    await assert.rejects(decideReview(db, review, { approve: true, by }), refusal)
    await assert.rejects(editReview(db, review, { value, by, priceFactor: 10 }), refusal)
    await assert.rejects(
      addReviewRule(db, shop.name, { kind: 'disagreement', decision: 'reject' }, { by }),
      refusal,
    )
    assert.equal(isReservedName(by), true)
  }
  await decideReview(db, review, { approve: true, by: 'rule 7 ann' })
})

test('rules decide when a review is opened, and are counted and recorded', async () => {
  const shop = await openShop('ruled')
  for (const product of ['tea', 'cup', 'pot']) await shop.upsert(product, 10)
  const [earlier = 0] = await shop.price('pot', 0)
  const { name: source } = shop
  const by = 'ann'
  const never = await addReviewRule(
    db,
    source,
    { kind: 'price', decision: 'reject', zero: true },
    { by, reason: 'the shop has no free goods' },
  )
  const always = await addReviewRule(
    db,
    source,
    { kind: 'price', decision: 'approve', changeMax: 2000, direction: 'rise' },
    { by },
  )
  const field = 'attributes.process'
  const proposals = await addReviewRule(
    db,
    source,
    { kind: 'proposal', decision: 'reject', field },
    { by },
  )
  assert.equal((await loadReview(db, earlier)).state, 'open')
  const [risen = 0] = await shop.price('tea', 210)
  assert.deepEqual(await shop.current('tea'), [21_000])
  const [free = 0] = await shop.price('cup', 0)
  const [over = 0] = await shop.price('cup', 220)
  const proposed = (await shop.propose('tea', 'washed'))?.review ?? 0
  const states = await Promise.all(
    [risen, free, over, proposed].map(async (id) => {
      const { state, decidedBy } = await loadReview(db, id)
      return [state, decidedBy]
    }),
  )
  assert.deepEqual(states, [
    ['approved', `rule ${always}`],
    ['rejected', `rule ${never}`],
    ['open', null],
    ['rejected', `rule ${proposals}`],
  ])
  const rules = await listReviewRules(db, source)
  assert.deepEqual(
    rules.map(({ id, decided, waiting, createdBy }) => [id, decided, waiting, createdBy]),
    [
      [never, 1, 1, 'ann'],
      [always, 1, 0, 'ann'],
      [proposals, 1, 0, 'ann'],
    ],
  )
  const { rows: changes } = await db.query<{ detail: unknown }>(
    `select c.detail from catalog.changes c join catalog.reviews r using (source_id, run_id)
     where r.id = $1 and c.position is not null`,
    [risen],
  )
  assert.deepEqual(changes, [{ detail: { 'price:tea:list': [1000, 21_000] } }])
  await removeReviewRule(db, always, { by: 'ben' })
  await assert.rejects(removeReviewRule(db, always, { by }), /has been removed by ben/)
  const [again = 0] = await shop.price('tea', 2200)
  assert.equal((await loadReview(db, again)).state, 'open')
  const { items } = await listActions(db, { source, action: 'review-rule', limit: 10 })
  assert.deepEqual(
    items.map(({ action, actor, subject }) => [action, actor, subject]),
    [
      ['review-rule.remove', 'ben', `rule ${always}`],
      ['review-rule.add', 'ann', `rule ${proposals}`],
      ['review-rule.add', 'ann', `rule ${always}`],
      ['review-rule.add', 'ann', `rule ${never}`],
    ],
  )
  await removeSource(db, source)
})
