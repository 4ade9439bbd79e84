import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import * as zlib from 'node:zlib'
import type { ErrorCode } from '../core/error-table.ts'
import { SyncError, isAbort } from '../core/errors.ts'
import type { HttpRequest } from '../core/http.ts'
import { readBytes } from '../lib/read-body.ts'
import { createAddressGuard, type AllowPrivateHosts } from './address-guard.ts'
import { createHttp, type HttpOptions, type RequestReport } from './http-client.ts'

const signal = new AbortController().signal

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function serve(
  t: TestContext,
  respond: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer(
    { keepAliveTimeout: 1 },
    (request, response) => void respond(request, response),
  )
  t.after(() => server.closeAllConnections())
  return listen(t, server)
}

/** Starts a server that sends exactly these bytes for each request and then calls `then`. */
function serveRaw(
  t: TestContext,
  bytes: string | Buffer,
  then: (socket: Socket) => void,
): Promise<string> {
  const sockets = new Set<Socket>()
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  return listen(
    t,
    createTcpServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).once('data', () => socket.write(bytes, () => then(socket)))
    }),
  )
}

function client(
  t: TestContext,
  options: Partial<HttpOptions> & { allow?: AllowPrivateHosts } = {},
) {
  const http = createHttp({
    guard: createAddressGuard(options.allow ?? ['127.0.0.1', 'localhost']),
    userAgent: 'Test/1 (+https://test.example)',
    ...options,
  })
  t.after(() => http.close())
  return http
}

async function get(
  http: ReturnType<typeof client>,
  request: string | HttpRequest,
): Promise<string> {
  const response = await http(typeof request === 'string' ? { url: request } : request, signal)
  return new TextDecoder().decode(await readBytes(response, 100e6))
}

const fails =
  (code: ErrorCode, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof SyncError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.doesNotMatch(error.message, /secret|path/)
    return true
  }

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a request sends the User-Agent, and its response has status, headers and address', async (t) => {
  const url = await serve(t, (request, response) => {
    response
      .writeHead(429, { 'retry-after': '7', 'set-cookie': ['a=1', 'b=2'] })
      .end(request.headers['user-agent'])
  })
  const response = await client(t)({ url: `${url}/a?b=c` }, signal)
  assert.equal(response.status, 429)
  assert.equal(response.headers.get('retry-after'), '7')
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.equal(response.url, `${url}/a?b=c`)
  assert.equal(
    new TextDecoder().decode(await readBytes(response, 100)),
    'Test/1 (+https://test.example)',
  )
})

test('a POST carries its body and headers', async (t) => {
  const url = await serve(
    t,
    async (request, response) =>
      void response.end(`${request.headers['content-type']} ${await bodyOf(request)}`),
  )
  assert.equal(
    await get(client(t), {
      url,
      method: 'POST',
      headers: { 'Content-Type': 'text/x' },
      body: 'hi',
    }),
    'text/x hi',
  )
})

const text = 'a line of text\n'.repeat(50_000)
const encoders = {
  gzip: zlib.gzipSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
  deflate: zlib.deflateSync,
}
for (const [encoding, encode] of Object.entries(encoders)) {
  const encoded = encode(text)
  const served = (body: Buffer) => (t: TestContext) =>
    serve(
      t,
      (_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(body),
    )

  test(`${encoding} is decoded`, async (t) => {
    assert.equal(await get(client(t), await served(encoded)(t)), text)
  })
  test(`${encoding} that ends early is cut short, even when its framing is complete`, async (t) => {
    await assert.rejects(
      get(client(t), await served(encoded.subarray(0, -6))(t)),
      fails('source/cut-short'),
    )
  })
  test(`${encoding} that is damaged is rejected`, async (t) => {
    const broken = Buffer.from(encoded).fill(0xff, 4, encoded.length - 4)
    await assert.rejects(
      get(client(t), await served(broken)(t)),
      fails('source/unavailable', /damaged compressed body/),
    )
  })
  test(`${encoding} with data after its end is an error`, async (t) => {
    const twice = get(client(t), await served(Buffer.concat([encoded, encoded]))(t))
    if (encoding === 'gzip') assert.equal(await twice, text + text)
    else await assert.rejects(twice, fails('source/unavailable', /data follows/))
  })
}

test('a bare deflate stream and stacked encodings are decoded', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/bare')
      response.writeHead(200, { 'content-encoding': 'deflate' }).end(zlib.deflateRawSync(text))
    else
      response
        .writeHead(200, { 'content-encoding': 'gzip, identity, BR' })
        .end(zlib.brotliCompressSync(zlib.gzipSync(text)))
  })
  assert.equal(await get(client(t), `${url}/bare`), text)
  assert.equal(await get(client(t), `${url}/both`), text)
})

