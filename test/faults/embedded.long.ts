// Tests with real servers in temporary folders and real processes.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { text as readText } from 'node:stream/consumers'
import { after, before, test, type TestContext } from 'node:test'
import pg from 'pg'
import {
  type Embedded,
  type EmbeddedOptions,
  openEmbedded,
} from '../../src/embedded-postgres/embedded.ts'
import { type Account, runAs } from '../../src/embedded-postgres/account.ts'
import { findPlace } from '../../src/embedded-postgres/data-directory.ts'
import { PRESENCE_LOCK } from '../../src/embedded-postgres/presence.ts'
import {
  findServer,
  readLogTail,
  removeStalePidFile,
  stopServer,
} from '../../src/embedded-postgres/server.ts'

const SETTINGS = { fsync: 'off', shared_buffers: '16MB' }
const onLinux = process.platform === 'linux'
/** An account without rights on any machine. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const asRoot = process.getuid?.() === 0

/** A home with a database. Copying it takes a twentieth of the time of creating one. */
let seed: string

before(async () => {
  seed = await mkdtemp(join(tmpdir(), 'shelfsync-seed-'))
  await chmod(seed, 0o755)
  await (await open({ home: seed })).close()
})

after(() => rm(seed, { recursive: true, force: true }))

test('a database is created on first use and kept', async (t) => {
  const home = await temporaryHome(t)
  const heard: string[] = []
  const first = await open({ home, onProgress: (text) => heard.push(text) })
  await query(first.url, 'create table kept as select 42 as value')
  await first.close()
  const second = await open({ home, onProgress: (text) => heard.push(text) })
  assert.deepEqual(await query(second.url, 'select value from kept'), [{ value: 42 }])
  assert.deepEqual(heard, [
    'Preparing the database, once …',
    'Starting the database …',
    'Starting the database …',
  ])
  assert.equal(second.url, first.url, 'the address stays the same')
  assert.ok(Number(new URL(first.url).port) < 32_768, 'no outgoing connection takes its port')
})

test('only this machine and only readers of the password can connect', async (t) => {
  const home = await usedHome(t)
  const { url } = await open({ home })
  assert.deepEqual(await query(url, 'show listen_addresses'), [{ listen_addresses: '127.0.0.1' }])
  assert.equal((await stat(join(home, 'postgres', 'password'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(home, 'postgres'))).mode & 0o777, 0o700)
  const guessed = new URL(url)
  guessed.password = 'guess'
  await assert.rejects(query(guessed.href, 'select 1'), /password authentication failed/)
})

test(
  'the server has a separate process group and does not get our environment',
  { skip: !onLinux },
  async (t) => {
    const home = await usedHome(t)
    const child = await spawnUser(t, home, { PLANTED_SECRET: 'hunter2' })
    const group = (await readFile(`/proc/${child.serverPid}/stat`, 'utf8'))
      .split(') ')[1]
      ?.split(' ')[2]
    assert.equal(Number(group), child.serverPid)
    assert.doesNotMatch(await readFile(`/proc/${child.serverPid}/environ`, 'utf8'), /hunter2/)
  },
)

test('the server of a killed process is adopted instead of restarted', async (t) => {
  const home = await usedHome(t)
  const child = await spawnUser(t, home)
  await kill(child.process)
  const { url } = await open({ home })
  assert.equal(await pidOf(home), child.serverPid)
  assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }])
})

test('a server killed with kill -9 is restarted and keeps every committed row', async (t) => {
  const home = await usedHome(t)
  const first = await open({ home })
  await query(first.url, 'create table kept as select 42 as value')
  process.kill(await pidOf(home), 'SIGKILL')
  const second = await open({ home })
  assert.deepEqual(await query(second.url, 'select value from kept'), [{ value: 42 }])
})

test('a pid file whose pid belongs to another program does not prevent a start', async (t) => {
  const home = await usedHome(t)
  const first = await open({ home })
  const file = join(home, 'postgres', 'data', 'postmaster.pid')
  const lines = (await readFile(file, 'utf8')).split('\n')
  await first.close()
  const other = spawn('sleep', ['1000'], { stdio: 'ignore', ...(await findPlace(home))?.account })
  t.after(() => kill(other))
  await writeFile(file, [other.pid, ...lines.slice(1)].join('\n'))
  const second = await open({ home })
  assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }])
  assert.equal(other.exitCode, null)
})

