// 300,000 products, shared by eight processes as in many-machines.long.ts and by fewer. More
// maintainers are faster where there are cores.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { prerenderFeed, serveFeed } from '../../simulators/medipim/feed.ts'
import { listTablesWithout } from '../support/catalogue-tables.ts'
import type { Lifetime } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { startRedis } from '../support/redis.ts'
import { openFleet, watchWorkers, type TimedRun } from './fleet.ts'

const PRODUCTS = 300_000
const folder = await mkdtemp(join(tmpdir(), 'shelfsync-many-'))
after(() => rm(folder, { recursive: true, force: true }))
const redis = await startRedis({ after })
const simulator = await serveFeed(
  (await prerenderFeed({ products: PRODUCTS, seed: 11 }, join(folder, 'feed.ndjson'))).file,
  { rateLimit: null },
)
after(simulator.close)

/** Columns that depend on the writer or the time. Documents are compared by their hashes. */
const APART = [
  'source_id',
  'id',
  'seq',
  'run_id',
  'part_no',
  'line_no',
  'first_seen_at',
  'refreshed_at',
  'changed_at',
  'observed_at',
  'last_available_at',
  'artifact_run',
  'raw',
]

/** The rows of each table and the sum of their hashes: equal only for equal rows, in any order. */
async function digest({ query, source }: TestPipeline): Promise<Record<string, string>> {
  const { id } = await source()
  const digests: Record<string, string> = {}
  for (const table of listTablesWithout('misses', 'changes')) {
    const [row] = await query<{ digest: string }>(
      `select count(*) || ' ' || coalesce(sum(hashtextextended((to_jsonb(t) - $2::text[])::text, 0)), 0) as digest from catalog.${table} t where source_id = $1`,
      id,
      APART,
    )
    digests[table] = row?.digest ?? ''
  }
  return digests
}

/** Runs a sync with two fetchers, two orchestrators and so many maintainers. */
async function share(
  t: Lifetime,
  maintainers: number,
  queueUrl: string | null,
): Promise<{ ended: TimedRun; digest: Record<string, string> }> {
  const fleet = await openFleet(t, { supplierUrl: simulator.url, queueUrl, smallParts: false })
  const roles = [
    'orchestrator',
    'orchestrator',
    'fetcher',
    'fetcher',
    ...Array.from({ length: maintainers }, () => 'maintainer' as const),
  ] as const
  const [first] = await Promise.all(
    roles.map((role) => fleet.serve([role], { APPLY_CONCURRENCY: '1' })),
  )
  assert.ok(first)
  const run = await fleet.requestRun(first)
  const { part } = await watchWorkers(fleet, run)
  assert.ok(part.size >= Math.min(2, maintainers), `parts were applied by ${[...part].join()}`)
  return { ended: await fleet.waitForEnd(run), digest: await digest(fleet.pipeline) }
}

/** More maintainers are faster only where there are cores for them. */
const CAN_COMPARE = availableParallelism() >= 4
const MAINTAINERS = CAN_COMPARE ? [1, 4] : [4]

test(`${PRODUCTS} products, shared by several maintainers on either queue, are correct to the row`, async (t) => {
  let expected: Record<string, string> = {}
  await t.test('one process alone', async (one) => {
    const fleet = await openFleet(one, {
      supplierUrl: simulator.url,
      queueUrl: null,
      smallParts: false,
    })
    expected = await digest(await fleet.syncTwin())
  })
  for (const [queue, queueUrl] of [
    ['Postgres', null],
    ['Redis', redis.url],
  ] as const) {
    const seconds: number[] = []
    for (const maintainers of MAINTAINERS) {
      await t.test(`${maintainers} with ${queue}`, async (one) => {
        const { ended, digest: found } = await share(one, maintainers, queueUrl)
        assert.deepEqual(
          [ended.state, ended.reason, ended.ledger?.['created'], ended.ledger?.['fetched']],
          ['succeeded', null, PRODUCTS, PRODUCTS],
        )
        assert.deepEqual(found, expected)
        seconds.push(ended.seconds)
        one.diagnostic(`${ended.seconds.toFixed(1)} s`)
      })
    }
    const [alone = 0, together = Infinity] = seconds
    if (CAN_COMPARE) assert.ok(together < alone, `${together} s together, ${alone} s alone`)
  }
})
