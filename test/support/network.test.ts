import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from './database.ts'
import { createNetwork, explainMissingNetwork } from './network.ts'

const skip = explainMissingNetwork() ?? false
const POOL = JSON.stringify(new URL('../../src/db/pool.ts', import.meta.url))

const node = (script: string): [string, string[]] => [
  process.execPath,
  ['--input-type=module', '-e', script],
]

test('hosts have separate addresses and reach each other', { skip }, async (t) => {
  const { one, two } = (await createNetwork(t, ['one', 'two'])).hosts
  assert.notEqual(one.address, two.address)
  const server = await one.spawn(
    ...node(`import { createServer } from 'node:http'
    createServer((request, response) => response.end(request.socket.remoteAddress)).listen(8080, '0.0.0.0', () => console.log('ready'))`),
  )
  await server.waitForLine(/ready/)
  const client = await two.spawn(
    ...node(`console.log(await (await fetch('http://${one.address}:8080')).text())`),
  )
  await client.exited
  assert.equal(client.output(), `${two.address}\n`)
})

test('the network is invisible from outside, and two networks do not meet', { skip }, async (t) => {
  const before = Object.keys(networkInterfaces())
  const [here, there] = await Promise.all([createNetwork(t, ['host']), createNetwork(t, ['host'])])
  assert.deepEqual(Object.keys(networkInterfaces()), before)
  assert.equal(here.hosts.host.address, there.hosts.host.address)
})

test(
  'a database of this machine is reachable only at its forwarded address',
  { skip },
  async (t) => {
    const database = await openTestDatabase(t)
    const { hosts, forward } = await createNetwork(t, ['worker'])
    const url = await forward(database.url)
    assert.equal(await forward(database.url), url)
    const sendRequest = async (address: string): Promise<string> => {
      const client = await hosts.worker.spawn(
        ...node(`const { openPool } = await import(${POOL})
      const pool = await openPool('${address}', { applicationName: 'host' })
      console.log(JSON.stringify((await pool.query('select current_database() as name')).rows))
      await pool.end()`),
      )
      await client.exited
      return client.output()
    }
    assert.equal(await sendRequest(url), `[{"name":"${new URL(url).pathname.slice(1)}"}]\n`)
    assert.match(await sendRequest(database.url), /ECONNREFUSED/)
  },
)

/**
 * A server on loopback, and a client on another host. On SIGUSR2 the client writes to its open
 * connection, connects again, and connects to a host for the first time.
 */
async function startTalk(t: TestContext) {
  const heard: string[] = []
  const guests: Socket[] = []
  const server = createServer((guest) => {
    guests.push(
      guest
        .on('data', (bytes: Buffer) => heard.push(bytes.toString()))
        .on('error', (error) => heard.push(error.message)),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const guest of guests) guest.destroy()
  })
  const address = server.address()
  const { hosts, forward } = await createNetwork(t, ['island', 'mainland'])
  const { hostname, port } = new URL(
    await forward(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`),
  )
  const connect = `const { connect } = await import('node:net')
    const call = (name, host = '${hostname}') => connect(${port}, host, () => console.log(name, 'connected'))
      .on('data', (bytes) => console.log(name, 'heard', String(bytes)))
      .on('error', ({ code }) => console.log(name, code)).on('close', () => console.log(name, 'closed'))`
  const caller = await hosts.island.spawn(
    ...node(`${connect}
    const first = call('first')
    process.on('SIGUSR2', () => { first.write('hello'); call('second'); call('never met', '${hosts.mainland.address}') })
    setInterval(() => {}, 1000)`),
  )
  await caller.waitForLine(/first connected/)
  return { ...hosts, heard, guests, caller, connect }
}

/**
 * Resolves when the host has repeated so many packets that it would have given up resolving an
 * address, if it had to resolve one.
 */
const PATIENCE = `until awk '$1 == "Tcp:" && $13 + 0 >= 11 { found = 1 } END { exit !found }' /proc/net/snmp; do sleep 0.05; done`

test(
  'a host that is cut off gets no packets and no refusals while others continue, and receives the lost packets after it is reconnected',
  { skip },
  async (t) => {
    const { heard, guests, caller, connect, island, mainland } = await startTalk(t)
    while (guests.length < 1) await new Promise(setImmediate)
    island.cutOff()
    guests[0]?.write('are you there')
    caller.kill('SIGUSR2')
    const patience = await island.spawn('sh', ['-c', PATIENCE])
    const other = await mainland.spawn(...node(`${connect}; call('other').end()`))
    await other.waitForLine(/other connected/)
    assert.deepEqual(await patience.exited, { code: 0, signal: null })
    assert.equal(caller.output(), 'first connected\n')
    assert.deepEqual([heard, guests.length], [[], 2])

    island.reconnect()
    await caller.waitForLine(/first heard are you there/)
    await caller.waitForLine(/second connected/)
    await caller.waitForLine(/never met ECONNREFUSED/)
    while (heard.length === 0) await new Promise(setImmediate)
    assert.deepEqual(heard, ['hello'])
  },
)

test(
  'processes on a host end with the test, even when the host is cut off',
  { skip },
  async (t) => {
    let talk: Awaited<ReturnType<typeof startTalk>> | undefined
    await t.test('a test that leaves it running', async (inner) => {
      talk = await startTalk(inner)
      talk.island.cutOff()
    })
    assert.equal((await talk?.caller.exited)?.signal, 'SIGKILL')
  },
)
