// Peculiarities of MediPim, tested through the whole pipeline: products that move while the stream
// is read, prices as text, and times in seconds.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openMedipim, priceActiveProducts } from '../../../test/support/medipim.ts'
import { countOutcomes } from '../../../test/support/pipeline.ts'
import { listProducts } from '../../../test/support/snapshot.ts'

const { pool: db } = await openTestDatabase()
const STREAM = '/v4/products/stream'

test('a stream in which products move while it is read delivers each of them once', async (t) => {
  for (const target of ['ahead', 'behind'] as const) {
    const { pipeline, simulator } = await openMedipim(t, { db })
    simulator.clock.advance(60_000)
    simulator.faults.set({ kind: 'update-during-stream', at: 8, target, path: STREAM })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.equal((await listProducts(pipeline)).size, 30)
    assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 30 })
  }
})

test('a price written as a string is the same price', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const [id = ''] = priceActiveProducts(simulator)
  await pipeline.sync()
  simulator.clock.advance(3_600_000)
  simulator.faults.set({ kind: 'product', change: 'prices-as-strings', path: STREAM, times: null })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded')
  assert.deepEqual((await listProducts(pipeline)).get(id)?.prices, { current: 1000 })
})

/** Unix seconds. */
const KNOWN_TIME = 1_700_000_100

/** Values of `meta.updatedAt` that cannot order records. */
const UNTRUSTED_TIMES: readonly unknown[] = [
  undefined,
  null,
  4_102_444_800,
  1_700_000_000_000,
  253_402_300_800,
  999_999_999_999_999,
  Number.MAX_VALUE,
  0,
  28_333_333,
  -62_135_596_800,
  'yesterday',
  { seconds: 1 },
]

test('a product without a time in unix seconds is updated by each run that changes it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-feed-'))
  t.after(() => rm(folder, { recursive: true }))
  const { pipeline, simulator } = await openMedipim(t, { db })
  const file = join(folder, 'feed.ndjson')
  const send = async (title: string, time?: number): Promise<Record<string, number>> => {
    const times = [...UNTRUSTED_TIMES.map((untrusted) => time ?? untrusted), KNOWN_TIME]
    const lines = times.map((updatedAt, index) =>
      JSON.stringify({
        meta: { total: times.length, index },
        result: {
          id: `M${index}`,
          status: 'active',
          name: { en: updatedAt === KNOWN_TIME ? 'dated' : title },
          publicPrice: 1000,
          meta: { createdAt: 1, updatedAt },
        },
      }),
    )
    await writeFile(file, `${lines.join('\n')}\n`)
    simulator.setFeed(file)
    return countOutcomes(await pipeline.sync())
  }
  const expected = { updated: UNTRUSTED_TIMES.length, unchanged: 1 }
  assert.deepEqual(await send('first'), { created: UNTRUSTED_TIMES.length + 1 })
  const { watermarkAt } = await pipeline.source()
  assert.equal(
    watermarkAt?.getTime(),
    KNOWN_TIME * 1000,
    'an unknown time does not change the watermark',
  )
  assert.deepEqual(await send('second', KNOWN_TIME + 200), expected)
  assert.deepEqual(await send('third'), expected)
  assert.deepEqual(await send('fourth', KNOWN_TIME + 100), expected)
})
