// A worker that stands still for longer than its lease lasts, and then goes on: its task is
// another's by then, and it writes nothing more.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { startProxy, through } from '../support/faulty-proxy.ts'
import { openMedipim, type TestPipeline } from '../support/pipeline.ts'
import { openServices, type TestServices } from '../support/services.ts'
import { everyRow } from '../support/snapshot.ts'
import { at, watchQueries, type Place } from './failpoints.ts'
import { nextDay } from './killing.ts'
import {
  SUPPLIER,
  assertEndsCalmly,
  calmSecondDay,
  openSecondDay,
  startWorkers,
  untilFrozen,
  type Calm,
} from './services-killing.ts'

/**
 * Lets other workers take over, up to where only settling is left; lets the lost one come back and
 * give up; and the others end the run.
 */
async function assertWritesNothing(
  lost: { readonly pipeline: TestPipeline; comeBack(): Promise<void> },
  services: TestServices,
  run: number,
  calm: Calm,
): Promise<void> {
  const { pipeline, comeBack } = lost
  const standing = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  watchQueries(
    services.tools.db,
    at('before settle_run', 1, () => (standing.resolve(), goOn.promise)),
  )
  services.work()
  await standing.promise
  const before = await everyRow(pipeline)
  await comeBack()
  assert.deepEqual(await everyRow(pipeline), before)
  goOn.resolve()
  await assertEndsCalmly(services, pipeline, run, calm)
}

async function surviveFreeze(t: TestContext, place: Place, nth: number, calm: Calm): Promise<void> {
  const { database, pipeline, services } = await openSecondDay(t)
  const frozen = await startWorkers(t, database, pipeline, { place, nth, stand: 'frozen' })
  const { run } = await services.order({ mode: 'full' })
  await untilFrozen(frozen)
  await assertWritesNothing(
    {
      pipeline,
      async comeBack() {
        frozen.kill('SIGCONT')
        // What it has in hand comes to its end first.
        frozen.kill('SIGTERM')
        assert.deepEqual(await frozen.exited, { code: 0, signal: null }, frozen.output())
      },
    },
    services,
    run,
    calm,
  )
}

const PLACES: readonly (readonly [Place, number])[] = [
  ['before add_part', 2],
  ['in copy', 2],
  ['before commit', 2],
  ['before settle_run', 1],
]

test(
  'a worker that was frozen for longer than its lease writes nothing afterwards, and the run ends exact',
  { concurrency: PLACES.length },
  async (t) => {
    const calm = await calmSecondDay(t)
    await Promise.all(
      PLACES.map(([place, nth]) =>
        t.test(`frozen ${place}, time ${nth}`, (one) => surviveFreeze(one, place, nth, calm)),
      ),
    )
  },
)

test('a worker whose network is silent for longer than its lease writes nothing afterwards, and the run ends exact', async (t) => {
  const calm = await calmSecondDay(t)
  const database = await testDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline, simulator } = await openMedipim(t, { db: database.pool, supplier: SUPPLIER })
  await pipeline.sync()
  nextDay(simulator)
  const lost = await openServices(t, { ...database, url: through(database.url, proxy) }, pipeline)
  const silent = Promise.withResolvers<void>()
  watchQueries(
    lost.tools.db,
    at('before apply_batch', 2, () => (proxy.stall(), silent.resolve())),
  )
  const stopLost = lost.work()
  const { run } = await lost.order({ mode: 'full' })
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
    calm,
  )
})
