import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../../simulators/medipim/simulator.ts'
import type { Page, Scope } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import { medipim } from './connector.ts'
import type { Key } from './credentials.ts'
import { findDrift } from './fields.ts'

const KEY = { id: '42', secret: 'a-very-secret-sécret' }
const settings = medipim.settings.parse({})

/** A minimal `Http` without the address guard. */
const http: Http = async ({ url, method = 'GET', headers = {}, body }, signal) => {
  const response = await fetch(url, {
    method,
    headers,
    signal,
    ...(body !== undefined && { body }),
  })
  const bytes = response.body ?? new ReadableStream({ start: (controller) => controller.close() })
  return {
    status: response.status,
    headers: response.headers,
    url: response.url,
    body: bytes,
    cancel: async () => (bytes.locked ? undefined : bytes.cancel()),
  }
}

interface Call {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Supplier {
  readonly apiUrl: string
  readonly calls: Call[]
}

/** A supplier that lists all known fields and serves the given stream. */
async function startSupplier(
  t: TestContext,
  sendStream: RequestListener,
  sendFields: RequestListener = listFields(knownFields()),
): Promise<Supplier> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      calls.push({ path: `${request.method} ${request.url}`, headers: request.headers, body })
      if (request.url === '/v4/products/get-fields') sendFields(request, response)
      else sendStream(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { apiUrl: `http://127.0.0.1:${port}`, calls }
}

function knownFields(): string[] {
  return [...findDrift([], 'au').vanished]
}

function listFields(codes: readonly string[]): RequestListener {
  return (_, response) =>
    response.end(JSON.stringify({ fields: codes.map((code) => ({ code, type: 'string' })) }))
}

function answer(status: number, body = '', headers: Record<string, string> = {}): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(body)
}

function linesOf(count: number, total = count): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `{"meta":{"total":${total},"index":${index}},"result":{"id":"M${index}","meta":{"updatedAt":${1000 + index},"embedUrl":"u"}}}\n`,
  ).join('')
}

interface Options {
  readonly scope?: Scope
  readonly cursor?: Page['cursor']
  readonly key?: Key | null
  readonly signal?: AbortSignal
}

async function run(
  { apiUrl }: Pick<Supplier, 'apiUrl'>,
  { scope = { kind: 'all' }, cursor = null, key = KEY, signal }: Options = {},
) {
  const pages: Page[] = []
  const warnings: string[] = []
  const request = {
    settings: { apiUrl, market: 'au' as const },
    credentials: { key, hosts: [] },
    scope,
    cursor,
    http,
    warn: (message: string) => warnings.push(message),
  }
  let error: unknown = null
  try {
    for await (const page of medipim.fetch(request, signal ?? new AbortController().signal))
      pages.push(page)
  } catch (thrown) {
    error = thrown
  }
  return {
    pages,
    warnings,
    error: error instanceof SyncError ? error : null,
    thrown: error,
    last: pages.at(-1),
  }
}

test('a full run requests every status, oldest first, with Basic authentication and without a User-Agent', async (t) => {
  const supplier = await startSupplier(t, answer(200, linesOf(3)))
  const { last, warnings, thrown } = await run(supplier)
  assert.deepEqual([last?.complete, last?.expected, warnings, thrown], [true, 3, [], null])
  assert.deepEqual(
    supplier.calls.map(({ path }) => path),
    ['GET /v4/products/get-fields', 'POST /v4/products/stream'],
  )
  const [, stream] = supplier.calls
  assert.deepEqual(JSON.parse(stream?.body ?? ''), {
    filter: { updatedSince: 0 },
    sorting: { touchedAt: 'ASC' },
  })
  for (const { headers } of supplier.calls) {
    assert.equal(
      headers.authorization,
      `Basic ${Buffer.from('42:a-very-secret-sécret').toString('base64')}`,
    )
    assert.doesNotMatch(headers['user-agent'] ?? '', /Shelfsync/)
  }
  assert.deepEqual(
    [stream?.headers['content-type'], stream?.headers.accept],
    ['application/json', 'application/x-json-stream'],
  )
})

