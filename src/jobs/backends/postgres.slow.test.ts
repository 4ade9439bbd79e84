import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue, Worker } from 'bullmq'
import { openTestDatabase } from '../../../test/support/database.ts'
import { routeThrough, startProxy, type FaultyProxy } from '../../../test/support/faulty-proxy.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { openPool } from '../../db/pool.ts'
import { createCalmBackend } from './postgres.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA, type Task } from '../queues.ts'

const ignore = (): void => undefined

test('after each error of Postgres a worker waits before it requests the next job', async (t) => {
  const { pool, url } = await openTestDatabase(t)
  await migrateQueue(pool)
  const rename = (from: string, to: string) =>
    pool.query(`do $$ begin
    execute (select format('alter function %s rename to ${to}', oid::regprocedure) from pg_proc where proname = '${from}'); end $$`)
  const waits: number[] = []
  const factory = createCalmBackend(ignore, async (ms) => {
    if (waits.push(ms) === 3) await rename('out_of_order', 'move_to_active')
  })

  await using opened = new AsyncDisposableStack()
  const connection = opened.adopt(
    await openPool(url, { applicationName: 'queue', searchPath: QUEUE_SCHEMA }),
    (db) => db.end(),
  ) as never
  const queue = opened.adopt(new Queue('fetch', { connection }, factory), (one) => one.close())
  await rename('move_to_active', 'out_of_order')
  await queue.add('fetch', {})
  const worker = opened.adopt(
    new Worker('fetch', () => Promise.resolve(), { connection }, factory),
    (one) => one.close(),
  )
  const errors: Error[] = []
  worker.on('error', (error) => errors.push(error))
  await new Promise((resolve) => worker.once('completed', resolve))
  assert.deepEqual(waits, [1000, 1000, 1000])
  assert.deepEqual(
    errors.map(({ message }) => /move_to_active.* does not exist/.test(message)),
    [true, true, true],
  )
})

test(
  'a worker that started while Postgres was unavailable takes jobs when it returns',
  { timeout: 60_000 },
  async (t) => {
    const { pool, url } = await openTestDatabase(t)
    await migrateQueue(pool)
    await using opened = new AsyncDisposableStack()
    const connection = opened.adopt(
      await openPool(url, { applicationName: 'queue', searchPath: QUEUE_SCHEMA }),
      (db) => db.end(),
    ) as never
    const queue = opened.adopt(
      new Queue('fetch', { connection }, createCalmBackend(ignore)),
      (one) => one.close(),
    )
    await queue.add('fetch', {})
    await pool.query(`alter schema ${QUEUE_SCHEMA} rename to away`)
    const worker = opened.adopt(
      new Worker(
        'fetch',
        () => Promise.resolve(),
        { connection, runRetryDelay: 10 },
        createCalmBackend(ignore, () => Promise.resolve()),
      ),
      (one) => one.close(),
    )
    await new Promise((failed) => worker.on('error', failed))
    await pool.query(`alter schema away rename to ${QUEUE_SCHEMA}`)
    await new Promise((completed) => worker.once('completed', completed))
  },
)

for (const [fault, strike] of Object.entries({
  'cut, as by a proxy that ends idle connections': async (proxy: FaultyProxy) => {
    await proxy.cut()
    await proxy.resume()
  },
  'lost without an error': (proxy: FaultyProxy) => Promise.resolve(proxy.loseConnections()),
})) {
  test(
    `an idle worker takes jobs after all its connections to Postgres were ${fault}`,
    { timeout: 60_000 },
    async (t) => {
      const { pool, url } = await openTestDatabase(t)
      await migrateQueue(pool)
      const proxy = await startProxy(t, url)
      await using opened = new AsyncDisposableStack()
      const connect = async (address: string) =>
        opened.adopt(
          await openPool(address, { applicationName: 'queue', searchPath: QUEUE_SCHEMA }),
          (db) => db.end(),
        )
      const near = await openQueues(await connect(url), null, { onError: ignore })
      opened.defer(() => near.close())
      const far = await openQueues(await connect(routeThrough(url, proxy)), null, {
        onError: ignore,
      })
      opened.defer(() => far.close())
      const worker = opened.adopt(
        far.work('fetch', 1, () => Promise.resolve()),
        (one) => one.close(),
      )
      await waitUntil(async () => {
        const { rowCount } = await pool.query(
          `select from pg_stat_activity where datname = current_database()
             and application_name = 'fetch' and state = 'idle'`,
        )
        return rowCount === 1
      })
      await strike(proxy)
      const completed = new Promise((resolve) => worker.workers[0]?.once('completed', resolve))
      await near.fetch.add('fetch', {} as Task)
      await completed
    },
  )
}
