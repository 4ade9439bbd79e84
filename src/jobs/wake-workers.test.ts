// Requests to a real HTTP server for tasks in the queue of a real Postgres. The clock is a number.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openTestDatabase, type Lifetime } from '../../test/support/database.ts'
import { stopAfterPages } from '../../test/support/gate.ts'
import { openServices } from '../../test/support/services.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { checkHealth } from '../app/health.ts'
import { REPEAT_AFTER_MS, Waker } from './wake-workers.ts'

const database = await openTestDatabase()
const RUNNING = new AbortController().signal

/** The proxy of stopped workers. It records the paths of the requests. */
async function openProxy(t: Lifetime) {
  const received: string[] = []
  const proxy = { received, status: 200, url: '' }
  const server = createServer((request, response) => {
    received.push(request.url ?? '')
    response.writeHead(proxy.status).end('{"ok":true}')
  }).listen(0, '127.0.0.1')
  t.after(async () => void server.close())
  await once(server, 'listening')
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}

async function openStopped(t: Lifetime) {
  const { pipeline } = await openToy(t, { db: database.pool })
  const fetchers = await openProxy(t)
  const maintainers = await openProxy(t)
  const open = async (supplied = pipeline) => {
    const services = await openServices(t, database, supplied)
    const urls = { fetch: fetchers.url, apply: maintainers.url }
    const { queues, tools } = services
    return { services, waker: new Waker({ queues, urls, log: tools.log }) }
  }
  return { pipeline, fetchers, maintainers, open }
}

test('the workers of a queue get a request while a task waits there, once a minute at most', async (t) => {
  const { fetchers, maintainers, open } = await openStopped(t)
  const { services, waker } = await open()
  await waker.wake('fetch', 0, RUNNING)
  assert.deepEqual(fetchers.received, [])
  const { run } = await services.requestRun()
  await waker.wake('fetch', 0, RUNNING)
  await waker.wake('fetch', REPEAT_AFTER_MS - 1, RUNNING)
  assert.deepEqual(fetchers.received, ['/healthz'])
  await waker.wake('fetch', REPEAT_AFTER_MS, RUNNING)
  assert.deepEqual(fetchers.received, ['/healthz', '/healthz'])
  // The maintainers have nothing to do before the first part is archived.
  await waker.wake('apply', 0, RUNNING)
  assert.deepEqual(maintainers.received, [])
  services.startWorkers()
  await services.waitForEnd(run)
  await waker.wake('fetch', 9 * REPEAT_AFTER_MS, RUNNING)
  assert.equal(fetchers.received.length, 2)
})

test('a task that a worker has gets requests too, because the worker may have died', async (t) => {
  const { pipeline, fetchers, open } = await openStopped(t)
  const gate = stopAfterPages(pipeline, 2)
  const { services, waker } = await open(gate.pipeline)
  const { run } = await services.requestRun()
  services.startWorkers()
  await gate.reached
  assert.equal(await services.queues.fetch.count(), 0)
  await waker.wake('fetch', 0, RUNNING)
  assert.equal(fetchers.received.length, 1)
  gate.open()
  await services.waitForEnd(run)
})

test('requests that fail are one message in the log, and one more when they succeed again', async (t) => {
  const { pipeline, fetchers, open } = await openStopped(t)
  const { services, waker } = await open()
  await services.requestRun()
  const logged = () => pipeline.logged.filter((line) => line.includes(fetchers.url))
  fetchers.status = 503
  for (const minute of [0, 1, 2]) await waker.wake('fetch', minute * REPEAT_AFTER_MS, RUNNING)
  assert.equal(fetchers.received.length, 3)
  assert.equal(logged().length, 1)
  assert.match(logged()[0] ?? '', /status 503.*the request that starts the fetchers fails/)
  assert.equal(waker.findOutage('fetch'), 'status 503')
  fetchers.status = 200
  for (const minute of [3, 4]) await waker.wake('fetch', minute * REPEAT_AFTER_MS, RUNNING)
  assert.equal(logged().length, 2)
  assert.match(logged()[1] ?? '', /the fetchers can be started again/)
  assert.equal(waker.findOutage('fetch'), null)
})

test('health accepts stopped workers that can be started, and reports those that cannot', async (t) => {
  const { fetchers, open } = await openStopped(t)
  const { services, waker } = await open()
  const { queues, tools } = services
  const look = async (one: Waker) =>
    (await checkHealth({ ...tools, queues, waker: one }))
      .filter(({ component }) => component === 'fetcher')
      .map(({ ok, detail }) => ({ ok, detail }))
  assert.deepEqual(await look(waker), [
    { ok: true, detail: 'none is connected; one is started when a task waits' },
  ])
  assert.deepEqual(
    await look(new Waker({ queues, urls: { fetch: null, apply: null }, log: tools.log })),
    [{ ok: false, detail: 'no worker is connected: start shelfsync serve' }],
  )
  await services.requestRun()
  fetchers.status = 502
  await waker.wake('fetch', 0, RUNNING)
  assert.deepEqual(await look(waker), [
    {
      ok: false,
      detail: 'no worker is connected, and the request that starts one fails: status 502',
    },
  ])
})
