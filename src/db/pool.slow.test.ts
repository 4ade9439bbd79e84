import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { createCertificate } from '../../test/support/certificate.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { startTransactionPooler } from '../../test/support/transaction-pooler.ts'
import { SyncError } from '../core/errors.ts'
import { isConnectionError, toSyncError } from './errors.ts'
import { openPool } from './pool.ts'
import { transaction } from './transaction.ts'

const options = { applicationName: 'pool test' }

test('big integers, decimals and days are read exactly', async (t) => {
  const { pool } = await openTestDatabase(t)
  const { rows } =
    await pool.query(`select 9007199254740991 as safe, 9007199254740993 as big, array[1, null, 9007199254740993] as bigs,
    1.10::numeric as price, array[1.10, null]::numeric[] as prices, '{}'::bigint[] as none,
    date '2026-02-28' as day, timestamptz '2026-01-01 00:00+02' as at`)
  assert.deepEqual(rows[0], {
    safe: 9007199254740991,
    big: '9007199254740993',
    price: '1.10',
    day: '2026-02-28',
    bigs: [1, null, '9007199254740993'],
    prices: ['1.10', null],
    none: [],
    at: new Date('2025-12-31T22:00:00Z'),
  })
})

test('a session overrides the settings of the database and the role', async (t) => {
  const { url, pool } = await openTestDatabase(t)
  const odd = {
    timezone: 'Asia/Tokyo',
    datestyle: 'German',
    intervalstyle: 'sql_standard',
    bytea_output: 'escape',
    search_path: 'evil',
    statement_timeout: '1000',
    lock_timeout: '1000',
    idle_session_timeout: '60000',
    client_encoding: 'LATIN1',
    extra_float_digits: '-3',
    default_transaction_isolation: 'serializable',
    array_nulls: 'off',
    transform_null_equals: 'on',
  }
  const role = `odd_${process.pid}`
  await pool.query(`create role ${role} login superuser password 'pw'`)
  for (const [name, value] of Object.entries(odd)) {
    await pool.query(
      `do $$ begin execute format('alter database %I set ${name} = %L', current_database(), '${value}'); end $$`,
    )
    await pool.query(`alter role ${role} set ${name} = '${value}'`)
  }
  const fresh = await openPool(
    Object.assign(new URL(url), { username: role, password: 'pw' }).href,
    options,
  )
  const { rows } =
    await fresh.query(`select timestamptz '2026-01-31 12:00Z' as at, date '2026-01-31' as day, '\\x00ff'::bytea as bytes, (interval '1 day')::text as span,
    1.1::float8 / 3 as float, '{null}'::text[] as list, (null = null) is null as nulls, 'ü' as umlaut, current_setting('search_path') as path,
    current_setting('statement_timeout') || current_setting('lock_timeout') || current_setting('idle_session_timeout') as timeouts,
    current_setting('transaction_isolation') as isolation, current_setting('application_name') as name`)
  await fresh.end()
  await pool.query(`drop role ${role}`)
  assert.deepEqual(rows, [
    {
      at: new Date('2026-01-31T12:00:00Z'),
      day: '2026-01-31',
      bytes: Buffer.from([0, 255]),
      span: '1 day',
      float: 1.1 / 3,
      list: [null],
      nulls: true,
      umlaut: 'ü',
      path: 'public',
      timeouts: '000',
      isolation: 'read committed',
      name: 'pool test',
    },
  ])
})

