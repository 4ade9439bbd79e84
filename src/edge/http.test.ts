// The HTTP client of edge functions, with real servers.

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { HttpRequest } from '../core/http.ts'
import { readBytes } from '../lib/read-body.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createFetchHttp } from './http.ts'

async function open(t: TestContext, respond: RequestListener) {
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const guard = createAddressGuard(['127.0.0.1'])
  const http = createFetchHttp({ addresses: [`${url}/api`], guard, userAgent: 'test' })
  const get = async (
    request: Partial<HttpRequest> = {},
    signal = new AbortController().signal,
  ): Promise<string> => {
    const response = await http({ url, ...request }, signal)
    const bytes = await readBytes(response, 1_000_000)
    return `${response.status} ${new TextDecoder().decode(bytes)}`
  }
  return { url, get, http }
}

test('a request has its method, its body and the name of this program', async (t) => {
  const { get } = await open(t, (request, response) => {
    request.on('data', (chunk: Buffer) =>
      response.end(`${request.method} ${request.headers['user-agent']} ${chunk.toString()}`),
    )
  })
  assert.equal(await get({ method: 'POST', body: 'text' }), '200 POST test text')
})

test('an address of another origin, and a private one that is not allowed, gets no request', async (t) => {
  let requests = 0
  const { get, url } = await open(t, (_, response) => {
    requests += 1
    response.end()
  })
  for (const other of ['https://example.com/', 'http://169.254.169.254/', 'not an address'])
    await assert.rejects(get({ url: other }), { code: 'source/address-refused' })
  const strict = createFetchHttp({
    addresses: [url],
    guard: createAddressGuard([]),
    userAgent: 'test',
  })
  await assert.rejects(strict({ url }, new AbortController().signal), {
    code: 'source/address-refused',
  })
  assert.equal(requests, 0)
})

test('a redirect is not followed', async (t) => {
  const { get } = await open(t, (_, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('moved'),
  )
  assert.equal(await get(), '302 moved')
})

test('no connection and a response that does not begin count as an outage', async (t) => {
  const { get } = await open(t, () => {})
  await assert.rejects(get({ firstByteTimeoutMs: 50 }), {
    code: 'source/unavailable',
    message: /timeout/,
  })
  const closed = await open(t, (request) => request.socket.destroy())
  await assert.rejects(closed.get(), { code: 'source/unavailable' })
})

test('a body that stops or breaks was cut short', async (t) => {
  const silent = await open(t, (_, response) => void response.write('begin'))
  await assert.rejects(silent.get({ idleTimeoutMs: 50 }), { code: 'source/cut-short' })
  const broken = await open(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('begin', () => request.socket.destroy())
  })
  await assert.rejects(broken.get(), { code: 'source/cut-short' })
})

test('the signal ends a request before and during the response, with its own reason', async (t) => {
  const { get } = await open(t, () => {})
  await assert.rejects(get({}, AbortSignal.abort(new Error('stop'))), { message: 'stop' })
  const stop = new AbortController()
  const running = open(t, (_, response) => {
    response.write('begin', () => setImmediate(() => stop.abort(new Error('stop'))))
  })
  await assert.rejects((await running).get({}, stop.signal), { message: 'stop' })
})

test('a response without a body is empty, and a cancelled one is closed', async (t) => {
  const { get, http, url } = await open(t, (_, response) => response.writeHead(204).end())
  assert.equal(await get(), '204 ')
  const response = await http({ url }, new AbortController().signal)
  await response.cancel()
})