test('an incremental run requests changes since its instant, in whole seconds rounded down', async (t) => {
  const supplier = await startSupplier(t, answer(204))
  const { pages } = await run(supplier, { scope: { kind: 'since', sinceMs: 1_749_520_153_999 } })
  assert.deepEqual(JSON.parse(supplier.calls[1]?.body ?? '').filter, {
    updatedSince: 1_749_520_153,
  })
  assert.deepEqual(
    pages.map(({ lineCount, expected, complete }) => [lineCount, expected, complete]),
    [[0, 0, true]],
  )
})

test('a cut run resumes at the second of its last line, keeps the first count and does not list fields again', async (t) => {
  let cut = true
  const supplier = await startSupplier(t, (request, response) => {
    if (!cut) return answer(200, linesOf(2))(request, response)
    response.writeHead(200)
    response.write(`${linesOf(3, 4)}{"meta"`, () => response.destroy())
  })
  const first = await run(supplier)
  assert.ok(first.thrown !== null)
  assert.deepEqual(first.last?.cursor, { touchedAt: 1002, seen: 2, expected: 4 })
  cut = false
  const second = await run(supplier, { cursor: first.last?.cursor ?? null })
  assert.deepEqual([second.last?.complete, second.last?.expected], [true, 4])
  assert.deepEqual(
    supplier.calls.slice(2).map(({ path, body }) => [path, JSON.parse(body).filter]),
    [['POST /v4/products/stream', { updatedSince: 1002 }]],
  )
})

test('a resumed incremental run requests changes since the later of its two instants', async (t) => {
  const supplier = await startSupplier(t, answer(204))
  for (const sinceMs of [5000, 2_000_000])
    await run(supplier, {
      scope: { kind: 'since', sinceMs },
      cursor: { touchedAt: 1002, seen: 0, expected: 0 },
    })
  assert.deepEqual(
    supplier.calls.map(({ body }) => JSON.parse(body).filter.updatedSince),
    [1002, 2000],
  )
})

test('each refused request has its error code, and the supplier’s reason if there is one', async (t) => {
  const reason = JSON.stringify({
    error: { status: 0, code: 'some.code', message: 'Because of this.' },
  })
  const expected = {
    400: 'source/rejected',
    401: 'source/unauthorized',
    403: 'source/unauthorized',
    404: 'source/gone',
    422: 'source/rejected',
    429: 'source/rate-limited',
    500: 'source/unavailable',
    503: 'source/unavailable',
  }
  for (const [status, code] of Object.entries(expected)) {
    for (const body of [reason, '<html>Bad Gateway</html>', '']) {
      const { error, pages } = await run(await startSupplier(t, answer(Number(status), body)))
      assert.deepEqual([error?.code, pages.length], [code, 0])
      assert.match(
        error?.message ?? '',
        body === reason ? /responded \d+: some\.code: Because of this\.$/ : /responded \d+$/,
      )
    }
  }
})

test('Retry-After is passed on in milliseconds, as seconds or as a date', async (t) => {
  const delayOf = async (status: number, value: string) =>
    (await run(await startSupplier(t, answer(status, '', { 'retry-after': value })))).error
      ?.retryAfterMs
  assert.equal(await delayOf(429, '7'), 7000)
  assert.equal(await delayOf(503, '120'), 120_000)
  const inTheFuture = await delayOf(429, new Date(Date.now() + 3_600_000).toUTCString())
  assert.ok(typeof inTheFuture === 'number' && inTheFuture > 3_000_000)
  assert.equal(await delayOf(429, 'soon'), null)
})

test('an error does not contain the key, even if the supplier quotes it', async (t) => {
  const token = Buffer.from('42:plain-secret').toString('base64')
  const body = JSON.stringify({
    error: { code: 'bad_request', message: `plain-secret and Basic ${token}` },
  })
  const key = { id: '42', secret: 'plain-secret' }
  const { error } = await run(await startSupplier(t, answer(400, body)), { key })
  assert.match(error?.message ?? '', /bad_request: … and Basic …$/)
})

