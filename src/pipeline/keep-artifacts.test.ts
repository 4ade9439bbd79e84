// The plain copy of a source's newest complete artifact on a real disk, and the report when it cannot
// be written.

import assert from 'node:assert/strict'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openServices } from '../../test/support/services.ts'
import { createMetricsReader } from '../db/read/metrics.ts'
import { checkHealth } from '../app/health.ts'
import { Waker } from '../jobs/wake-workers.ts'
import { keepArtifacts } from './keep-artifacts.ts'
import type { RunReport } from './run-in-process.ts'

const database = await openTestDatabase()

async function openCopied(t: TestContext) {
  const { pipeline, supplier } = await openToy(t, { db: database.pool })
  const path = join(pipeline.storeRoot, pipeline.name, 'latest.ndjson')
  return {
    pipeline,
    supplier,
    path,
    keep: async ({ run, state }: RunReport, artifactsLatest = true) =>
      await keepArtifacts(
        pipeline.tools,
        await pipeline.source(),
        { id: run, succeeded: state === 'succeeded' },
        { artifactsKeep: 1, artifactsLatest },
      ),
    latest: () => readFile(path, 'utf8'),
    copy: async () => (await pipeline.source()).copy,
  }
}

test('latest.ndjson holds the newest complete artifact, of a run in any state', async (t) => {
  const { pipeline, supplier, keep, latest, copy } = await openCopied(t)
  const green = await pipeline.sync()
  await keep(green)
  assert.equal(await latest(), await pipeline.archived(green.run))

  supplier.clock.advance(3_600_000)
  supplier.catalogue.update(supplier.catalogue.ids().slice(0, 1))
  const incremental = await pipeline.sync({ mode: 'incremental' })
  await keep(incremental)
  assert.deepEqual(await copy(), { run: green.run, error: null })

  supplier.catalogue.remove(supplier.catalogue.ids().slice(0, 20))
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  await keep(held)
  assert.equal(await latest(), await pipeline.archived(held.run))

  // As if its worker had been killed after the run settled: the next run of any kind writes the copy.
  const missed = await pipeline.sync()
  const replay = await pipeline.replay(missed.run)
  await keep(replay)
  assert.deepEqual(await copy(), { run: missed.run, error: null })
  await keep(replay, false)
  assert.equal(await copy(), null)
})

test('a copy that cannot be written is counted and reported, and the next run of any kind writes it', async (t) => {
  const { pipeline, path, keep, latest, copy } = await openCopied(t)
  const { queues } = await openServices(t, database, pipeline)
  const waker = new Waker({ queues, urls: { fetch: null, apply: null }, log: pipeline.tools.log })
  const health = async () =>
    (await checkHealth({ ...pipeline.tools, queues, waker })).find(
      ({ component }) => component === 'latest',
    )
  const failures = async () =>
    (await createMetricsReader(database.pool)()).find(
      ({ name, labels }) =>
        name === 'shelfsync_latest_copy_failures_total' &&
        'source' in labels &&
        labels.source === pipeline.name,
    )?.value
  await mkdir(join(path, 'in-the-way'), { recursive: true })
  const full = await pipeline.sync()
  for (const times of [1, 2]) {
    await keep(full)
    assert.equal(await failures(), times)
  }
  const { run = 0, error = null } = (await copy()) ?? {}
  assert.equal(run, null)
  assert.match(error ?? '', /^artifact\/unwritable: /)
  assert.deepEqual(await health().then((look) => [look?.ok, look?.detail]), [
    false,
    `latest.ndjson of ${pipeline.name} could not be written: ${error}`,
  ])

  await rm(path, { recursive: true })
  await keep(await pipeline.sync({ mode: 'incremental' }))
  assert.equal(await latest(), await pipeline.archived(full.run))
  assert.deepEqual([await copy(), await failures()], [{ run: full.run, error: null }, 2])
  assert.equal((await health())?.ok, true)
})
