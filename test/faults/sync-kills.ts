// kill -9: a real process, killed at a named place of the pipeline, and the same command again. The
// result equals that of an uninterrupted run.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../simulators/support/clock.ts'
import type { TestDatabase } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import type { ToyCatalogue } from '../support/toy/catalogue.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import type { FailpointSync } from './sync-to-failpoint.ts'

export type KillPlace = readonly [place: FailpointSync['place'], nth: number]

/** Runs the pipeline in a separate process until it reaches the place, and kills it there. */
export async function killSyncAt(
  pipeline: TestPipeline,
  { url: databaseUrl }: TestDatabase,
  [place, nth]: KillPlace,
): Promise<void> {
  const task: FailpointSync = {
    databaseUrl,
    source: pipeline.name,
    storeRoot: pipeline.storeRoot,
    place,
    nth,
  }
  const program = fileURLToPath(new URL('sync-to-failpoint.ts', import.meta.url))
  // A killed process leaves half a coverage file, which breaks the whole report.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  const exited = once(child, 'exit')
  const [line] = await once(createInterface(child.stdout), 'line')
  assert.equal(line, 'reached', `${place} ${nth} is a place on the way`)
  child.kill('SIGKILL')
  await exited
}

/** Declares the test that a second day's sync resumes after a kill at each of `places`. */
export function testSyncKills(database: TestDatabase, places: readonly KillPlace[]): void {
  test('a sync that was killed at any place and run again ends in the same catalogue as an uninterrupted one', async (t) => {
    const start = { products: 16 }
    const uninterrupted = await openToy(t, { db: database.pool, start })
    await uninterrupted.pipeline.sync()
    simulateNextDay(uninterrupted.supplier, uninterrupted.supplier.catalogue.ids())
    const expected = await uninterrupted.pipeline.sync()
    const expectedCatalogue = await snapshotCatalogue(uninterrupted.pipeline)
    for (const place of places) {
      await t.test(`killed ${place[0]}, time ${place[1]}`, async (one) => {
        const { pipeline, supplier } = await openToy(one, { db: database.pool, start })
        await pipeline.sync()
        simulateNextDay(supplier, supplier.catalogue.ids())
        await killSyncAt(pipeline, database, place)
        const settled = place[0] === 'after settle_run'
        const report = await pipeline.sync({ mode: settled ? 'incremental' : 'auto' })
        assert.equal(report.resumed, !settled)
        assert.equal(report.state, expected.state)
        assert.deepEqual(await snapshotCatalogue(pipeline), expectedCatalogue)
      })
    }
  })
}

/** The members of a simulated supplier that a day changes. */
interface ChangingSupplier {
  readonly clock: Clock
  readonly catalogue: Pick<
    ToyCatalogue,
    'update' | 'setPrice' | 'deactivate' | 'remove' | 'touch' | 'add'
  >
}

/**
 * Simulates a day on which everything happens, to the first ten of `ids` and with three new
 * products.
 */
export function simulateNextDay(
  { catalogue, clock }: ChangingSupplier,
  ids: readonly string[],
): void {
  clock.advance(86_400_000)
  catalogue.update(ids.slice(0, 3))
  catalogue.setPrice(ids.slice(3, 4), { factor: 1.5 })
  catalogue.setPrice(ids.slice(4, 5), { factor: 100 })
  catalogue.deactivate(ids.slice(5, 6))
  catalogue.remove(ids.slice(6, 7))
  catalogue.touch(ids.slice(7, 10))
  catalogue.add(3)
}
