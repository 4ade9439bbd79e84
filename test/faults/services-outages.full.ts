// The network between a worker and Postgres is cut at all other places, and restored as soon as the
// worker has noticed.

import { test, type TestContext } from 'node:test'
import { wait } from '../../src/lib/back-off.ts'
import { openTestDatabase } from '../support/database.ts'
import { startProxy, routeThrough } from '../support/faulty-proxy.ts'
import { openToy } from '../support/toy/open.ts'
import { openServices } from '../support/services.ts'
import { onNthPass, watchQueries } from './failpoints.ts'
import { type KillPlace, simulateNextDay } from './sync-kills.ts'
import {
  assertEndsAsUninterrupted,
  runSecondDay,
  SUPPLIER,
  type UninterruptedRun,
} from './worker-kills.ts'

const PLACES: readonly KillPlace[] = [
  ['before claim_task', 1],
  ['before claim_task', 2],
  ['after claim_task', 3],
  ['before add_part', 2],
  ['after add_part', 2],
  ['before ack', 1],
  ['before ack', 3],
  ['in copy', 2],
  ['before commit', 2],
  ['before release_task', 2],
  ['before settle_run', 1],
  ['after settle_run', 1],
]

async function surviveCut(
  t: TestContext,
  [place, nth]: KillPlace,
  uninterrupted: UninterruptedRun,
): Promise<void> {
  const database = await openTestDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline, supplier } = await openToy(t, {
    db: database.pool,
    start: SUPPLIER,
    options: { wait, backOff: { baseMs: 50, maxMs: 400 } },
  })
  await pipeline.sync()
  simulateNextDay(supplier, supplier.catalogue.ids())
  const services = await openServices(
    t,
    { ...database, url: routeThrough(database.url, proxy) },
    pipeline,
  )
  const felt = Promise.withResolvers<void>()
  watchQueries(
    services.tools.db,
    onNthPass(place, nth, () => proxy.cut().then(felt.resolve, felt.reject)),
  )
  services.startWorkers()
  const { run } = await services.requestRun({ mode: 'full' })
  await felt.promise
  await proxy.resume()
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
}

test('a worker waits for a network that is cut at any place', { concurrency: 4 }, async (t) => {
  const uninterrupted = await runSecondDay(t)
  await Promise.all(
    PLACES.map((place) =>
      t.test(`cut ${place[0]}, time ${place[1]}`, (one) => surviveCut(one, place, uninterrupted)),
    ),
  )
})
