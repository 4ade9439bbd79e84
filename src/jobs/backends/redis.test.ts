import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { Cluster, Redis } from 'ioredis'
import type { Lifetime } from '../../../test/support/database.ts'
import {
  cleanEnv,
  findProgram,
  explainMissingProgram,
  startProcess,
  startServer,
} from '../../../test/support/processes.ts'
import { startRedis, startSentinel } from '../../../test/support/redis.ts'
import { createRedis, openRedis } from './redis.ts'

const skip = explainMissingProgram('redis-server', 'redis-server')

const noTls = skip || explainMissingProgram('openssl', 'openssl')

interface TlsServer {
  readonly port: number
  /** Path of its certificate, for clients that trust it. */
  readonly trust: string
}

/**
 * Starts a server that accepts only TLS, with a certificate for this machine. A Sentinel uses the
 * certificate of its master.
 */
async function startTls(
  t: Lifetime,
  kind: 'server' | 'sentinel' | 'cluster',
  master?: TlsServer,
): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-tls-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'redis.conf')
  const trust = master?.trust ?? join(folder, 'cert.pem')
  const key = join(dirname(trust), 'key.pem')
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  if (!master)
    execFileSync(
      findProgram('openssl', 'openssl'),
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-out',
        trust,
        '-subj',
        '/CN=localhost',
        '-addext',
        names,
      ],
      { stdio: 'ignore' },
    )
  const own =
    kind === 'sentinel'
      ? ['--sentinel']
      : kind === 'cluster'
        ? ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-announce-ip', '127.0.0.1']
        : []
  const { port } = await startServer(
    async (at) => {
      const files = `tls-cert-file ${trust}\ntls-key-file ${key}\ntls-ca-cert-file ${trust}\ntls-auth-clients no\ntls-replication yes\n`
      const monitor = master ? `sentinel monitor main 127.0.0.1 ${master.port} 1\n` : 'save ""\n'
      await writeFile(
        config,
        `bind 127.0.0.1\nport 0\ntls-port ${at}\ndir ${folder}\n${files}${monitor}`,
      )
      return startProcess(t, findProgram('redis-server', 'redis-server'), [config, ...own])
    },
    kind === 'sentinel' ? /\+monitor master main/ : /Ready to accept connections/,
  )
  return { port, trust }
}

/** Sets a key in a process that trusts this certificate. Returns the response of Redis. */
async function setByTls(url: string, trust: string): Promise<string> {
  const script = `import { openRedis } from ${JSON.stringify(new URL('redis.ts', import.meta.url).href)}
    const client = await openRedis(${JSON.stringify(url)}, { onError: () => undefined })
    console.log(await client.set('key', 'value'))
    client.disconnect()`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script],
    { env: cleanEnv({ NODE_EXTRA_CA_CERTS: trust }) },
  )
  return stdout.trim()
}

function optionsOf(url: string): Redis['options'] {
  const client = createRedis(url)
  assert.ok(client instanceof Redis)
  return client.options
}

suite('QUEUE_URL', () => {
  test('names a server, with a database and credentials', () => {
    const { host, port, db, username, password } = optionsOf(
      'redis://me:p%40ss%3A@queue.example:6380/2',
    )
    assert.deepEqual(
      { host, port, db, username, password },
      { host: 'queue.example', port: 6380, db: 2, username: 'me', password: 'p@ss:' },
    )
    assert.ok(optionsOf('rediss://queue.example').tls)
  })

  test('names Sentinels, a master and its credentials', () => {
    const { sentinels, name, username, password, maxRetriesPerRequest } = optionsOf(
      'redis-sentinel://me:p%40ss%3A@one:26380,two,[fd00::3]:26381/main',
    )
    assert.deepEqual(sentinels, [
      { host: 'one', port: 26380 },
      { host: 'two', port: 26379 },
      { host: 'fd00::3', port: 26381 },
    ])
    assert.deepEqual(
      { name, username, password, maxRetriesPerRequest },
      { name: 'main', username: 'me', password: 'p@ss:', maxRetriesPerRequest: null },
    )
    assert.equal(optionsOf('redis-sentinel://one').name, 'mymaster')
  })

  test('names nodes of a Cluster and their credentials', () => {
    const client = createRedis('redis-cluster://:secret@one:7000,two')
    assert.ok(client instanceof Cluster)
    assert.deepEqual(Reflect.get(client, 'startupNodes'), [
      { host: 'one', port: 7000 },
      { host: 'two', port: 6379 },
    ])
    assert.deepEqual(client.options.redisOptions, {
      password: 'secret',
      maxRetriesPerRequest: null,
      keepAlive: 5000,
    })
  })
})