test('a read-only database can be read, and a write reports it', async (t) => {
  const { url, pool } = await openTestDatabase(t)
  await pool.query(
    `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
  )
  const fresh = await openPool(url, options)
  assert.deepEqual((await fresh.query('select count(*) from catalog.sources')).rows, [{ count: 0 }])
  const refused = await fresh.query('create table kept (n integer)').then(() => null, toSyncError)
  await fresh.end()
  assert.ok(refused instanceof SyncError)
  assert.deepEqual([refused.code, refused.action], ['db/read-only', 'retry'])
  assert.match(refused.message, /^The database is read-only: /)
})

async function failureOf(address: string): Promise<SyncError> {
  const error = await openPool(address, options).then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SyncError, String(error))
  return error
}

test('each kind of connection failure has its own message, with host, port and name but never the password', async (t) => {
  const { url, pool } = await openTestDatabase(t)
  const role = `locked_${process.pid}`
  await pool.query(`create role ${role} nologin password 'hunter2/'`)
  const mute = createServer((socket) =>
    socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  )
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const at = (changes: Partial<URL>): URL =>
    Object.assign(new URL(url), { password: 'hunter2%2F', ...changes })
  const { port } = mute.address() as AddressInfo
  const cases = [
    [at({}), /the password is wrong, or user "postgres" does not exist$/],
    [
      at({ username: 'missing user' }),
      /the password is wrong, or user "missing user" does not exist$/,
    ],
    [at({ username: role }), /does not let user ".*" log in$/],
    [
      Object.assign(new URL(url), { password: '' }),
      /requires a password, and DATABASE_URL has none$/,
    ],
    [Object.assign(new URL(url), { username: 'hunter2', password: '' }), /requires a password/],
    [
      Object.assign(new URL(url), { pathname: '/now%20here' }),
      /Cannot connect to database now here at .*: database "now here" does not exist on this server$/,
    ],
    [
      at({ port: '1' }),
      /nothing accepts connections there; check host and port, and that the server runs \(ECONNREFUSED\)$/,
    ],
    [
      at({ hostname: 'nowhere.invalid' }),
      /DNS (does not know the host; check its name|does not respond) \(E/,
    ],
    [at({ hostname: '0.0.0.0', port: String(port) }), /is there a Postgres at this port\?$/],
    [
      at({ search: 'sslmode=require' }),
      /the server has no TLS \(SSL\), which sslmode in DATABASE_URL requires$/,
    ],
    [at({ search: 'sslmode=no-verify' }), /the server has no TLS/],
    [
      at({ search: 'sslmode=require&sslnegotiation=direct' }),
      /direct needs Postgres 17 .* remove it/,
    ],
  ] as const
  for (const [address, words] of cases) {
    const error = await failureOf(address.href)
    assert.equal(error.code, 'db/unreachable')
    assert.match(error.message, words)
    assert.ok(
      error.message.startsWith(
        `Cannot connect to database ${decodeURIComponent(address.pathname.slice(1))} at ${address.host}: `,
      ),
      error.message,
    )
    assert.doesNotMatch(JSON.stringify([error.message, error.detail]), /hunter2/)
  }
  mute.close()
  await pool.query(`drop role ${role}`)
})

test('a self-signed certificate is accepted unless the address requires verification', async (t) => {
  const { key, cert } = createCertificate('db.test')
  // Acts as a Postgres up to the password: it agrees to TLS, and refuses every login.
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        socket.write('S')
        const secure = new TLSSocket(socket, { isServer: true, key, cert }).on(
          'error',
          () => undefined,
        )
        const fields = Buffer.from('SFATAL\0C28P01\0Mno\0\0')
        secure.once('data', () =>
          secure.end(
            Buffer.concat([Buffer.from('E'), Buffer.from([0, 0, 0, fields.length + 4]), fields]),
          ),
        )
      })
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  t.after(() => server.close())
  const base = `postgres://u:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/x`
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-'))
  t.after(() => rm(folder, { recursive: true }))
  const root = join(folder, 'root.pem')
  await writeFile(root, createCertificate('other.test').cert)
  for (const mode of [
    'require',
    'no-verify',
    `no-verify&sslrootcert=${root}`,
    `no-verify&uselibpqcompat=true`,
    'require&ssl=1',
    'no-verify&ssl=true',
  ]) {
    assert.match(
      (await failureOf(`${base}?sslmode=${mode}`)).message,
      /the password is wrong/,
      mode,
    )
  }
  for (const mode of [
    'verify-full',
    'verify-full&sslrootcert=system',
    `require&sslrootcert=${root}`,
    `verify-ca&sslrootcert=${root}`,
  ]) {
    assert.match(
      (await failureOf(`${base}?sslmode=${mode}`)).message,
      /the server's TLS certificate is not trusted/,
      mode,
    )
  }
  assert.match((await failureOf(`${base}?ssl=true`)).message, /the password is wrong/)
  // As in libpq, it implies verify-full.
  const { message } = await failureOf(`${base}?sslrootcert=system`)
  assert.match(message, /the server's TLS certificate is not trusted/)
})

test('the message for an unreadable address explains the fault and repeats no part of the address', async () => {
  const cases = [
    ['postgres://postgres:hunter2/Summer!x@db.example:5432/postgres', /write "\/" as %2F/],
    ['postgres://postgres:hunter%ss@db.example/postgres', /"%" as %25/],
    ['postgres://u:hunter2@one.example:5432,two.example:5432/x', /with one host/],
    [
      'postgres://u:hunter2@db.example/x?sslmode=verify_full',
      /expected sslmode to be one of disable, allow/,
    ],
    ['postgres://u:hunter2@db.example/x?sslmode=require&sslnegotiation=never', /sslnegotiation/],
    ['postgres://u:hunter2@db.example/x?sslmode=verify-ca', /needs sslrootcert/],
    [
      'postgres://u:hunter2@db.example/x?sslmode=require&sslrootcert=system',
      /needs sslmode=verify-full/,
    ],
    ['postgres://u:hunter2@db.example/x?ssl=hunter2', /expected ssl to be true or false/],
    [
      'postgres://u:hunter2@db.example/x?connect_timeout=hunter2',
      /expected connect_timeout to be whole seconds/,
    ],
    ['postgres://u:hunter2@db.example/x?port=hunter2', /of the form/],
    ['postgres://u:hunter2@/x?host=one.example,two.example', /with one host/],
    [
      'postgres://u:hunter2@db.example/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
      /the file of sslrootcert cannot be read \(ENOENT\)/,
    ],
  ] as const
  for (const [address, words] of cases) {
    const { code, message } = await failureOf(address)
    assert.equal(code, 'settings/invalid')
    assert.match(message, words)
    assert.doesNotMatch(message, /hunter|Summer/)
  }
})

test('an invalid Postgres address is refused without repeating it', async () => {
  for (const address of ['', 'https://hunter2.example', 'host=localhost password=hunter2']) {
    await assert.rejects(openPool(address, options), (error: unknown) => {
      assert.ok(error instanceof SyncError)
      assert.equal(error.code, 'settings/invalid')
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  }
})

for (const [size, order] of [
  [1, 'last'],
  [2, 'last'],
  [2, 'turn'],
  [3, 'turn'],
] as const) {
  test(`a pooler in transaction mode is refused: ${size} sessions, ${order === 'last' ? 'the last used first' : 'in turn'}`, async (t) => {
    const { url } = await openTestDatabase(t)
    const pooler = await startTransactionPooler(url, size, order)
    await assert.rejects(openPool(pooler.url, options), {
      code: 'db/unsuitable',
      message: /pooler in transaction mode: .*port 5432/,
    })
    await pooler.close()
  })
}

test("Supabase's transaction port is refused before anything is sent to it", async () => {
  for (const host of ['aws-0-eu-west-1.pooler.supabase.com', 'db.abcdefgh.supabase.co']) {
    await assert.rejects(openPool(`postgres://u:p@${host}:6543/postgres`, options), {
      code: 'db/unsuitable',
      message: /Port 6543/,
    })
  }
})

test('sslmode is kept: without TLS on the server, require fails and a missing sslmode connects without TLS', async (t) => {
  const { url } = await openTestDatabase(t)
  const strict = new URL(url)
  strict.searchParams.set('sslmode', 'require')
  await assert.rejects(openPool(strict.href, options), {
    code: 'db/unreachable',
    message: /has no TLS \(SSL\)/,
  })
  // This address reaches the local machine but does not look local, so TLS is tried.
  const remote = new URL(url)
  remote.hostname = '0.0.0.0'
  await (await openPool(remote.href, options)).end()
  remote.searchParams.set('ssl', 'false')
  remote.searchParams.set('replication', 'database')
  const pool = await openPool(remote.href, options)
  assert.equal((await pool.query('select $1::text as word', ['x'])).rowCount, 1)
  await pool.end()
})

test('a transaction commits all of its work or nothing', async (t) => {
  const { pool } = await openTestDatabase(t)
  await pool.query('create table kept (n integer)')
  assert.equal(
    await pool.transaction(
      async (client) => (await client.query('insert into kept values (1)')).rowCount,
    ),
    1,
  )
  await assert.rejects(
    pool.transaction(async (client) => {
      await client.query('insert into kept values (2)')
      throw new Error('no')
    }),
    /^Error: no$/,
  )
  const client = await pool.connect()
  await transaction(client, () => client.query('insert into kept values (3)'))
  client.release()
  assert.deepEqual((await pool.query('select n from kept order by n')).rows, [{ n: 1 }, { n: 3 }])
  assert.equal(pool.idleCount, pool.totalCount)
})

test('a transaction with an ignored failure is an error, not a commit', async (t) => {
  const { pool } = await openTestDatabase(t)
  await assert.rejects(
    pool.transaction((client) => client.query('select 1 / 0').catch(() => undefined)),
    /had failed and was ignored/,
  )
})

test('a connection that breaks inside a transaction is a connection error and leaves the pool', async (t) => {
  const { pool } = await openTestDatabase(t)
  const lost = await pool
    .transaction(async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      await pool.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid])
      await client.query('select 1')
    })
    .then(
      () => null,
      (error: unknown) => error,
    )
  assert.ok(isConnectionError(lost), String(lost))
  assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }])
  assert.equal(pool.idleCount, pool.totalCount)
})

