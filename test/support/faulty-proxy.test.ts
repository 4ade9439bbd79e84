import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { openPool } from '../../src/db/pool.ts'
import { openTestDatabase } from './database.ts'
import { startProxy, routeThrough } from './faulty-proxy.ts'
import { waitUntil } from './wait-until.ts'

const database = await openTestDatabase()

/** A server that records its clients and echoes everything, behind a proxy. */
async function startEcho(t: TestContext) {
  const guests: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (guest) => {
    guests.push(guest.on('error', () => undefined))
    guest.pipe(guest)
  })
  const proxy = await startProxy(t, await listen(t, server))
  t.after(() => guests.forEach((guest) => guest.destroy()))
  const visit = async (): Promise<Socket> => {
    const client = connect(proxy.port, '127.0.0.1').on('error', () => undefined)
    t.after(() => client.destroy())
    await once(client, 'connect')
    return client
  }
  return { proxy, guests, visit }
}

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

async function readSocket(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString()
}

/** Resolves when all data in transit within this process has arrived. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
}

test('Postgres works through the proxy', async (t) => {
  const proxy = await startProxy(t, database.url)
  const pool = await openPool(routeThrough(database.url, proxy), { applicationName: 'proxy test' })
  const { rows } = await pool.query<{ long: string }>(`select repeat('x', 5000000) as long`)
  assert.equal(rows[0]?.long.length, 5_000_000)
  assert.ok(proxy.connections > 0)
  await pool.end()
  await waitUntil(() => proxy.connections === 0)
})

test('HTTP works through the proxy, with path and query, and a connection that closes at once causes no error', async (t) => {
  const server = createHttpServer((request, response) =>
    response.end(`${request.method} ${request.url}`),
  )
  const url = await listen(t, server)
  const proxy = await startProxy(t, url)
  const response = await fetch(routeThrough(`${url}/runs/7?limit=1`, proxy), {
    method: 'POST',
    headers: { connection: 'close' },
  })
  assert.equal(await response.text(), 'POST /runs/7?limit=1')
})

test('the end of one direction leaves the other open, and a reset is passed on as a reset', async (t) => {
  const { guests, visit } = await startEcho(t)
  const polite = await visit()
  polite.end('last words')
  assert.equal(await readSocket(polite), 'last words')
  await once(polite, 'close')
  const rude = await visit()
  rude.write('x')
  await readSocket(rude)
  const broken = once(guests[1] ?? rude, 'error')
  rude.resetAndDestroy()
  assert.equal((await broken)[0].code, 'ECONNRESET')
})

test('a cut resets both sides and refuses new clients until the proxy resumes on the same port', async (t) => {
  const { proxy, guests, visit } = await startEcho(t)
  const client = await visit()
  client.write('hello')
  assert.equal(await readSocket(client), 'hello')
  const { port } = proxy
  const broken = Promise.all([once(client, 'error'), once(guests[0] ?? client, 'error')])
  await proxy.cut()
  await proxy.cut()
  assert.deepEqual(
    (await broken).map(([error]) => error.code),
    ['ECONNRESET', 'ECONNRESET'],
  )
  assert.equal(proxy.connections, 0)
  const refused = connect(port, '127.0.0.1')
  assert.equal(
    (await once(refused, 'error').catch((error: unknown) => [error]))[0].code,
    'ECONNREFUSED',
  )
  await proxy.resume()
  assert.equal(proxy.port, port)
  const again = await visit()
  again.write('again')
  assert.equal(await readSocket(again), 'again')
})

test('no data and no end arrives during a stall, and everything arrives afterwards', async (t) => {
  const { proxy, guests, visit } = await startEcho(t)
  const [client, leaving] = [await visit(), await visit()]
  await waitUntil(() => guests.length === 2)
  const heard: string[] = []
  let left = 0
  const leave = (): void => void (left += 1)
  for (const guest of guests)
    guest
      .on('data', (bytes: Buffer) => heard.push(bytes.toString()))
      .on('end', leave)
      .on('error', leave)
  proxy.stall()
  proxy.stall()
  client.write('one ')
  client.write('two')
  leaving.resetAndDestroy()
  const late = await visit()
  late.write('three')
  await settle()
  assert.deepEqual([heard, left, guests.length], [[], 0, 2])
  await proxy.resume()
  assert.match(await readSocket(client), /^one/)
  assert.equal(await readSocket(late), 'three')
  await waitUntil(() => left === 1)
})

test('a stall buffers at most a few megabytes and can end in a cut', async (t) => {
  const { proxy, guests, visit } = await startEcho(t)
  const client = await visit()
  await waitUntil(() => guests.length === 1)
  proxy.stall()
  let taken = false
  client.write(Buffer.alloc(64 * 1024 * 1024), () => (taken = true))
  await settle()
  assert.equal(taken, false)
  await proxy.cut()
  await waitUntil(() => client.closed)
  assert.equal(guests[0]?.bytesRead, 0)
})

test('latency delays data in each direction', async (t) => {
  const { proxy, visit } = await startEcho(t)
  const client = await visit()
  proxy.latencyMs = 40
  const startedAt = performance.now()
  client.write('hello')
  assert.equal(await readSocket(client), 'hello')
  assert.ok(performance.now() - startedAt > 75)
})

test('all connections share the bytes per second, and a higher limit takes effect at once', async (t) => {
  const { proxy, visit } = await startEcho(t)
  const clients = [await visit(), await visit()]
  proxy.bytesPerSecond = 100_000
  const startedAt = performance.now()
  await Promise.all(
    clients.map(async (client) => {
      let heard = 0
      client.on('data', (bytes: Buffer) => (heard += bytes.length)).write(Buffer.alloc(10_000))
      await waitUntil(() => heard === 10_000)
    }),
  )
  assert.ok(performance.now() - startedAt > 190)
  proxy.bytesPerSecond = 20
  const client = await visit()
  client.write(Buffer.alloc(1_000_000))
  await readSocket(client)
  proxy.bytesPerSecond = Infinity
  let rest = 0
  client.on('data', (bytes: Buffer) => (rest += bytes.length))
  await waitUntil(() => rest >= 999_990)
})
