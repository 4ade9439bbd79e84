import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { KEY, startServer, type TestServer } from '../../../test/support/http-server.ts'
import { ERRORS } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { createFetcherApp, createMetricsApp } from '../control/servers.ts'

interface ErrorBody {
  readonly error: { readonly code: string | null; readonly message: string; readonly hint: string }
}

async function readErrorCode(response: Response): Promise<[status: number, code: string | null]> {
  assert.equal(response.headers.get('Content-Type'), 'application/json')
  const { error } = (await response.json()) as ErrorBody
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint'])
  return [response.status, error.code]
}

function parseLog({ recorded }: TestServer): Record<string, unknown>[] {
  return recorded.logged.map((line): Record<string, unknown> => JSON.parse(line))
}

test('an unknown path is 404 and an unsupported method 405, with or without the key', async (t) => {
  const { sendRequest } = await startServer(t, createFetcherApp)
  for (const headers of [{ 'X-ADMIN-KEY': KEY }, {}]) {
    assert.deepEqual(await readErrorCode(await sendRequest('/nothing', { headers })), [
      404,
      'request/unknown-path',
    ])
    assert.deepEqual(await readErrorCode(await sendRequest('/run/', { method: 'POST', headers })), [
      404,
      'request/unknown-path',
    ])
    const response = await sendRequest('/healthz', { method: 'DELETE', headers })
    assert.equal(response.headers.get('Allow'), 'GET, HEAD')
    assert.deepEqual(await readErrorCode(response), [405, 'request/wrong-method'])
    const get = await sendRequest('/run', { headers })
    assert.equal(get.headers.get('Allow'), 'POST')
    assert.deepEqual(await readErrorCode(get), [405, 'request/wrong-method'])
  }
})

test('/healthz needs no key, and HEAD is GET without a body', async (t) => {
  const { sendRequest } = await startServer(t, createFetcherApp)
  const alive = await sendRequest('/healthz', { headers: {} })
  assert.deepEqual([alive.status, await alive.json()], [200, { ok: true }])
  const head = await sendRequest('/healthz', { method: 'HEAD', headers: {} })
  assert.deepEqual(
    [head.status, head.headers.get('Content-Length'), await head.text()],
    [200, '11', ''],
  )
})

test('metrics need the key, except on the private port', async (t) => {
  const { sendRequest } = await startServer(t, createFetcherApp)
  assert.deepEqual(await readErrorCode(await sendRequest('/metrics', { headers: {} })), [
    401,
    'request/unauthorized',
  ])
  const privately = await startServer(t, createMetricsApp)
  for (const response of [
    await sendRequest('/metrics'),
    await privately.sendRequest('/metrics', { headers: {} }),
  ]) {
    assert.deepEqual([response.status, await response.text()], [200, 'shelfsync_up 1\n'])
    assert.match(response.headers.get('Content-Type') ?? '', /^text\/plain; version=0\.0\.4/)
  }
  assert.deepEqual(await readErrorCode(await privately.sendRequest('/status')), [
    404,
    'request/unknown-path',
  ])
})

test('every response is not cacheable and has a correlation id: a new one, or a valid one of the caller', async (t) => {
  const server = await startServer(t, createFetcherApp)
  const idOf = async (path: string, given?: string): Promise<string> => {
    const response = await server.sendRequest(path, {
      headers: given === undefined ? {} : { 'X-Correlation-Id': given },
    })
    assert.equal(response.headers.get('Cache-Control'), 'no-store')
    return response.headers.get('X-Correlation-Id') ?? ''
  }
  for (const path of ['/healthz', '/nothing', '/metrics'])
    assert.match(await idOf(path), /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  assert.equal(await idOf('/healthz', 'nightly:2026-11-22.a_b'), 'nightly:2026-11-22.a_b')
  for (const odd of ['x'.repeat(65), 'a b', '{"a":1}', '<b>'])
    assert.match(await idOf('/healthz', odd), /^[0-9a-f-]{36}$/)
})

test('every log line of a request has its correlation id, and the run that it starts has it too', async (t) => {
  const server = await startServer(t, createFetcherApp)
  await server.sendRequest('/run', {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': KEY, 'X-Correlation-Id': 'mine' },
  })
  assert.deepEqual(
    parseLog(server).map(({ message, cid }) => [message, cid]),
    [
      ['runs requested', 'mine'],
      ['request', 'mine'],
    ],
  )
  assert.equal(server.recorded.requests[0]?.correlationId, 'mine')
})

test('each request writes one access log line with its caller, route and status but not its path; probes only at level debug', async (t) => {
  const server = await startServer(t, createFetcherApp)
  const unknown = await server.sendRequest('/secret/planted?planted=1')
  const unknownBytes = (await unknown.arrayBuffer()).byteLength
  const bytes = (await (await server.post('/run', { source: 'one' })).arrayBuffer()).byteLength
  await server.sendRequest('/healthz')
  const lines = parseLog(server)
    .filter(({ message }) => message === 'request')
    .map(({ time: _, cid: __, ms, ...line }) => {
      assert.equal(typeof ms, 'number')
      return line
    })
  assert.deepEqual(lines, [
    {
      level: 'info',
      method: 'GET',
      route: null,
      status: 404,
      bytes: unknownBytes,
      client: '127.0.0.1',
      code: 'request/unknown-path',
      message: 'request',
    },
    {
      level: 'info',
      method: 'POST',
      route: '/run',
      status: 202,
      bytes,
      client: '127.0.0.1',
      message: 'request',
    },
    {
      level: 'debug',
      method: 'GET',
      route: '/healthz',
      status: 200,
      bytes: 11,
      client: '127.0.0.1',
      message: 'request',
    },
  ])
})

test('a SyncError is sent with its status, code and hint, without secrets', async (t) => {
  const server = await startServer(t, createFetcherApp)
  server.recorded.failure = new SyncError(
    'db/unreachable',
    `Cannot connect: postgres://u:planted-password@db.example/x, ${KEY}`,
  )
  const response = await server.post('/run', {})
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), {
    error: {
      code: 'db/unreachable',
      message: 'Cannot connect: postgres://[redacted]@db.example/x, [redacted]',
      hint: ERRORS['db/unreachable'].hint,
    },
  })
  server.recorded.failure = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), {
    code: 'ECONNREFUSED',
  })
  assert.deepEqual(await readErrorCode(await server.post('/run', {})), [503, 'db/unreachable'])
})