test('an unknown encoding is an error, except for an empty response', async (t) => {
  const url = await serve(t, (request, response) => {
    response
      .writeHead(request.url === '/204' ? 204 : 200, {
        'content-encoding': request.url === '/x' ? 'rot13' : 'gzip',
      })
      .end(request.url === '/x' ? 'x' : undefined)
  })
  await assert.rejects(
    get(client(t), `${url}/x`),
    fails('source/unavailable', /a content encoding that is not gzip/),
  )
  assert.equal(await get(client(t), `${url}/204`), '')
})

test('a body that is compressed more than twice is rejected', async (t) => {
  const thrice = zlib.zstdCompressSync(zlib.zstdCompressSync(zlib.gzipSync(text)))
  const url = await serve(
    t,
    (_, response) =>
      void response
        .writeHead(200, { 'content-encoding': 'gzip, zstd, identity, zstd' })
        .end(thrice),
  )
  await assert.rejects(
    get(client(t), url),
    fails('source/too-large', /compressed 3 times; the maximum is 2/),
  )
})

test('a bomb of two encodings is stopped, even when the inner one would consume the output of the outer one', async (t) => {
  const zeros = Buffer.alloc(64e6)
  // A file name in the header of gzip may have any length, and nothing of it reaches the body.
  const swallowed = zlib.zstdCompressSync(
    Buffer.concat([Buffer.from('1f8b0808000000000003', 'hex'), Buffer.alloc(64e6, 'x')]),
  )
  const stacked = zlib.zstdCompressSync(zlib.gzipSync(zeros))
  const url = await serve(t, ({ url: path }, response) => {
    if (path === '/swallowed')
      response.writeHead(200, { 'content-encoding': 'gzip, zstd' }).end(swallowed)
    else response.writeHead(200, { 'content-encoding': 'gzip, zstd' }).end(stacked)
  })
  await assert.rejects(
    get(client(t), `${url}/swallowed`),
    fails('source/too-large', /decompresses to more than 500 times its size/),
  )
  await assert.rejects(
    get(client(t), `${url}/stacked`),
    fails('source/too-large', /decompresses to more than 500 times its size/),
  )
})

test('data after the end of an inner encoding is an error', async (t) => {
  const twice = zlib.zstdCompressSync(
    Buffer.concat([zlib.brotliCompressSync(text), zlib.brotliCompressSync(text)]),
  )
  const url = await serve(
    t,
    (_, response) => void response.writeHead(200, { 'content-encoding': 'br, zstd' }).end(twice),
  )
  await assert.rejects(get(client(t), url), fails('source/unavailable', /data follows its end/))
})

test('a zstd window above the limit of servers is rejected before it is allocated', async (t) => {
  const params = {
    [zlib.constants.ZSTD_c_windowLog]: 27,
    [zlib.constants.ZSTD_c_enableLongDistanceMatching]: 1,
  }
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-encoding': 'zstd' })
    const encoder = zlib.createZstdCompress({ params })
    encoder.pipe(response)
    encoder.end(text)
  })
  await assert.rejects(
    get(client(t), url),
    fails('source/unavailable', /damaged compressed body: ZSTD_/),
  )
})

