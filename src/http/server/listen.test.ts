import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { serverOptions, KEY, startServer } from '../../../test/support/http-server.ts'
import { createFetcherApp } from '../control/servers.ts'
import { listen } from './listen.ts'
import type { Operations } from '../control/operations.ts'

/** Operations whose requests for runs wait until they are released. */
function slowOperations(): {
  operations: Operations
  requested: Promise<void>
  release: () => void
} {
  const requested = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const requestRuns: Operations['requestRuns'] = async () => {
    requested.resolve()
    await gone.promise
    return [{ source: 'one', run: 1, started: true }]
  }
  return {
    operations: {
      requestRuns,
      requestImport: () => assert.fail(),
      cancelRun: () => assert.fail(),
      checkHealth: () => assert.fail(),
    },
    requested: requested.promise,
    release: gone.resolve,
  }
}

test('closing finishes an open request, accepts no new one and leaves no connection', async (t) => {
  const { operations, requested, release } = slowOperations()
  const { post, sendRequest, close } = await startServer(t, createFetcherApp, { operations })
  await (await sendRequest('/healthz')).text()
  const open = post('/run')
  await requested
  const closed = close()
  await assert.rejects(sendRequest('/healthz'), /fetch failed/)
  release()
  const response = await open
  assert.deepEqual([response.status, response.headers.get('Connection')], [202, 'close'])
  await response.json()
  await closed
  await close()
})

test('an idle connection does not delay closing', { timeout: 5000 }, async (t) => {
  const { port, sendRequest, close } = await startServer(t, createFetcherApp)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  await (await sendRequest('/healthz')).text()
  const ended = text(socket)
  await close()
  assert.equal(await ended, '')
})

test('a request that exceeds the grace period is cut off', async (t) => {
  const { operations, requested } = slowOperations()
  const { port, close } = await listen(createFetcherApp(serverOptions({ operations }).options), {
    host: '127.0.0.1',
    port: 0,
    graceMs: 10,
  })
  t.after(close)
  const open = fetch(`http://127.0.0.1:${port}/run`, {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': KEY },
  })
  const broken = assert.rejects(open, /fetch failed/)
  await requested
  await close()
  await broken
})

test('a port in use is reported as such', async (t) => {
  const { port } = await startServer(t, createFetcherApp)
  const message = `FETCHER_PORT: cannot listen on ${port} of 127.0.0.1: another process listens there`
  await assert.rejects(
    listen(createFetcherApp(serverOptions().options), {
      host: '127.0.0.1',
      port,
      setting: 'FETCHER_PORT',
    }),
    { code: 'settings/invalid', message },
  )
})

test('an HTTP/1.0 probe without a Host header is accepted', async (t) => {
  const { port } = await startServer(t, createFetcherApp)
  const socket = connect(port, '127.0.0.1')
  socket.end('GET /healthz HTTP/1.0\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1\.1 200 OK\r\n[^]*\{"ok":true\}$/)
})

test('the host :: includes IPv4', async (t) => {
  const { port, close } = await listen(createFetcherApp(serverOptions().options), {
    host: '::',
    port: 0,
  })
  t.after(close)
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
})
