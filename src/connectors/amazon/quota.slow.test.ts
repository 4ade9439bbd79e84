// 3,600 items at one request a second, through the whole pipeline. Waits pass at once: they move the clock of
// the simulator, and the rows of the limits by the same time. So the distance of two requests is the one that
// the limit has given them, however busy this machine is.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { toAsin } from '../../../simulators/amazon/product.ts'
import { openAmazonPipeline } from '../../../test/support/amazon-pipeline.ts'
import { GET_ITEMS } from '../../../test/support/amazon.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { countOutcomes } from '../../../test/support/pipeline.ts'
import type { Args } from '../../db/catalog.ts'
import type { Db } from '../../db/pool.ts'
import { DEFAULT_OPTIONS } from '../../pipeline/options.ts'
import { createAmazon } from './connector.ts'
import { TokenCache } from './tokens.ts'

const ITEMS = 3_600
const KEYS = Array.from({ length: ITEMS }, (_, at) => toAsin(at))
const { pool } = await openTestDatabase()

/** The clock of the database, ahead by all waits so far, as of the turn of the last request. */
class TurnClock {
  skippedMs = 0
  #turnMs = 0
  readonly db: Db

  constructor(db: Db) {
    const call = async <Row>(name: string, args: Args): Promise<Row[]> => {
      const rows = await db.call<Row>(name, args)
      if (name === 'admit_request')
        for (const row of rows as { now_ms: number }[]) this.#turnMs = row.now_ms + this.skippedMs
      return rows
    }
    this.db = new Proxy(db, {
      get(target, name) {
        if (name === 'call') return call
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }

  readonly now = (): number => this.#turnMs

  readonly wait = async (ms: number): Promise<void> => {
    await pool.query('update catalog.limits set next_at = next_at - make_interval(secs => $1)', [
      ms / 1000,
    ])
    this.skippedMs += ms
    this.#turnMs += ms
  }
}

async function open(t: TestContext) {
  const clock = new TurnClock(pool)
  const { simulator, pipeline } = await openAmazonPipeline(t, {
    db: clock.db,
    simulator: { products: ITEMS, perSecond: 1, perDay: 8_640, now: clock.now },
    connector: createAmazon(new TokenCache(() => Date.now() + clock.skippedMs)),
    settings: { requestsPerSecond: 1 },
    options: { ...DEFAULT_OPTIONS, wait: clock.wait },
  })
  const sync = async () => {
    const before = simulator.stats.snapshot().requests[GET_ITEMS] ?? 0
    const [startedMs, skippedMs] = [performance.now(), clock.skippedMs]
    // Without the pause of zero that tests have.
    const report = await pipeline.syncKeys(KEYS, { tools: { requestIntervals: new Map() } })
    const { requests, responses } = simulator.stats.snapshot()
    const realMs = performance.now() - startedMs
    const seconds = (realMs + clock.skippedMs - skippedMs) / 1000
    t.diagnostic(
      `${report.kind}: ${Math.round(seconds)} s, of which this machine worked ${(realMs / 1000).toFixed(1)} s`,
    )
    return { report, requests: (requests[GET_ITEMS] ?? 0) - before, responses, seconds }
  }
  return { pipeline, sync }
}

test('3,600 items are imported and refreshed with 360 requests each, and none comes early', async (t) => {
  const { pipeline, sync } = await open(t)
  const imported = await sync()
  assert.deepEqual(
    [imported.report.kind, imported.report.state, countOutcomes(imported.report)],
    ['import', 'succeeded', { created: ITEMS }],
  )
  assert.equal(imported.requests, ITEMS / 10)
  const [stored] = await pipeline.query<{ products: string }>(
    'select count(*) as products from catalog.products where external_id = any ($1)',
    KEYS,
  )
  assert.equal(Number(stored?.products), ITEMS)

  const refreshed = await sync()
  assert.deepEqual(
    [refreshed.report.kind, refreshed.report.state, countOutcomes(refreshed.report)],
    ['refresh', 'succeeded', { unchanged: ITEMS }],
  )
  assert.equal(refreshed.requests, ITEMS / 10)
  // Without a refusal: one token, and the requests for items.
  assert.deepEqual(refreshed.responses, { 200: 1 + (2 * ITEMS) / 10 })
  // A fifth of the rate is kept for imports.
  for (const [{ seconds }, interval] of [
    [imported, 1.05],
    [refreshed, 1.05 / 0.8],
  ] as const)
    assert.ok(seconds > (ITEMS / 10 - 1) * interval, `${seconds} s`)
})
