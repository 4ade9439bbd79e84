// A worker that stops for longer than its lease and then continues: another worker has taken its
// task, and the first one writes nothing more.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../support/database.ts'
import { startProxy, routeThrough } from '../support/faulty-proxy.ts'
import { type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { openServices, type TestServices } from '../support/services.ts'
import { listAllRowVersions } from '../support/snapshot.ts'
import { onNthPass, watchQueries, type Failpoint } from './failpoints.ts'
import { simulateNextDay } from './sync-kills.ts'
import {
  SUPPLIER,
  assertEndsAsUninterrupted,
  runSecondDay,
  openSecondDay,
  startWorkers,
  waitUntilFrozen,
  type UninterruptedRun,
} from './worker-kills.ts'

/**
 * Other workers take over until only settling is left. The stopped worker continues and abandons
 * its task, and the others end the run.
 */
async function assertWritesNothing(
  lost: { readonly pipeline: TestPipeline; comeBack(): Promise<void> },
  services: TestServices,
  run: number,
  uninterrupted: UninterruptedRun,
): Promise<void> {
  const { pipeline, comeBack } = lost
  const reached = Promise.withResolvers<void>()
  const resume = Promise.withResolvers<void>()
  watchQueries(
    services.tools.db,
    onNthPass('before settle_run', 1, () => (reached.resolve(), resume.promise)),
  )
  services.startWorkers()
  await reached.promise
  const before = await listAllRowVersions(pipeline)
  await comeBack()
  assert.deepEqual(await listAllRowVersions(pipeline), before)
  resume.resolve()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
}

async function surviveFreeze(
  t: TestContext,
  place: Failpoint,
  nth: number,
  uninterrupted: UninterruptedRun,
): Promise<void> {
  const { database, pipeline, services } = await openSecondDay(t)
  const frozen = await startWorkers(t, database, pipeline, { place, nth, onReached: 'freeze' })
  const { run } = await services.requestRun({ mode: 'full' })
  await waitUntilFrozen(frozen)
  await assertWritesNothing(
    {
      pipeline,
      async comeBack() {
        frozen.kill('SIGCONT')
        // Its open statements end first.
        frozen.kill('SIGTERM')
        assert.deepEqual(await frozen.exited, { code: 0, signal: null }, frozen.output())
      },
    },
    services,
    run,
    uninterrupted,
  )
}

const PLACES: readonly (readonly [Failpoint, number])[] = [
  ['before add_part', 2],
  ['in copy', 2],
  ['before commit', 2],
  ['before settle_run', 1],
]

test(
  'a worker that was frozen for longer than its lease writes nothing afterwards, and the run is correct',
  { concurrency: PLACES.length },
  async (t) => {
    const uninterrupted = await runSecondDay(t)
    await Promise.all(
      PLACES.map(([place, nth]) =>
        t.test(`frozen ${place}, time ${nth}`, (one) =>
          surviveFreeze(one, place, nth, uninterrupted),
        ),
      ),
    )
  },
)

test('a worker whose network is silent for longer than its lease writes nothing afterwards, and the run is correct', async (t) => {
  const uninterrupted = await runSecondDay(t)
  const database = await openTestDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline, supplier } = await openToy(t, { db: database.pool, start: SUPPLIER })
  await pipeline.sync()
  simulateNextDay(supplier, supplier.catalogue.ids())
  const lost = await openServices(
    t,
    { ...database, url: routeThrough(database.url, proxy) },
    pipeline,
  )
  const silent = Promise.withResolvers<void>()
  watchQueries(
    lost.tools.db,
    onNthPass('before apply_batch', 2, () => (proxy.stall(), silent.resolve())),
  )
  const stopLost = lost.startWorkers()
  const { run } = await lost.requestRun({ mode: 'full' })
  await silent.promise
  await assertWritesNothing(
    {
      pipeline,
      async comeBack() {
        await proxy.resume()
        await stopLost()
      },
    },
    await openServices(t, database, pipeline),
    run,
    uninterrupted,
  )
})
