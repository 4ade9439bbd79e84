// kill -9: a real process, killed at a named place of the pipeline, and the same command again.
// What must come out is what comes out when nothing happens.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import type { TestDatabase } from '../support/database.ts'
import { openMedipim, type TestPipeline } from '../support/pipeline.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import type { FailpointSync } from './sync-to-failpoint.ts'

export type KillPlace = readonly [place: FailpointSync['place'], nth: number]

/** Runs the pipeline in a process of its own until it stands at the place, and kills it there. */
export async function killSyncAt(
  pipeline: TestPipeline,
  { url: databaseUrl }: TestDatabase,
  [place, nth]: KillPlace,
): Promise<void> {
  const doom: FailpointSync = {
    databaseUrl,
    source: pipeline.name,
    storeRoot: pipeline.storeRoot,
    place,
    nth,
  }
  const program = fileURLToPath(new URL('sync-to-failpoint.ts', import.meta.url))
  // A process that is killed leaves half a coverage file, which no report survives.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const child = spawn(process.execPath, [program, JSON.stringify(doom)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  const exited = once(child, 'exit')
  const [said] = await once(createInterface(child.stdout), 'line')
  assert.equal(said, 'reached', `${place} ${nth} is a place on the way`)
  child.kill('SIGKILL')
  await exited
}

/** Declares the test that a second day's sync survives being killed at each of `places`. */
export function testSyncKills(database: TestDatabase, places: readonly KillPlace[]): void {
  test('a sync that was killed anywhere ends, run again, in the catalogue of one that was not', async (t) => {
    const supplier = { products: 16, seed: 3 }
    const uninterrupted = await openMedipim(t, { db: database.pool, supplier })
    await uninterrupted.pipeline.sync()
    simulateNextDay(uninterrupted.simulator)
    const expected = await uninterrupted.pipeline.sync()
    const expectedCatalogue = await snapshotCatalogue(uninterrupted.pipeline)
    for (const place of places) {
      await t.test(`killed ${place[0]}, time ${place[1]}`, async (one) => {
        const { pipeline, simulator } = await openMedipim(one, { db: database.pool, supplier })
        await pipeline.sync()
        simulateNextDay(simulator)
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

/** A day on which everything happens. */
export function simulateNextDay({ catalogue, clock }: MedipimSimulator): void {
  clock.advance(86_400_000)
  const ids = catalogue
    .visible()
    .filter(({ status }) => status === 'active')
    .map((state) => catalogue.idOf(state))
  catalogue.update(ids.slice(0, 3))
  catalogue.setPrice(ids.slice(3, 4), { factor: 1.5 })
  catalogue.setPrice(ids.slice(4, 5), { factor: 100 })
  catalogue.deactivate(ids.slice(5, 6))
  catalogue.remove(ids.slice(6, 7))
  catalogue.touch(ids.slice(7, 10))
  catalogue.add(3)
}
