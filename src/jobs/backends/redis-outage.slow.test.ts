// The worker of a Redis that disappears, at any moment of the worker's start and without a trace.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { routeThrough, startProxy } from '../../../test/support/faulty-proxy.ts'
import { explainMissingProgram } from '../../../test/support/processes.ts'
import { startRedis } from '../../../test/support/redis.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { openQueues, type QueueEvents, type Task } from '../queues.ts'

const skip = explainMissingProgram('redis-server', 'redis-server')
const NO_DATABASE = null as never

interface OpenWorker {
  /** Enqueues a job, and resolves when the worker executes it. */
  execute(jobId: string): Promise<void>
  close(): Promise<void>
}

/** @throws SyncError `queue/unreachable` when Redis is lost before its first response */
async function openWorker(
  t: TestContext,
  url: string,
  onError: QueueEvents['onError'] = () => undefined,
): Promise<OpenWorker> {
  const queues = await openQueues(NO_DATABASE, url, { onError })
  const executed = new EventEmitter()
  const worker = queues.work('fetch', 1, ({ id = '' }) => Promise.resolve(void executed.emit(id)))
  const close = async (): Promise<void> => {
    queues.leave()
    await worker.close()
    await queues.close()
  }
  t.after(close)
  return {
    close,
    async execute(jobId) {
      const done = once(executed, jobId)
      await queues.fetch.add('fetch', {} as Task, { jobId })
      await done
    },
  }
}

/** Resolves when the worker waits for a job on both blocking connections, one of which is for imports. */
async function waitUntilIdle(redis: Redis): Promise<void> {
  await waitUntil(async () => (await redis.info('clients')).includes('blocked_clients:2'))
}

test(
  'a worker takes jobs after its Redis was cut off at any moment of its start',
  { skip, timeout: 120_000 },
  async (t) => {
    const redis = await startRedis(t)
    const direct = new Redis(redis.url)
    t.after(() => direct.disconnect())
    const proxy = await startProxy(t, redis.url)
    const url = routeThrough(redis.url, proxy)
    let attempts = 0
    for (let messages = 1, isCut = true; isCut; messages += 1) {
      await redis.flush()
      const cut = proxy.cutAfter(messages).then(() => true)
      const opening = openWorker(t, url)
      const first = opening.then((worker) => worker.execute('first'))
      const idle = first.then(() => waitUntilIdle(direct)).then(() => false)
      isCut = await Promise.race([cut, idle.catch(() => cut)])
      void proxy.cutAfter(Infinity)
      await proxy.resume()
      const worker = await opening.catch((error: unknown) => {
        assert.match(String(error), /Cannot reach QUEUE_URL/)
        return null
      })
      if (worker === null) continue
      await idle
      await worker.execute('second')
      await worker.close()
      attempts += 1
    }
    assert.ok(attempts > 5, `${attempts} moments`)
  },
)

test(
  'a worker takes jobs after all its connections to Redis were lost without an error',
  { skip, timeout: 120_000 },
  async (t) => {
    const redis = await startRedis(t)
    const direct = new Redis(redis.url)
    t.after(() => direct.disconnect())
    const proxy = await startProxy(t, redis.url)
    const errors: string[] = []
    const worker = await openWorker(t, routeThrough(redis.url, proxy), ({ message }) =>
      errors.push(message),
    )
    await worker.execute('first')
    await waitUntilIdle(direct)
    proxy.loseConnections()
    await worker.execute('second')
    assert.deepEqual([...new Set(errors)], ['Redis has not responded for 15 s'])
  },
)