test('a pid file with an unused pid is left to Postgres, because another process may be starting', async (t) => {
  const home = await usedHome(t)
  const place = await findPlace(home)
  assert.ok(place)
  const file = join(home, 'postgres', 'data', 'postmaster.pid')
  const dead = spawn('true', { stdio: 'ignore' })
  await once(dead, 'exit')
  await writeFile(file, `${dead.pid}\n`)
  await removeStalePidFile(place)
  assert.equal(await readFile(file, 'utf8'), `${dead.pid}\n`)
})

test('processes that open a new home at the same time share one server, and later ones join it', async (t) => {
  const home = await temporaryHome(t)
  const servers = await Promise.all([open({ home }), open({ home })])
  const { serverPid } = await spawnUser(t, home)
  assert.equal(servers[0].url, servers[1].url)
  assert.deepEqual(
    await query(servers[0].url, 'select pg_postmaster_start_time() is not null as runs'),
    [{ runs: true }],
  )
  assert.equal(await pidOf(home), serverPid)
  assert.deepEqual(await readdir(home), ['postgres'], 'the slower draft is removed')
})

test('a process that joins a stopping server waits and restarts it', async (t) => {
  const home = await usedHome(t)
  const first = await open({ home })
  const leaver = new pg.Client({ connectionString: first.url })
  leaver.on('error', () => undefined)
  await leaver.connect()
  await first.close({ keepServer: true })
  await leaver.query('select pg_advisory_lock($1)', [PRESENCE_LOCK])

  let arrived = false
  const coming = open({ home }).finally(() => (arrived = true))
  const waiters = `select from pg_locks where locktype = 'advisory' and not granted`
  while (!arrived && (await leaver.query(waiters)).rowCount === 0) continue
  const place = await findPlace(home)
  assert.ok(place)
  await stopServer(place)
  assert.deepEqual(await query((await coming).url, 'select 1 as one'), [{ one: 1 }])
})

test('a process that joins while the last one leaves gets a server that stays', async (t) => {
  const home = await usedHome(t)
  await (await open({ home })).close()
  await Promise.all(
    [1, 2, 3].map(async () => {
      for (let round = 0; round < 5; round++) {
        const server = await open({ home })
        assert.deepEqual(await query(server.url, 'select pg_sleep(0.01)::text as slept'), [
          { slept: '' },
        ])
        await server.close()
      }
    }),
  )
  assert.equal(await pidOf(home), 0)
})

test('close keeps the server for other clients, and stops it after the last one', async (t) => {
  const home = await usedHome(t)
  const [one, two] = [await open({ home }), await open({ home })]
  await one.close()
  await one.close()
  assert.deepEqual(await query(two.url, 'select 1 as one'), [{ one: 1 }])

  const stranger = new pg.Client({ connectionString: two.url })
  await stranger.connect()
  await two.close()
  assert.equal((await stranger.query('select 1')).rowCount, 1)
  await stranger.end()

  await (await open({ home })).close()
  assert.equal(await pidOf(home), 0)
})

test('stop ends the server with clients connected', async (t) => {
  const home = await usedHome(t)
  const [one, two] = [await open({ home }), await open({ home })]
  await one.stop()
  assert.equal(await pidOf(home), 0)
  await two.close()
})

test('a server that cannot start is an error with the end of its log', async (t) => {
  const home = await usedHome(t)
  await assert.rejects(
    open({ home, settings: { shared_buffers: 'plenty' }, launchRetryMs: 0 }),
    (error: Error) => {
      assert.match(
        error.message,
        /does not start.*invalid value for parameter "shared_buffers": "plenty"/,
      )
      return 'code' in error && error.code === 'db/unreachable'
    },
  )
})

