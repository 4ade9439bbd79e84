// The change feed as its consumers use it: no position is skipped or repeated under parallel writers, a
// decision is published once, and a follower that is killed continues where it stopped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import type { ChangeMessage } from '../../src/core/change-message.ts'
import { type FeedRequest, findFeedPlace, readFeed } from '../../src/db/read/feed.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { removeOldChanges } from '../../src/db/write/feed.ts'
import { openAmazonPipeline } from '../support/amazon-pipeline.ts'
import { createResponseCheck, serveCatalogue } from '../support/catalogue-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { passTime } from '../support/readable.ts'
import { openToy } from '../support/toy/open.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openShelfsync, type RunningCommand } from './shelfsync.ts'

const { pool: db, url } = await openTestDatabase()
const ALL = { limit: 1000, source: null, kinds: [], product: null } as const

async function readSince(after: number, changes: Partial<FeedRequest> = {}) {
  return (await readFeed(db, { ...ALL, ...changes, after })).changes
}

async function findLast(): Promise<number> {
  return (await findFeedPlace(db, null)).last
}

const positions = (changes: readonly ChangeMessage[]): number[] =>
  changes.map(({ position }) => position)

test('a reader that polls gets each position once, in order, while runs and decisions publish at once', async (t) => {
  const start = await findLast()
  const shops = await Promise.all(Array.from({ length: 4 }, () => openToy(t, { db })))
  const seen: number[] = []
  let after = start
  const writing = { isOver: false }
  const readNext = async (): Promise<boolean> => {
    const page = await readFeed(db, { ...ALL, after, limit: 7 })
    seen.push(...positions(page.changes))
    after = page.next
    return after < page.last
  }
  const read = async (): Promise<void> => {
    while (!writing.isOver) await readNext()
    while (await readNext());
  }
  const write = async ({ pipeline, supplier }: (typeof shops)[number]): Promise<void> => {
    await pipeline.sync()
    const ids = supplier.catalogue.ids()
    for (let round = 1; round <= 3; round++) {
      supplier.clock.advance(3_600_000)
      supplier.catalogue.setPrice(ids.slice(3), { cents: 1000 + round })
      supplier.catalogue.setPrice(ids.slice(round - 1, round), { cents: 100_000 })
      await pipeline.sync()
      const { items } = await listReviews(db, { source: pipeline.name, kind: 'price', limit: 100 })
      for (const { id } of items) await decideReview(db, id, { approve: true, by: 'test' })
    }
  }
  const written = Promise.all(shops.map(write)).finally(() => (writing.isOver = true))
  await Promise.all([read(), written])

  const { rows } = await db.query<{ position: number }>(
    'select position::integer from catalog.changes where position > $1 order by position',
    [start],
  )
  assert.ok(rows.length > 4 * 3 * 27, String(rows.length))
  assert.deepEqual(
    seen,
    rows.map(({ position }) => position),
  )
})