test('an error without a code is logged with its stack, and the response does not reveal its cause', async (t) => {
  const server = await startServer(t, createFetcherApp)
  server.recorded.failure = new TypeError('planted detail')
  const response = await server.post('/run', {})
  const id = response.headers.get('X-Correlation-Id')
  assert.equal(response.status, 500)
  assert.deepEqual(await response.json(), {
    error: {
      code: null,
      message: 'internal error',
      hint: `This is a bug. Search the log for correlation id ${id}.`,
    },
  })
  const line = parseLog(server).find(({ level }) => level === 'error')
  assert.equal(line?.cid, id)
  assert.match(JSON.stringify(line?.err), /TypeError: planted detail\\n +at /)
})

test('a body over 64 KiB is refused with or without a Content-Length, and is not read without a key', async (t) => {
  const server = await startServer(t, createFetcherApp)
  const big = JSON.stringify({ source: 'x'.repeat(70_000) })
  assert.deepEqual(await readErrorCode(await server.post('/run', { source: 'x'.repeat(70_000) })), [
    413,
    'request/too-large',
  ])
  const headers = { 'X-ADMIN-KEY': KEY, 'Content-Type': 'application/json' }
  const streamed = await server.sendRequest('/run', {
    method: 'POST',
    headers,
    body: new Blob([big]).stream(),
    duplex: 'half',
  } as RequestInit)
  assert.deepEqual(await readErrorCode(streamed), [413, 'request/too-large'])
  assert.deepEqual(
    await readErrorCode(
      await server.sendRequest('/run', { method: 'POST', headers: {}, body: big }),
    ),
    [401, 'request/unauthorized'],
  )
  assert.deepEqual(await readErrorCode(await server.post('/run', { source: 'x'.repeat(60_000) })), [
    400,
    'request/invalid',
  ])
  assert.deepEqual(server.recorded.requests, [])
})

test('a body that is not JSON or has another Content-Type is refused; no body is an empty one', async (t) => {
  const server = await startServer(t, createFetcherApp)
  const send = (type: string | null, body: string | Uint8Array<ArrayBuffer>) =>
    server.sendRequest('/run', {
      method: 'POST',
      headers: { 'X-ADMIN-KEY': KEY, ...(type === null ? {} : { 'Content-Type': type }) },
      body,
    })
  assert.deepEqual(await readErrorCode(await send('application/x-www-form-urlencoded', '{}')), [
    415,
    'request/not-json',
  ])
  assert.deepEqual(await readErrorCode(await send('text/json', '{}')), [415, 'request/not-json'])
  for (const body of ['{', 'true', '[]', '"x"', 'null', new Uint8Array([0x7b, 0xff, 0x7d])]) {
    assert.deepEqual(
      await readErrorCode(await send('application/json', body)),
      [400, 'request/invalid'],
      String(body),
    )
  }
  assert.equal((await send('Application/JSON; charset=utf-8', '{}')).status, 202)
  assert.equal((await send('application/json', ' \n')).status, 202)
  assert.equal((await server.sendRequest('/run', { method: 'POST' })).status, 202)
})

test('a malformed request gets an error in the same shape', async (t) => {
  const { port } = await startServer(t, createFetcherApp)
  const [status, body] = await new Promise<[number | undefined, string]>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/healthz', headers: { Host: 'a b' } }, (response) => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve([response.statusCode, text]))
    })
      .on('error', reject)
      .end()
  })
  assert.equal(status, 400)
  assert.equal((JSON.parse(body) as ErrorBody).error.code, 'request/invalid')
})