test('a decompression bomb is stopped by its ratio', async (t) => {
  const bomb = zlib.gzipSync(Buffer.alloc(64e6))
  const url = await serve(
    t,
    (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  await assert.rejects(get(client(t), url), fails('source/too-large', /500 times/))
  assert.equal((await get(client(t, { inflateRatioMax: 2000 }), url)).length, 64e6)
})

test('a body that ends before its Content-Length is cut short', async (t) => {
  const url = await serveRaw(
    t,
    'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this',
    (socket) => socket.end(),
  )
  await assert.rejects(
    get(client(t), url),
    fails('source/cut-short', /^127\.0\.0\.1:\d+ ended .* after 9 bytes/),
  )
})

test('a body that ends inside a chunk, or by a reset, is cut short', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n'
  await assert.rejects(
    get(client(t), await serveRaw(t, head, (socket) => socket.end())),
    fails('source/cut-short'),
  )
  await assert.rejects(
    get(client(t), await serveRaw(t, `${head}ff\r\nx`, (socket) => socket.end())),
    fails('source/cut-short'),
  )
  await assert.rejects(
    get(client(t), await serveRaw(t, head, (socket) => socket.resetAndDestroy())),
    fails('source/cut-short'),
  )
  const closing =
    'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n'
  await assert.rejects(
    get(client(t), await serveRaw(t, closing, (socket) => socket.end())),
    fails('source/cut-short'),
  )
})

test('a connection that ends before any response is unavailable', async (t) => {
  for (const then of [
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.resetAndDestroy(),
  ]) {
    await assert.rejects(
      get(client(t), `${await serveRaw(t, '', then)}/path?key=secret`),
      fails('source/unavailable', /127\.0\.0\.1:\d+/),
    )
  }
  await assert.rejects(
    get(client(t), await serveRaw(t, 'SSH-2.0\r\n\r\n', (socket) => socket.end())),
    fails('source/unavailable', /not HTTP/),
  )
})

test('an invalid or huge number in a header is a named error', async (t) => {
  const lengths = [
    '99999999999999999999',
    '9007199254740993',
    '-5',
    'abc',
    '1e3',
    '',
    '5\r\ncontent-length: 6',
  ].map((length) => `200 OK\r\ncontent-length: ${length}`)
  const others = [
    '000 x\r\ncontent-length: 5',
    '99999 x\r\ncontent-length: 5',
    '200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFFF\r',
  ]
  for (const head of [...lengths, ...others]) {
    const url = await serveRaw(t, `HTTP/1.1 ${head}\r\n\r\nhello`, (socket) => socket.end())
    await assert.rejects(
      get(client(t), url),
      (error) => error instanceof SyncError && error.action === 'retry',
      JSON.stringify(head),
    )
  }
})

test('a refused connection and an unknown name are unavailable', async (t) => {
  const server = createTcpServer()
  const url = await listen(t, server)
  server.close()
  await once(server, 'close')
  await assert.rejects(
    get(client(t), `${url}/path?key=secret`),
    fails('source/unavailable', /refuses the connection/),
  )
  const resolve = async () =>
    Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }))
  const http = client(t, { guard: createAddressGuard([], resolve) })
  await assert.rejects(
    get(http, 'http://shop.example/path?key=secret'),
    fails('source/unavailable', /^No response from shop\.example: its name does not exist in DNS/),
  )
})

test('a sender that stops before the headers or inside the body times out', async (t) => {
  const silent = await serve(t, () => {})
  await assert.rejects(
    get(client(t), { url: silent, firstByteTimeoutMs: 20 }),
    fails('source/unavailable', /did not begin its response/),
  )
  const stalling = await serve(t, (_, response) => void response.writeHead(200).write('half'))
  await assert.rejects(
    get(client(t), { url: stalling, idleTimeoutMs: 20 }),
    fails(
      'source/unavailable',
      /^127\.0\.0\.1:\d+ ended its response after 4 bytes: it stopped sending/,
    ),
  )
})

