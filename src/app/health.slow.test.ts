// /health and doctor report on a real Redis that rejects writes.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { cleanEnv, explainMissingProgram } from '../../test/support/processes.ts'
import { startRedis } from '../../test/support/redis.ts'
import { checkQueue } from '../cli/doctor-environment.ts'
import { openQueues } from '../jobs/queues.ts'
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
    const queues = await openQueues(NOTHING.db, url, () => undefined)
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
    const queues = await openQueues(null, ${JSON.stringify(url)}, () => undefined)
    const worker = queues.work('fetch', 1, async () => undefined)
    await worker.waitUntilReady()
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