test('data of another Postgres version is rejected with both versions', async (t) => {
  const home = await usedHome(t)
  await (await open({ home })).close()
  await writeFile(join(home, 'postgres', 'data', 'PG_VERSION'), '17\n')
  await assert.rejects(open({ home }), /created by Postgres 17, but Postgres 18 is installed/)
})

test(
  'root with a home that only root can enter gets a server in the shelter, with a link',
  { skip: !asRoot },
  async (t) => {
    const home = await temporaryHome(t, 0o700)
    const shelter = join(await temporaryHome(t), 'shelter')
    const first = await open({ home, shelter })
    await query(first.url, 'create table kept as select 42 as value')
    await first.close()
    assert.match(await readlink(join(home, 'postgres')), new RegExp(`^${shelter}/`))
    assert.equal(await readFile(join(home, 'postgres', 'home'), 'utf8'), `${home}\n`)
    const second = await open({ home, shelter })
    assert.deepEqual(await query(second.url, 'select value from kept'), [{ value: 42 }])
  },
)

test('data that root has copied is rejected with the remedy', { skip: !asRoot }, async (t) => {
  const home = await temporaryHome(t)
  await runAs({}, 'cp', ['-r', join(seed, 'postgres'), home])
  await assert.rejects(open({ home }), /belongs to root, probably as a copy.*chown -R/)
  await rm(join(home, 'postgres'), { recursive: true })
})

test(
  'root follows no link that the account of the embedded database puts in the place of a file',
  { skip: !asRoot },
  async (t) => {
    const home = await usedHome(t)
    const place = await findPlace(home)
    assert.ok(place)
    const closed = await temporaryHome(t, 0o700)
    const secret = join(closed, 'secret')
    /**
     * Opens the server while a link leads to a file of root with `text`, restores the place, and
     * returns the message.
     */
    const refusal = async (file: string, text: string): Promise<string> => {
      const [at, aside] = [join(place.directory, file), join(closed, 'aside')]
      await writeFile(secret, text, { mode: 0o600 })
      await rename(at, aside)
      await symlink(secret, at)
      const said = await open({ home, launchRetryMs: 0 }).then(
        async (server) => (await server.stop(), 'open'),
        ({ message }: Error) => message,
      )
      assert.equal(await readFile(secret, 'utf8'), text, `${file} was written to`)
      await rm(at, { force: true })
      await rename(aside, at)
      return said
    }
    await (await open({ home })).close()
    assert.equal(await refusal('log', 'shadow'), 'open', 'a log of another account is renamed')
    assert.match(
      await refusal('password', 'shadow'),
      /password of the embedded database cannot be read.* user \d+, the account of the database, cannot read it$/,
    )
    assert.match(
      await refusal('data/PG_VERSION', '17'),
      /version of the embedded database cannot be read/,
    )

    // An error message does not quote another file as the log either.
    await writeFile(secret, 'shadow', { mode: 0o600 })
    await rm(join(place.directory, 'log'))
    await symlink(secret, join(place.directory, 'log'))
    assert.equal(await readLogTail(place), 'its log cannot be read')
    await rm(join(place.directory, 'log'))

    const running = await open({ home })
    const pidFile = join(place.directory, 'data', 'postmaster.pid')
    await rename(pidFile, secret)
    await symlink(secret, pidFile)
    await chown(secret, 0, 0)
    assert.equal(await findServer(place), null)
    await rm(pidFile)
    await rename(secret, pidFile)
    await chown(pidFile, place.account.uid ?? 0, place.account.gid ?? 0)
    await running.stop()

    const options = join(place.directory, 'data', 'postmaster.opts')
    const noted = await readFile(options, 'utf8')
    await rm(options)
    await writeFile(secret, noted.replace(/port=\d+/, 'port=54399'), { mode: 0o600 })
    await symlink(secret, options)
    const elsewhere = await open({ home, launchRetryMs: 0 }).then(
      async ({ url, stop }) => (await stop(), url),
      ({ message }: Error) => message,
    )
    assert.doesNotMatch(elsewhere, /54399/)
  },
)