test('a Postgres without a free connection is reported as such, and is retried', async (t) => {
  const { pool, url } = await openTestDatabase(t)
  const role = `crowded_${process.pid}`
  await pool.query(`create role ${role} login password 'pw' connection limit 0`)
  const connectionString = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const refused = await new pg.Client({ connectionString }).connect().then(() => null, toSyncError)
  await pool.query(`drop role ${role}`)
  assert.ok(refused instanceof SyncError)
  assert.deepEqual([refused.code, refused.action], ['db/unreachable', 'retry'])
  assert.match(refused.message, /^Postgres has no connection left: too many connections for role/)
})

test('a pool opens with one connection when Postgres reports its own process', async (t) => {
  const { pool, url } = await openTestDatabase(t)
  const role = `single_${process.pid}`
  await pool.query(`create role ${role} login password 'pw' connection limit 1`)
  const address = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const single = await openPool(address, options)
  assert.equal(single.totalCount, 1)
  await assert.rejects(openPool(address, options), {
    code: 'db/unreachable',
    message: /no connection left/,
  })
  await single.end()
  await pool.query(`drop role ${role}`)
})

test('only a lost connection counts as a connection error', async (t) => {
  const { pool } = await openTestDatabase(t)
  const failed = await pool.query('select 1 / 0').catch((error: unknown) => error)
  assert.equal(isConnectionError(failed), false)
  assert.equal(isConnectionError(new Error('ECONNREFUSED')), false)
  assert.equal(isConnectionError(new SyncError('db/unsuitable', 'old')), false)
})