test('a slow sender is stopped, compressed or not; a slow reader is not', async (t) => {
  const half = await serve(t, (_, response) => void response.writeHead(200).write('half'))
  const packed = await serve(
    t,
    (_, response) =>
      void response
        .writeHead(200, { 'content-encoding': 'gzip' })
        .write(zlib.gzipSync('half').subarray(0, 10)),
  )
  let nowMs = 0
  const waiting = client(t, { now: () => (nowMs += 300_000) })
  await assert.rejects(
    get(waiting, half),
    fails('source/too-slow', /^127\.0\.0\.1:\d+ sent 4 bytes in 300 s/),
  )
  await assert.rejects(get(waiting, packed), fails('source/too-slow', /sent 10 bytes in 300 s/))
  const responses = Promise.withResolvers<ServerResponse>()
  const piecemeal = await serve(t, (_, response) => {
    response.writeHead(200).write('a')
    responses.resolve(response)
  })
  const { body } = await client(t, { now: () => nowMs })({ url: piecemeal }, signal)
  const response = await responses.promise
  let read = ''
  for await (const chunk of body) {
    read += new TextDecoder().decode(chunk)
    nowMs += 900_000
    if (read === 'a') response.write('l')
    else response.end()
  }
  assert.equal(read, 'al')
})

test('an abort rejects with the reason of the signal, before, during and after the headers', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/half') response.writeHead(200).write('half')
    else controller.abort(request.url === '/abort' ? reason : undefined)
  })
  let controller = new AbortController()
  await assert.rejects(client(t)({ url }, controller.signal), (error) => isAbort(error))
  await assert.rejects(client(t)({ url }, controller.signal), (error) => isAbort(error))
  // A reason that looks like a broken connection is still the reason.
  const reason = Object.assign(new Error('cancelled'), { code: 'ECONNRESET' })
  await assert.rejects(client(t)({ url }, AbortSignal.abort(reason)), (error) => error === reason)
  controller = new AbortController()
  const aborting = client(t)({ url: `${url}/abort` }, controller.signal)
  await assert.rejects(aborting, (error) => error === reason)
  controller = new AbortController()
  const { body } = await client(t)({ url: `${url}/half` }, controller.signal)
  const reading = (async () => {
    for await (const _ of body) controller.abort(reason)
  })()
  await assert.rejects(reading, (error) => error === reason)
})

test('a request is reported once, with host, class and bytes, never its path', async (t) => {
  const reports: RequestReport[] = []
  const url = await serve(t, (request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/' }).end('elsewhere')
    else if (request.url === '/lost') response.writeHead(302, { location: 'http://[' }).end('lost')
    else response.end('12345')
  })
  const http = client(t, { onRequest: (report) => reports.push(report) })
  const moved = await http({ url: `${url}/moved` }, signal)
  await readBytes(moved, 100)
  await moved.cancel()
  await (await http({ url }, signal)).cancel()
  await assert.rejects(get(http, 'ftp://127.0.0.1/'))
  await assert.rejects(get(http, `${url}/lost`))
  assert.deepEqual(
    reports.map(({ statusClass, bytes }) => [statusClass, bytes]),
    [
      ['3xx', 0],
      ['2xx', 5],
      ['2xx', 0],
      ['failed', 0],
      ['failed', 0],
    ],
  )
  assert.equal(reports[0]?.host, new URL(url).host)
})

test('a reader that stops early closes the connection', async (t) => {
  const closed = Promise.withResolvers<void>()
  const url = await serve(
    t,
    (_, response) =>
      void response.on('close', closed.resolve).writeHead(200).write('x'.repeat(1000)),
  )
  for await (const _ of (await client(t)({ url }, signal)).body) break
  await closed.promise
})

test('a body that cannot be decoded closes the connection', async (t) => {
  const closed = Promise.withResolvers<void>()
  const url = await serve(
    t,
    (_, response) =>
      void response
        .on('close', closed.resolve)
        .writeHead(200, { 'content-encoding': 'x' })
        .write('x'),
  )
  await assert.rejects(get(client(t), url), fails('source/unavailable'))
  await closed.promise
})