test('a large log is renamed', async (t) => {
  const home = await usedHome(t)
  const log = join(home, 'postgres', 'log')
  await truncate(log, 9 * 1024 * 1024)
  await (await open({ home })).close()
  assert.equal((await stat(`${log}.1`)).size, 9 * 1024 * 1024)
  assert.ok((await stat(log)).size < 1024 * 1024)
  assert.equal((await stat(log)).mode & 0o777, 0o600)
})

test('a link into a shelter that was emptied is replaced', { skip: !asRoot }, async (t) => {
  const [home, shelter] = [await temporaryHome(t, 0o700), await temporaryHome(t)]
  await (await open({ home, shelter })).close()
  await rm(shelter, { recursive: true })
  const { url } = await open({ home, shelter })
  assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }])
})

test(
  'a home may be relative to the working directory, for root and for other users',
  { skip: !onLinux },
  async (t) => {
    const accounts: Account[] = asRoot ? [{}, NOBODY] : [{}]
    for (const account of accounts) {
      const folder = await temporaryHome(t)
      const closed = await temporaryHome(t, 0o700)
      if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
      const said = await runUser(folder, account, {
        home: '.home',
        shelter: join(closed, 'shelter'),
        settings: SETTINGS,
      })
      assert.match(said, /^open/)
      assert.deepEqual(
        (await readdir(join(folder, '.home'))).filter((name) => !name.startsWith('binaries')),
        ['postgres'],
      )
      assert.ok(
        (await lstat(join(folder, '.home', 'postgres'))).isDirectory(),
        'the shelter is not used',
      )
    }
  },
)

test('a user who cannot enter the home gets an error', { skip: !asRoot }, async (t) => {
  const home = await temporaryHome(t, 0o700)
  const said = await runUser(tmpdir(), NOBODY, { home, shelter: join(home, 'shelter') })
  assert.match(
    said,
    /^db\/unsuitable: The database needs the folder .*choose a SHELFSYNC_HOME that this user can enter/,
  )
})

function open(options: EmbeddedOptions): Promise<Embedded> {
  return openEmbedded({ settings: SETTINGS, ...options })
}

/** Creates a folder that every account can enter. Its server is stopped with the test. */
async function temporaryHome(t: TestContext, mode = 0o755): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-embedded-'))
  await chmod(home, mode)
  t.after(async () => {
    const place = await findPlace(home)
    if (place) await stopServer(place)
    await rm(home, { recursive: true, force: true })
  })
  return home
}

async function usedHome(t: TestContext): Promise<string> {
  const home = await temporaryHome(t)
  await runAs({}, 'cp', ['-a', join(seed, 'postgres'), home])
  return home
}

interface User {
  readonly process: ChildProcess
  readonly serverPid: number
}

/** Starts a process that opens the server and runs until it is killed. */
async function spawnUser(
  t: TestContext,
  home: string,
  secrets: Record<string, string> = {},
): Promise<User> {
  const script = `import { openEmbedded } from ${JSON.stringify(new URL('../../src/embedded-postgres/embedded.ts', import.meta.url).href)}
    await openEmbedded(${JSON.stringify({ home, settings: SETTINGS })})
    console.log('open')`
  // A killed process leaves a truncated coverage file, which breaks the report.
  const env = { ...process.env, ...secrets, NODE_V8_COVERAGE: '' }
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  t.after(() => kill(child))
  for await (const line of createInterface({ input: child.stdout })) if (line === 'open') break
  return { process: child, serverPid: await pidOf(home) }
}

/**
 * Opens and closes a server in a process of another working directory and account; returns `open`
 * or the error's code and message.
 */
async function runUser(cwd: string, account: Account, options: EmbeddedOptions): Promise<string> {
  const script = `import { openEmbedded } from ${JSON.stringify(new URL('../../src/embedded-postgres/embedded.ts', import.meta.url).href)}
    try {
      await (await openEmbedded(${JSON.stringify(options)})).close()
      console.log('open')
    } catch (error) {
      console.log(error.code + ': ' + error.message)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd,
    ...account,
  })
  return readText(child.stdout)
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Returns 0 without a server. */
async function pidOf(home: string): Promise<number> {
  const place = await findPlace(home)
  return (place && (await findServer(place))?.pid) ?? 0
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