for (const url of [
  'redis://127.0.0.1:1',
  'rediss://127.0.0.1:1',
  'redis-cluster://:hidden@127.0.0.1:1,127.0.0.1:2',
  'redis-sentinel://me:hidden@127.0.0.1:1/main',
]) {
  test(`${url.split(':')[0]} without a server fails at once, and the error does not contain the password`, async () => {
    await assert.rejects(openRedis(url, { onError: () => undefined }), (error: Error) => {
      assert.match(error.message, /^Cannot reach QUEUE_URL \(redis.*127\.0\.0\.1:1.*\): ./)
      assert.doesNotMatch(error.message, /hidden/)
      return 'code' in error && error.code === 'queue/unreachable'
    })
  })
}

test('a wrong password fails at once', { skip }, async (t) => {
  const { url } = await startRedis(t)
  const admin = await openRedis(url, { onError: () => undefined })
  await admin.config('SET', 'requirepass', 'the right one')
  admin.disconnect()
  const wrong = url.replace('//', '//:wrong@')
  await assert.rejects(openRedis(wrong, { onError: () => undefined }), {
    code: 'queue/unreachable',
    message: /WRONGPASS|NOAUTH/,
  })
})

test('a client waits for a server that becomes unavailable', { skip }, async (t) => {
  const redis = await startRedis(t)
  const client = await openRedis(redis.url, { onError: () => undefined })
  t.after(() => client.disconnect())
  await redis.stop()
  const response = client.ping()
  await redis.restart()
  assert.equal(await response, 'PONG')
})

test('a process that ends does not wait for an unavailable server', { skip }, async (t) => {
  const redis = await startRedis(t)
  const leaving = new AbortController()
  const client = await openRedis(redis.url, { onError: () => undefined }, leaving.signal)
  await redis.stop()
  const response = client.ping()
  leaving.abort()
  await assert.rejects(response, /Connection is closed/)
})

test(
  'a client that disconnects while it waits to reconnect emits end, and its duplicate does too',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    const client = await openRedis(redis.url, { onError: () => undefined })
    const duplicate = client.duplicate().on('error', () => undefined)
    await once(duplicate, 'ready')
    const both = [client, duplicate]
    const waiting = both.map((one) => once(one, 'reconnecting'))
    await redis.stop()
    await Promise.all(waiting)
    const ended = both.map((one) => once(one, 'end'))
    for (const one of both) one.disconnect()
    await Promise.all(ended)
  },
)

test('a client of Sentinels connects to their master', { skip }, async (t) => {
  const redis = await startRedis(t)
  const port = await startSentinel(t, redis.url)
  const client = await openRedis(`redis-sentinel://127.0.0.1:${port}/main`, {
    onError: () => undefined,
  })
  t.after(() => client.disconnect())
  await client.set('key', 'value')
  const direct = await openRedis(redis.url, { onError: () => undefined })
  t.after(() => direct.disconnect())
  assert.equal(await direct.get('key'), 'value')
})

test(
  'rediss:// uses TLS with a server, a Cluster and the master of Sentinels',
  { skip: noTls },
  async (t) => {
    const server = await startTls(t, 'server')
    assert.equal(await setByTls(`rediss://localhost:${server.port}`, server.trust), 'OK')
    await assert.rejects(
      openRedis(`rediss://localhost:${server.port}`, { onError: () => undefined }),
      { code: 'queue/unreachable', message: /self.signed certificate/ },
    )
    const cluster = await startTls(t, 'cluster')
    const url = `rediss-cluster://localhost:${cluster.port}`
    await assert.rejects(setByTls(url, cluster.trust), /its nodes do not serve all slots/)
    const ask = (...command: string[]) =>
      execFileSync(
        findProgram('redis-cli', 'redis-tools'),
        ['--tls', '--cacert', cluster.trust, '-p', String(cluster.port), ...command],
        { encoding: 'utf8' },
      )
    ask('cluster', 'addslotsrange', '0', '16383')
    while (!ask('cluster', 'info').includes('cluster_state:ok')) await new Promise(setImmediate)
    assert.equal(await setByTls(url, cluster.trust), 'OK')
    const sentinel = await startTls(t, 'sentinel', server)
    assert.equal(
      await setByTls(`rediss-sentinel://127.0.0.1:${sentinel.port}/main`, sentinel.trust),
      'OK',
    )
  },
)