test('positions are committed in their order: the second writer waits for the first', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const { run } = await pipeline.sync()
  const source = await pipeline.source()
  const start = await findLast()
  const publish = `select catalog.publish_decision(jsonb_populate_record(null::catalog.reviews,
    jsonb_build_object('id', $1::bigint, 'source_id', $2::bigint, 'run_id', $3::bigint, 'product_external_id', 'P')),
    'updated', '{}')`
  const first = await db.connect()
  await first.query('begin')
  await first.query(publish, [1, source.id, run])
  const second = db.query(publish, [2, source.id, run])
  await waitUntil(async () => {
    const { rows } = await db.query(
      `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())
       union all select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  })
  assert.deepEqual(await readSince(start), [])
  await first.query('commit')
  first.release()
  await second
  assert.deepEqual(positions(await readSince(start)), [start + 1, start + 2])
})

test('a held price is in the feed once a person has approved it, and exactly once', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  const [id = ''] = supplier.catalogue.ids()
  const start = await findLast()
  supplier.clock.advance(3_600_000)
  supplier.catalogue.setPrice([id], { cents: 100_000 })
  await pipeline.sync()
  const values = async (): Promise<unknown[]> =>
    (await readSince(start)).flatMap(({ kind, product, prices }) =>
      prices.map(({ type, before, after }) => [kind, product, type, before, after]),
    )
  assert.deepEqual(await values(), [])
  const { items } = await listReviews(db, { source: pipeline.name, kind: 'price', limit: 100 })
  const decide = (review: number): Promise<void> =>
    decideReview(db, review, { approve: true, by: 'test' })
  for (const { id: review } of items) {
    await decide(review)
    await assert.rejects(decide(review))
  }
  await pipeline.sync()
  const euros = (amountMinor: number) => ({
    amountMinor,
    amount: (amountMinor / 100).toFixed(2),
    currency: 'EUR',
  })
  assert.deepEqual(await values(), [['repriced', id, 'public', euros(1000), euros(100_000)]])
})

test('filters move the cursor past what they leave out, and an expired cursor is refused', async (t) => {
  const [one, other] = [await openToy(t, { db }), await openToy(t, { db })]
  await one.pipeline.sync()
  await other.pipeline.sync()
  const [renamed = '', repriced = ''] = one.supplier.catalogue.ids()
  const start = await findLast()
  one.supplier.clock.advance(60_000)
  one.supplier.catalogue.update([renamed], { name: 'Another name' })
  one.supplier.catalogue.setPrice([repriced], { cents: 1100 })
  await one.pipeline.sync()
  const source = one.pipeline.name
  const products = async (filters: Partial<FeedRequest>): Promise<(string | null)[]> =>
    (await readSince(start, filters)).map(({ product }) => product)
  assert.deepEqual(new Set(await products({ source })), new Set([renamed, repriced]))
  assert.deepEqual(await products({ source, kinds: ['repriced', 'removed'] }), [repriced])
  assert.deepEqual(await products({ product: renamed }), [renamed])
  const empty = await readFeed(db, { ...ALL, after: start, source: other.pipeline.name })
  assert.deepEqual(empty, { changes: [], next: start + 2, last: start + 2 })
  const beyond = await readFeed(db, { ...ALL, after: start + 100 })
  assert.deepEqual(beyond, { changes: [], next: start + 100, last: start + 2 })
  await assert.rejects(readSince(0, { source: 'no-shop' }), { code: 'source/unknown' })

  await passTime(db, '401 days')
  one.supplier.catalogue.setPrice([repriced], { cents: 1200 })
  one.supplier.clock.advance(60_000)
  await one.pipeline.sync()
  assert.ok((await removeOldChanges(db, 400)) > 0)
  await assert.rejects(readSince(start), {
    code: 'feed/cursor-expired',
    message: new RegExp(`the oldest cursor is ${start + 2}$`),
  })
  const api = await serveCatalogue(t, db)
  const refused = await api.sendRequest(`/api/v1/changes?after=${start}`)
  assert.equal(refused.status, 410)
  assert.match(await refused.text(), /"code":"feed\/cursor-expired".*"hint":"[A-Z]/)
  assert.deepEqual(positions(await readSince(start + 2)), [start + 3])
})

interface Changes {
  readonly items: readonly ChangeMessage[]
  readonly next: number
  readonly more: boolean
}

test('a consumer of the API gets the changes of two runs by cursor, each once, and only those of its filters', async (t) => {
  const [one, other] = [await openToy(t, { db }), await openToy(t, { db })]
  await other.pipeline.sync()
  await one.pipeline.sync()
  const start = await findLast()
  const api = await serveCatalogue(t, db)
  const check = createResponseCheck()
  const request = async (query: string): Promise<Changes> =>
    (await check('/api/v1/changes', await api.sendRequest(`/api/v1/changes?${query}`))) as Changes
  const consume = async (filter: string, from: number) => {
    const items: ChangeMessage[] = []
    let page: Changes = { items, next: from, more: true }
    for (; page.more; items.push(...page.items))
      page = await request(`limit=2&after=${page.next}${filter}`)
    return { items, next: page.next }
  }
  const ids = one.supplier.catalogue.ids()
  const [named = '', ...repriced] = ids.slice(0, 6)
  const run = async (cents: number): Promise<void> => {
    for (const { supplier, pipeline } of [one, other]) {
      supplier.clock.advance(60_000)
      supplier.catalogue.update([named], { name: `Product at ${cents}` })
      supplier.catalogue.setPrice(repriced, { cents })
      await pipeline.sync()
    }
  }
  const filter = `&source=${one.pipeline.name}&kind=repriced`
  await run(1050)
  const first = [await consume('', start), await consume(filter, start)] as const
  await run(1100)
  const second = [await consume('', first[0].next), await consume(filter, first[1].next)] as const

  const all = [...first[0].items, ...second[0].items]
  assert.equal(all.length, 2 * 2 * 6)
  assert.deepEqual(positions(all), positions(await readSince(start)))
  const filtered = [...first[1].items, ...second[1].items]
  const expected = all.filter(
    ({ source, kind }) => source === one.pipeline.name && kind === 'repriced',
  )
  assert.deepEqual(positions(filtered), positions(expected))
  assert.equal(filtered.length, 2 * repriced.length)
  assert.deepEqual(filtered.at(-1)?.prices[0]?.after, {
    amountMinor: 1100,
    amount: '11.00',
    currency: 'EUR',
  })
  assert.equal(second[0].next, second[1].next)
  assert.deepEqual(await request(`after=${second[0].next}`), {
    items: [],
    next: second[0].next,
    more: false,
  })
  // Both suppliers have this id: a product is meant with its source.
  const mine = all.filter(
    ({ source, product }) => source === one.pipeline.name && product === named,
  )
  assert.equal(mine.length, 2)
  const ofProduct = await consume(`&product=${mine[0]?.productId}`, start)
  assert.deepEqual(positions(ofProduct.items), positions(mine))
})

test('values whose licence has ended are in no message', async (t) => {
  const { simulator, pipeline } = await openAmazonPipeline(t, { db })
  const asin = toAsin(0)
  const start = await findLast()
  simulator.update(asin, { title: 'Copper kettle', priceMinor: 1_000 })
  await pipeline.syncKeys([asin])
  simulator.update(asin, { title: 'Silver kettle', priceMinor: 1_200 })
  await pipeline.syncKeys([asin])
  const last = async (): Promise<string> => JSON.stringify((await readSince(start)).at(-1))
  assert.match(
    await last(),
    /"Copper kettle".*"Silver kettle".*"amountMinor":1200.*"expired":false/,
  )
  await passTime(db, '25 hours')
  assert.doesNotMatch(await last(), /kettle|1200|1000/)
  assert.match(await last(), /"title":null.*"expired":true/)
})

/** Resolves with the lines of standard output once there are `count` of them. */
function waitForLines({ child }: RunningCommand, count: number): Promise<string[]> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      const lines = text.split('\n').slice(0, -1)
      if (lines.length >= count) resolve(lines)
    })
    child.once('exit', () => reject(new Error(`It ended after: ${text}`)))
  })
}

test('a follower that is killed continues after its last position, and Ctrl-C ends it with the place', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  const shelf = await openShelfsync(t, { DATABASE_URL: url })
  const start = await findLast()
  const [id = ''] = supplier.catalogue.ids()
  const reprice = async (cents: number): Promise<void> => {
    supplier.clock.advance(60_000)
    supplier.catalogue.setPrice([id], { cents })
    await pipeline.sync()
  }
  const follow = (from: number, ...args: readonly string[]): RunningCommand =>
    shelf.start('changes', pipeline.name, '--follow', '--from', String(from), ...args)
  const parse = (lines: readonly string[]): ChangeMessage[] =>
    lines.map((line) => JSON.parse(line) as ChangeMessage)

  const killed = follow(start, '--json')
  const first = waitForLines(killed, 1)
  await reprice(1100)
  assert.deepEqual(positions(parse(await first)), [start + 1])
  killed.child.kill('SIGKILL')
  await killed.result
  // Published while no follower runs.
  await reprice(1200)

  const [resumed, words] = [follow(start + 1, '--json'), follow(start, '--kind', 'repriced')]
  const [objects, texts] = [waitForLines(resumed, 2), waitForLines(words, 3)]
  await reprice(1300)
  assert.deepEqual(positions(parse(await objects)), [start + 2, start + 3])
  assert.match((await texts)[2] ?? '', /repriced .*EUR 12\.00 → EUR 13\.00/)
  for (const { child } of [resumed, words]) child.kill('SIGINT')
  for (const { code, stderr } of [await resumed.result, await words.result]) {
    assert.equal(code, 0, stderr)
    assert.match(stderr, new RegExp(`Continue with --from ${start + 3}`))
  }
})
