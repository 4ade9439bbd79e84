import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { SyncError } from '../core/errors.ts'
import type { HttpRequest } from '../core/http.ts'
import { readBytes } from '../lib/read-body.ts'
import { createAddressGuard } from './address-guard.ts'
import { createHttp } from './http-client.ts'

/** Echoes the request, except for `/to/STATUS/LOCATION`, which redirects. */
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, status, location] = /^\/to\/(\d+)\/(.*)$/.exec(request.url ?? '') ?? []
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (status !== undefined)
    response
      .writeHead(Number(status), { location: decodeURIComponent(location ?? '') })
      .end('moved')
  else
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      }),
    )
}

interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * One server under two names, `a.test` and `b.test`, and a third name, `evil.test`, that is not
 * allowed.
 */
async function start(t: TestContext) {
  const server = createServer((request, response) => void respond(request, response)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const guard = createAddressGuard(['a.test', 'b.test'], async () => [
    { address: '127.0.0.1', family: 4 },
  ])
  const http = createHttp({ guard, userAgent: 'Test/1' })
  t.after(() => http.close())
  const get = async (request: HttpRequest): Promise<Echo & { finalUrl: string }> => {
    const response = await http(request, new AbortController().signal)
    const echo: Echo = JSON.parse(new TextDecoder().decode(await readBytes(response, 1e6)))
    return { ...echo, finalUrl: response.url }
  }
  const to = (location: string, status = 302) =>
    `http://a.test:${port}/to/${status}/${encodeURIComponent(location)}`
  return { get, to, port, guard }
}

const refused = (error: unknown) =>
  error instanceof SyncError && error.code === 'source/address-refused'

test('a redirect is followed, relative or absolute, and the response has the final address', async (t) => {
  const { get, to, port } = await start(t)
  assert.equal((await get({ url: to('/there?x=1') })).finalUrl, `http://a.test:${port}/there?x=1`)
  assert.equal(
    (await get({ url: to(`http://b.test:${port}/there`, 308) })).finalUrl,
    `http://b.test:${port}/there`,
  )
})

test('a key is sent unencrypted only to this machine, also after a redirect', async (t) => {
  const hosts: string[] = []
  const server = createServer(({ headers }, response) => {
    hosts.push(String(headers.host))
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  // The address is allowed, but the name is not.
  const guard = createAddressGuard(['127.0.0.1', 'own.test'], async () => [
    { address: '127.0.0.1', family: 4 },
  ])
  const http = createHttp({ guard, userAgent: 'Test/1' })
  t.after(() => http.close())
  const get = async (host: string, headers: Record<string, string>) =>
    (await http({ url: `http://${host}:${port}/`, headers }, new AbortController().signal)).status
  for (const headers of [
    { Authorization: 'Basic x' },
    { 'X-Api-Key': 'x' },
    { Cookie: 'a=b' },
    { 'x-access-token': 'x' },
  ]) {
    await assert.rejects(
      get('shop.test', headers),
      /A key is not sent to http:\/\/shop\.test:\d+ unencrypted: use https/,
    )
    for (const host of ['own.test', '127.0.0.1']) assert.equal(await get(host, headers), 200)
  }
  assert.deepEqual(new Set(hosts), new Set([`own.test:${port}`, `127.0.0.1:${port}`]))
  assert.equal(await get('shop.test', { accept: '*/*' }), 200)
})

test('a redirect from an allowed host to a private one is rejected, by name, address and scheme', async (t) => {
  const { get, to, port } = await start(t)
  for (const location of [
    `http://evil.test:${port}/`,
    `http://127.0.0.1:${port}/`,
    `http://2130706433:${port}/`,
    `//localhost:${port}/`,
    'http://[::ffff:a00:1]/',
    'file:///etc/passwd',
  ]) {
    await assert.rejects(get({ url: to(location) }), refused, location)
  }
})

test('a POST becomes a GET without body on 301, 302 and 303, and stays a POST on 307 and 308', async (t) => {
  const { get, to } = await start(t)
  const post = { method: 'POST', body: 'hi', headers: { 'content-type': 'text/x' } } as const
  for (const status of [301, 302, 303]) {
    const { method, body, headers } = await get({ ...post, url: to('/', status) })
    assert.deepEqual([method, body, headers['content-type']], ['GET', '', undefined])
  }
  for (const status of [307, 308]) {
    const { method, body, headers } = await get({ ...post, url: to('/', status) })
    assert.deepEqual([method, body, headers['content-type']], ['POST', 'hi', 'text/x'])
  }
})

test('a redirect to another origin drops credentials and keeps other headers', async (t) => {
  const { get, to, port } = await start(t)
  const headers = {
    Authorization: 'Basic eDp5',
    Cookie: 'a=b',
    apikey: 'k',
    'X-Admin-Key': 'k',
    'x-access-token': 'k',
    accept: 'text/x',
  }
  const same = await get({ url: to('/'), headers })
  assert.equal(same.headers['authorization'], 'Basic eDp5')
  assert.equal(same.headers['x-admin-key'], 'k')
  const other = await get({ url: to(`http://b.test:${port}/`), headers })
  for (const name of ['authorization', 'cookie', 'apikey', 'x-admin-key', 'x-access-token'])
    assert.equal(other.headers[name], undefined, name)
  assert.equal(other.headers['accept'], 'text/x')
})

test('credentials are not sent again when a redirect returns to the first origin', async (t) => {
  const { get, to, port } = await start(t)
  const back = `http://b.test:${port}/to/302/${encodeURIComponent(`http://a.test:${port}/`)}`
  assert.equal(
    (await get({ url: to(back), headers: { authorization: 'Basic eDp5' } })).headers[
      'authorization'
    ],
    undefined,
  )
})

test('five redirects are followed, a sixth is not', async (t) => {
  const { get, to } = await start(t)
  const chain = (length: number): string =>
    length === 0 ? '/' : `/to/302/${encodeURIComponent(chain(length - 1))}`
  assert.equal((await get({ url: to(chain(4)) })).url, '/')
  await assert.rejects(get({ url: to(chain(5)) }), /a\.test:\d+ redirects more than 5 times/)
})

test('a redirect without a target is returned unchanged, and an invalid target is an error', async (t) => {
  const { get, to, port } = await start(t)
  const { status } = await createProbe(t, port)
  assert.equal(status, 304)
  await assert.rejects(get({ url: to('http://[') }), /redirects to something that is not a URL/)
})

async function createProbe(t: TestContext, port: number) {
  const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'Test/1' })
  t.after(() => http.close())
  const response = await http(
    { url: `http://127.0.0.1:${port}/to/304/` },
    new AbortController().signal,
  )
  await response.cancel()
  return response
}
