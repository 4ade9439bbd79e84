// The real `shelfsync serve` with EXIT_WHEN_IDLE_SECONDS: it ends with 0 when nothing is left to do.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { cleanEnv, FREE_PORTS, startProcess } from '../support/processes.ts'
import { openServices } from '../support/services.ts'
import { waitUntil } from '../support/wait-until.ts'

const SHELFSYNC = fileURLToPath(new URL('../../bin/shelfsync', import.meta.url))

async function openSetting(t: TestContext) {
  const database = await openTestDatabase(t)
  await migrateQueue(database.pool)
  const { pipeline } = await openMedipim(t, {
    db: database.pool,
    supplier: { products: 300 },
    linesPerPage: Infinity,
  })
  const env = cleanEnv({
    DATABASE_URL: database.url,
    ARTIFACTS: `file:${pipeline.storeRoot}`,
    ADMIN_KEY: 'a key for nothing but tests',
    MEDIPIM_API_KEY: '42:secret',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...FREE_PORTS,
    EXIT_WHEN_IDLE_SECONDS: '1',
  })
  const serve = (...roles: readonly string[]) =>
    startProcess(t, process.execPath, [SHELFSYNC, 'serve', ...roles], { env })
  return { database, pipeline, serve }
}

test('workers end with 0 after their last task, and never during one', async (t) => {
  const { database, pipeline, serve } = await openSetting(t)
  const services = await openServices(t, database, pipeline)
  const lock = await database.pool.connect()
  await lock.query('begin; lock table catalog.products in share mode')
  const { run } = await services.requestRun()
  const workers = await serve('fetcher', 'maintainer')
  const findLease = async () =>
    (
      await pipeline.query<{ at: Date }>(
        `select expires_at as at from catalog.leases where task like 'part %'`,
      )
    )[0]?.at.getTime()
  const firstMs = await waitUntil(findLease)
  // The task waits for the lock for several times the second after which idle workers end.
  await waitUntil(async () => ((await findLease()) ?? 0) > firstMs + 3_000)
  assert.doesNotMatch(workers.output(), /stopping/)
  await lock.query('commit')
  lock.release()
  assert.deepEqual(await workers.exited, { code: 0, signal: null }, workers.output())
  assert.match(workers.output(), /no task for EXIT_WHEN_IDLE_SECONDS; stopping/)
  assert.equal((await services.waitForEnd(run)).state, 'succeeded')
})

test('a process with every role starts what is due before it ends', async (t) => {
  const { database, pipeline, serve } = await openSetting(t)
  await database.pool.query(
    `update catalog.sources set due_at = null, schedule_set_at = now() - interval '1 hour', schedule = jsonb_build_object(
       'zone', 'UTC', 'fullOn', 'none', 'cron', to_char(now() at time zone 'UTC' - interval '30 minutes', 'MI HH24 * * *'))`,
  )
  const ended = await (await serve()).exited
  assert.deepEqual(ended, { code: 0, signal: null })
  assert.deepEqual(await pipeline.query('select state from catalog.runs'), [{ state: 'succeeded' }])
})

test('a process without workers refuses the setting', async (t) => {
  const { serve } = await openSetting(t)
  const orchestrator = await serve('orchestrator')
  assert.deepEqual(await orchestrator.exited, { code: 1, signal: null })
  assert.match(orchestrator.output(), /EXIT_WHEN_IDLE_SECONDS: expected no value/)
})
