import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/support/database.ts'
import { startTransactionPooler } from '../../test/support/transaction-pooler.ts'
import { SyncError } from '../core/errors.ts'
import { isConnectionError, nameFailure } from './failures.ts'
import { openPool, transaction } from './pool.ts'

const options = { applicationName: 'pool test' }

test('values arrive exact: big integers, decimals and days are never rounded or shifted', async (t) => {
  const { pool } = await testDatabase(t)
  const { rows } = await pool.query(`select 9007199254740991 as safe, 9007199254740993 as big, array[1, null, 9007199254740993] as bigs,
    1.10::numeric as price, array[1.10, null]::numeric[] as prices, '{}'::bigint[] as none,
    date '2026-02-28' as day, timestamptz '2026-01-01 00:00+02' as at`)
  assert.deepEqual(rows[0], {
    safe: 9007199254740991, big: '9007199254740993', price: '1.10', day: '2026-02-28',
    bigs: [1, null, '9007199254740993'], prices: ['1.10', null], none: [], at: new Date('2025-12-31T22:00:00Z'),
  })
})

test('a session runs in UTC, has a name and no statement timeout, whatever the role says', async (t) => {
  const { url, pool } = await testDatabase(t)
  await pool.query(`do $$ begin execute format('alter database %I set statement_timeout = 1000', current_database()); end $$`)
  const fresh = await openPool(url, options)
  const { rows } = await fresh.query(`select current_setting('timezone') as zone, current_setting('statement_timeout') as timeout,
    current_setting('application_name') as name`)
  await fresh.end()
  assert.deepEqual(rows, [{ zone: 'UTC', timeout: '0', name: 'pool test' }])
})

test('a database that cannot be reached is named by host, port and name, never by its password', async (t) => {
  const { url } = await testDatabase(t)
  const wrong = new URL(url)
  wrong.password = 'hunter2%2F'
  const away = new URL(wrong)
  away.port = '1'
  const missing = new URL(url)
  missing.pathname = '/nowhere'
  const cases = [[wrong, /password authentication failed/], [away, /ECONNREFUSED/], [missing, /"nowhere" does not exist/]] as const
  for (const [address, words] of cases) {
    const error = await openPool(address.href, options).then(() => null, (reason: unknown) => reason)
    assert.ok(error instanceof SyncError)
    assert.equal(error.code, 'db/unreachable')
    assert.match(error.message, words)
    assert.ok(error.message.startsWith(`Cannot connect to database ${address.pathname.slice(1)} at ${address.host}: `), error.message)
    assert.doesNotMatch(JSON.stringify([error.message, error.detail]), /hunter2/)
  }
})

test('what is no Postgres address is refused without repeating it', async () => {
  for (const address of ['', 'https://hunter2.example', 'host=localhost password=hunter2']) {
    await assert.rejects(openPool(address, options), (error: unknown) => {
      assert.ok(error instanceof SyncError)
      assert.equal(error.code, 'settings/invalid')
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  }
})

for (const [size, order] of [[1, 'last'], [2, 'last'], [2, 'turn'], [3, 'turn']] as const) {
  test(`a pooler in transaction mode is refused: ${size} sessions, ${order === 'last' ? 'the last used first' : 'in turn'}`, async (t) => {
    const { url } = await testDatabase(t)
    const pooler = await startTransactionPooler(url, size, order)
    await assert.rejects(openPool(pooler.url, options), { code: 'db/unsuitable', message: /pooler in transaction mode: .*port 5432/ })
    await pooler.close()
  })
}

test("Supabase's transaction port is refused before anything is sent to it", async () => {
  for (const host of ['aws-0-eu-west-1.pooler.supabase.com', 'db.abcdefgh.supabase.co']) {
    await assert.rejects(openPool(`postgres://u:p@${host}:6543/postgres`, options), { code: 'db/unsuitable', message: /Port 6543/ })
  }
})

test('sslmode is kept: without TLS on the server, require fails and a missing sslmode goes on in the clear', async (t) => {
  const { url } = await testDatabase(t)
  const strict = new URL(url)
  strict.searchParams.set('sslmode', 'require')
  await assert.rejects(openPool(strict.href, options), { code: 'db/unreachable', message: /does not support SSL/ })
  // Loopback by an address that does not look like it, so that TLS is tried.
  const remote = new URL(url)
  remote.hostname = '0.0.0.0'
  await (await openPool(remote.href, options)).end()
})

test('a transaction keeps all or nothing', async (t) => {
  const { pool } = await testDatabase(t)
  await pool.query('create table kept (n integer)')
  assert.equal(await transaction(pool, async (client) => (await client.query('insert into kept values (1)')).rowCount), 1)
  await assert.rejects(transaction(pool, async (client) => {
    await client.query('insert into kept values (2)')
    throw new Error('no')
  }), /^Error: no$/)
  const client = await pool.connect()
  await transaction(client, (inside) => inside.query('insert into kept values (3)'))
  client.release()
  assert.deepEqual((await pool.query('select n from kept order by n')).rows, [{ n: 1 }, { n: 3 }])
  assert.equal(pool.idleCount, pool.totalCount)
})

test('a transaction in which a failure was swallowed is an error, not a commit that never was', async (t) => {
  const { pool } = await testDatabase(t)
  await assert.rejects(transaction(pool, (client) => client.query('select 1 / 0').catch(() => undefined)), /had failed and was ignored/)
})

test('a connection that breaks inside a transaction is a connection error, is thrown away, and ends nothing else', async (t) => {
  const { pool } = await testDatabase(t)
  const lost = await transaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await pool.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid])
    await client.query('select 1')
  }).then(() => null, (error: unknown) => error)
  assert.ok(isConnectionError(lost), String(lost))
  assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }])
  assert.equal(pool.idleCount, pool.totalCount)
})

test('a Postgres without a free connection says so, and may have one later', async (t) => {
  const { pool, url } = await testDatabase(t)
  const role = `crowded_${process.pid}`
  await pool.query(`create role ${role} login password 'pw' connection limit 0`)
  const connectionString = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const refused = await new pg.Client({ connectionString }).connect().then(() => null, nameFailure)
  await pool.query(`drop role ${role}`)
  assert.ok(refused instanceof SyncError)
  assert.deepEqual([refused.code, refused.action], ['db/unreachable', 'retry'])
  assert.match(refused.message, /^Postgres has no connection left for us: too many connections for role/)
})

test('only a lost connection counts as one', async (t) => {
  const { pool } = await testDatabase(t)
  const failed = await pool.query('select 1 / 0').catch((error: unknown) => error)
  assert.equal(isConnectionError(failed), false)
  assert.equal(isConnectionError(new Error('ECONNREFUSED')), false)
  assert.equal(isConnectionError(new SyncError('db/unsuitable', 'old')), false)
})