test('without a key no request is made, and the error names the variables to set', async (t) => {
  const supplier = await startSupplier(t, answer(200, linesOf(1)))
  const { error } = await run(supplier, { key: null })
  assert.equal(error?.code, 'settings/invalid')
  assert.match(error?.message ?? '', /MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET/)
  assert.equal(supplier.calls.length, 0)
})

test('new and vanished fields are warnings, and do not stop the run', async (t) => {
  const drifted = [
    ...knownFields().filter((code) => code !== 'pbs'),
    'scheduleCode',
    'descriptions.usage',
  ]
  const { warnings, last } = await run(
    await startSupplier(t, answer(200, linesOf(1)), listFields(drifted)),
  )
  assert.equal(last?.complete, true)
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /raw only: scheduleCode$/)
  assert.match(warnings[1] ?? '', /reads: pbs$/)
})

test('a failed request for the list of fields is a warning, unless the key is wrong', async (t) => {
  for (const sendFields of [
    answer(500),
    answer(403),
    answer(200, '<html>'),
    answer(200, '{"fields":[]}'),
  ]) {
    const { warnings, last } = await run(
      await startSupplier(t, answer(200, linesOf(1)), sendFields),
    )
    assert.deepEqual([warnings.length, last?.complete], [1, true])
  }
  const supplier = await startSupplier(t, answer(200, linesOf(1)), answer(401))
  assert.equal((await run(supplier)).error?.code, 'source/unauthorized')
  assert.equal(supplier.calls.length, 1)
})

test('a fetch that is rate-limited while it lists the fields makes no further request', async (t) => {
  for (const [status, code, headers] of [
    [429, 'source/rate-limited', { 'retry-after': '40' }],
    [503, 'source/unavailable', { 'retry-after': '40' }],
    [429, 'source/rate-limited', {}],
  ] as const) {
    const supplier = await startSupplier(t, answer(200, linesOf(1)), answer(status, '', headers))
    const { error } = await run(supplier)
    assert.deepEqual(
      [error?.code, error?.retryAfterMs, supplier.calls.length],
      [code, 'retry-after' in headers ? 40_000 : null, 1],
    )
  }
})

test('an abort in the middle of the stream is thrown unchanged', async (t) => {
  const controller = new AbortController()
  const supplier = await startSupplier(t, (_, response) => {
    response.writeHead(200)
    response.write(linesOf(2, 4), () => controller.abort())
  })
  const { thrown, error } = await run(supplier, { signal: controller.signal })
  assert.equal(error, null)
  assert.ok(thrown instanceof Error && thrown.name === 'AbortError')
})

test('a caller that stops early closes the connection', async (t) => {
  const closed = Promise.withResolvers<void>()
  const supplier = await startSupplier(t, (_, response) => {
    response.on('close', closed.resolve)
    response.writeHead(200)
    response.write(linesOf(20_000, 30_000))
  })
  const request = {
    settings: { apiUrl: supplier.apiUrl, market: 'au' as const },
    credentials: { key: KEY, hosts: [] },
    scope: { kind: 'all' as const },
    cursor: null,
    http,
    warn: () => {},
  }
  for await (const page of medipim.fetch(request, new AbortController().signal)) {
    assert.ok(page.lineCount > 0)
    break
  }
  await closed.promise
})

test('a response without a body is also released', async (t) => {
  let released = 0
  const { apiUrl } = await startSupplier(t, answer(204))
  const counting: Http = async (request, signal) => ({
    ...(await http(request, signal)),
    cancel: async () => void released++,
  })
  const request = {
    settings: { apiUrl, market: 'au' as const },
    credentials: { key: KEY, hosts: [] },
    scope: { kind: 'all' as const },
    cursor: null,
    http: counting,
    warn: () => {},
  }
  assert.equal(
    (await Array.fromAsync(medipim.fetch(request, new AbortController().signal))).length,
    1,
  )
  assert.equal(released, 1)
})

