// /health and doctor report on a real Redis that rejects writes.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { openTestDatabase } from '../../test/support/database.ts'
import { cleanEnv, explainMissingProgram } from '../../test/support/processes.ts'
import { startRedis } from '../../test/support/redis.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { checkQueue } from '../cli/doctor/environment.ts'
import { openPool } from '../db/pool.ts'
import { listQueues, migrateQueue, openQueues, QUEUE_SCHEMA, type Task } from '../jobs/queues.ts'
import { countUntakenTasks } from '../jobs/untaken-tasks.ts'
import { checkHealth, type HealthTools } from './health.ts'

const skip = explainMissingProgram('redis-server', 'redis-server')
/** Only the queue works; the tests ignore the other components. */
const NOTHING = {
  db: { query: () => Promise.reject(new Error('none')) },
  store: { check: () => Promise.reject(new Error('none')) },
} as unknown as HealthTools

test(
  'health and doctor report a Redis that rejects writes as failing, until it accepts them again',
  { skip },
  async (t) => {
    const { url } = await startRedis(t)
    const redis = new Redis(url)
    const queues = await openQueues(NOTHING.db, url, { onError: () => undefined })
    t.after(async () => {
      await queues.close()
      redis.disconnect()
    })
    const look = async () =>
      (await checkHealth({ ...NOTHING, queues })).find(({ component }) => component === 'queue')
    const well = async () => [(await look())?.ok, (await checkQueue(url)).state]
    assert.deepEqual(await well(), [true, 'ok'])

    const refusals: readonly (readonly [
      undo: readonly [string, ...string[]],
      said: RegExp,
      ...command: [string, ...string[]],
    ])[] = [
      [
        ['config', 'set', 'maxmemory', '0'],
        /OOM command not allowed/,
        'config',
        'set',
        'maxmemory',
        '1',
      ],
      [['replicaof', 'no', 'one'], /READONLY/, 'replicaof', '127.0.0.1', '1'],
    ]
    for (const [[undo, ...restore], said, command, ...how] of refusals) {
      await redis.call(command, ...how)
      const { ok, detail } = (await look()) ?? {}
      const doctor = await checkQueue(url)
      assert.deepEqual([ok, doctor.state], [false, 'fail'])
      for (const text of [detail ?? '', doctor.message]) assert.match(text, said)
      await redis.call(undo, ...restore)
      assert.deepEqual(await well(), [true, 'ok'])
    }
    const left = await redis.keys('*check*')
    assert.deepEqual(left, [])
  },
)

test(
  'an eviction policy that drops jobs is reported to the caller, and BullMQ prints nothing',
  { skip },
  async (t) => {
    const { url } = await startRedis(t)
    const redis = new Redis(url)
    t.after(() => redis.disconnect())
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const script = `import { openQueues } from ${JSON.stringify(new URL('../jobs/queues.ts', import.meta.url).href)}
    const queues = await openQueues(null, ${JSON.stringify(url)}, { onError: () => undefined })
    const worker = queues.work('fetch', 1, async () => undefined)
    await Promise.all(worker.workers.map((one) => one.waitUntilReady()))
    console.log(queues.evictionPolicy)
    await worker.close()
    await queues.close()`
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module-typescript', '-e', script],
      { env: cleanEnv({}) },
    )
    assert.deepEqual([stdout.trim(), stderr], ['allkeys-lru', ''])
    const { state, message } = await checkQueue(url)
    assert.deepEqual(
      [state, message],
      ['warn', 'Redis accepts writes, but evicts keys when its memory is full (allkeys-lru)'],
    )
  },
)

test(
  'health reports a failure to read the sources, and only then names latest without a copy',
  { skip },
  async (t) => {
    const { url } = await startRedis(t)
    const { pool } = await openTestDatabase(t)
    const queues = await openQueues(pool, url, { onError: () => undefined })
    t.after(() => queues.close())
    const look = async () =>
      (await checkHealth({ ...NOTHING, db: pool, queues }))
        .filter(({ component }) => component === 'database' || component === 'latest')
        .map(({ component, ok, detail }) => ({ component, ok, detail }))
    const [{ ok } = { ok: false }, ...others] = await look()
    assert.deepEqual([ok, others], [true, []])
    await pool.query('alter function catalog.summarize_sources rename to lost')
    const [, latest] = await look()
    assert.equal(latest?.ok, false)
    assert.match(latest.detail, /summarize_sources/)
  },
)

for (const backend of ['redis', 'postgres'] as const) {
  test(
    `health and metrics report connected workers that take no task from ${backend}, until they do`,
    { skip: backend === 'redis' && skip },
    async (t) => {
      const { pool, url } = await openTestDatabase(t)
      await migrateQueue(pool)
      const db = await openPool(url, { applicationName: 'health', searchPath: QUEUE_SCHEMA })
      const queueUrl = backend === 'redis' ? (await startRedis(t)).url : null
      const queues = await openQueues(db, queueUrl, { onError: () => undefined })
      const worker = queues.work('fetch', 1, () => Promise.resolve())
      t.after(async () => {
        await worker.close()
        await queues.close()
        await db.end()
      })
      const look = async () =>
        (await checkHealth({ ...NOTHING, db, queues })).find((one) => one.component === 'fetcher')
      await waitUntil(async () => (await look())?.ok)
      // The second queue is that of imports.
      for (const [index, queue] of listQueues(queues, ['fetch']).entries()) {
        await worker.workers[index]?.pause()
        const enqueuedAt = Date.now() - 40_000
        await queue.add('fetch', {} as Task, { timestamp: enqueuedAt })
        const { ok, detail } = (await look()) ?? {}
        assert.equal(ok, false)
        assert.match(
          detail ?? '',
          /^1 connected, but a task has waited for 4\d s and none takes it: /,
        )
        assert.equal(await countUntakenTasks(queues, 'fetch'), 1)
        await worker.workers[index]?.resume()
        await waitUntil(async () => (await look())?.ok)
        assert.equal(await countUntakenTasks(queues, 'fetch'), 0)
      }
    },
  )
}

test('queues that cannot be opened leave no connection to Redis', { skip }, async (t) => {
  const { url } = await startRedis(t)
  const redis = new Redis(url)
  t.after(() => redis.disconnect())
  // The login may connect; BullMQ then needs INFO.
  await redis.call('acl', 'setuser', 'narrow', 'on', '>pw', '~*', '+@all', '-info')
  const narrow = Object.assign(new URL(url), { username: 'narrow', password: 'pw' }).href
  const opening = openQueues(NOTHING.db, narrow, { onError: () => undefined })
  await assert.rejects(opening)
  await waitUntil(async () => !/user=narrow/.test(String(await redis.client('LIST'))))
})