test('the setting apiUrl may be a host or any endpoint, and determines the market', () => {
  const parse = (input: object) => medipim.settings.parse(input)
  assert.deepEqual(settings, { apiUrl: 'https://api.au.medipim.com', market: 'au' })
  assert.deepEqual(parse({ apiUrl: 'https://api.au.medipim.com/v4/products/stream' }), settings)
  assert.deepEqual(parse({ apiUrl: ' api.sandbox.au.medipim.com ' }), {
    apiUrl: 'https://api.sandbox.au.medipim.com',
    market: 'au',
  })
  assert.deepEqual(parse({ apiUrl: 'http://127.0.0.1:8123/medipim/v4/' }), {
    apiUrl: 'http://127.0.0.1:8123/medipim',
    market: 'au',
  })
  const hosts = [
    'api.medipim.be',
    'api.medipim.fr',
    'api.medipim.de',
    'api.us.medipim.com',
    'api.sandbox.us.medipim.com',
  ]
  assert.deepEqual(
    hosts.map((apiUrl) => medipim.settings.parse({ apiUrl }).market),
    ['be', 'fr', 'de', 'us', 'us'],
  )
  assert.equal(medipim.settings.parse({ apiUrl: 'localhost:9000', market: 'fr' }).market, 'fr')
  assert.deepEqual(parse(settings), settings)
})

test('invalid settings are refused, and the message does not quote them', () => {
  for (const input of [
    { apiUrl: 'ftp://x' },
    { apiUrl: '' },
    { apiUrl: 'https://42:hunter2@api.au.medipim.com' },
    { market: 'nz' },
    { key: 'hunter2' },
  ]) {
    const { success, error } = medipim.settings.safeParse(input)
    assert.equal(success, false)
    assert.ok(!error?.message.includes('hunter2'))
  }
})

test('the whole catalogue of the simulator is fetched, in all statuses, and every record becomes a draft', async (t) => {
  const simulator = await startMedipim({ products: 300 })
  t.after(() => simulator.close())
  const { pages, warnings, last, thrown } = await run(
    { apiUrl: simulator.url },
    { key: { id: '42', secret: 'secret' } },
  )
  assert.deepEqual([thrown, warnings, last?.complete, last?.expected], [null, [], true, 300])
  const lines = pages.flatMap(({ bytes }) => Buffer.from(bytes).toString().split('\n').slice(0, -1))
  const drafts = lines.map((line) => medipim.normalise(medipim.unwrap(JSON.parse(line)), settings))
  assert.equal(new Set(drafts.map(({ externalId }) => externalId)).size, 300)
  assert.deepEqual(
    new Set(drafts.map(({ status }) => status)),
    new Set(['active', 'unavailable', 'draft']),
  )
  for (const line of lines) assert.ok(medipim.scan(Buffer.from(`${line}\n`), Date.now()))
})

test('the simulator’s stream resumes after each cut until every product has arrived', async (t) => {
  const simulator = await startMedipim({ products: 200 })
  t.after(() => simulator.close())
  simulator.faults.set({
    kind: 'reset',
    path: '/v4/products/stream',
    afterLines: 60,
    afterBytes: 100,
    times: 2,
  })
  const seen = new Set<string | null>()
  const key = { id: '42', secret: 'secret' }
  let cursor: Page['cursor'] = null
  for (let attempt = 0; attempt < 3; attempt++) {
    const { pages, last, thrown } = await run({ apiUrl: simulator.url }, { key, cursor })
    for (const { bytes } of pages) {
      for (const line of Buffer.from(bytes).toString().split('\n').slice(0, -1))
        seen.add(medipim.identify(medipim.unwrap(JSON.parse(line))))
    }
    assert.deepEqual(
      [last?.complete, last?.expected, thrown === null],
      [attempt === 2, 200, attempt === 2],
    )
    cursor = last?.cursor ?? null
  }
  assert.equal(seen.size, 200)
})
