// `shelfsync logins`: logins with the rights of one kind of process, whose passwords are in a
// private file and nowhere else.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseEnv } from 'node:util'
import { credentialsOf } from '../../src/config/connection-address.ts'
import { openPool } from '../../src/db/pool.ts'
import { findLackingRights, type WorkerRole } from '../../src/db/rights.ts'
import { dropLogins } from '../support/login.ts'
import { openShelfsync } from './shelfsync.ts'

const KINDS = ['fetcher', 'maintainer', 'orchestrator', 'web', 'images', 'deliver'] as const
const WORKERS: readonly WorkerRole[] = KINDS.map((kind) => `shelfsync_${kind}` as const)

const WRONG = /the password is wrong/

/** A command line, and a prefix whose roles are dropped: roles belong to the whole server. */
async function openLogins(t: TestContext) {
  const shelfsync = await openShelfsync(t)
  const prefix = `t${randomUUID().slice(0, 8)}`
  t.after(() => dropLogins(shelfsync.url, prefix))
  const file = join(shelfsync.folder, '.env.logins')
  const readAddresses = async () => parseEnv(await readFile(file, 'utf8'))
  const create = async (...args: readonly string[]) => {
    const result = await shelfsync.run('logins', ...args, '--prefix', prefix, '--to', file)
    for (const address of Object.values(await readAddresses().catch(() => ({}))))
      assert.ok(
        !(result.stdout + result.stderr).includes(credentialsOf(address ?? '')?.password ?? '?'),
      )
    return result
  }
  const listVerifiers = async () => {
    const { rows } = await shelfsync.db.query<{ rolpassword: string }>(
      'select rolpassword from pg_authid where rolname like $1 order by rolname',
      [`${prefix}\\_%`],
    )
    return rows.map(({ rolpassword }) => rolpassword)
  }
  return { ...shelfsync, prefix, file, readAddresses, create, listVerifiers }
}

/** Returns the roles whose rights the login of an address has. */
async function listRights(address: string | undefined): Promise<WorkerRole[]> {
  const pool = await openPool(address ?? '', { applicationName: 'test', max: 1 })
  const { lacking } = await findLackingRights(pool, WORKERS)
  await pool.end()
  return WORKERS.filter((role) => !lacking.includes(role))
}

test('each login has the rights of its kind only, and the file is private', async (t) => {
  const { create, readAddresses, file, listVerifiers } = await openLogins(t)
  const { code, stdout } = await create()
  assert.equal(code, 0, stdout)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const addresses = await readAddresses()
  assert.deepEqual(
    Object.keys(addresses).toSorted(),
    KINDS.map((kind) => `${kind.toUpperCase()}_DATABASE_URL`).toSorted(),
  )
  for (const [i, kind] of KINDS.entries())
    assert.deepEqual(await listRights(addresses[`${kind.toUpperCase()}_DATABASE_URL`]), [
      WORKERS[i],
    ])
  assert.equal((await create('services')).code, 0)
  assert.deepEqual(await listRights((await readAddresses())['SERVICES_DATABASE_URL']), WORKERS)
  for (const verifier of await listVerifiers()) assert.match(verifier, /^SCRAM-SHA-256\$4096:/)
})

test('a second call changes nothing, and renewing or losing the file replaces the passwords', async (t) => {
  const { create, readAddresses, file, listVerifiers, db, prefix } = await openLogins(t)
  await create()
  const [addresses, verifiers] = [await readAddresses(), await listVerifiers()]
  assert.match((await create()).stdout, /fetcher: unchanged/)
  assert.deepEqual([await readAddresses(), await listVerifiers()], [addresses, verifiers])

  assert.equal((await create('fetcher', '--renew')).code, 0)
  const renewed = await readAddresses()
  const { FETCHER_DATABASE_URL: old } = addresses
  assert.notEqual(renewed['FETCHER_DATABASE_URL'], old)
  assert.equal(renewed['MAINTAINER_DATABASE_URL'], addresses['MAINTAINER_DATABASE_URL'])
  await assert.rejects(listRights(old), WRONG)

  await db.query(`alter role ${prefix}_fetcher password 'changed-by-somebody'`)
  assert.equal((await create()).code, 0)
  assert.deepEqual(await readAddresses(), renewed)
  await rm(file)
  assert.equal((await create()).code, 0)
  for (const address of Object.values(await readAddresses())) await listRights(address)
  await assert.rejects(listRights(renewed['FETCHER_DATABASE_URL']), WRONG)
})

test('a failure leaves a file that the next call completes, and powerful roles are left alone', async (t) => {
  const { create, run, file, readAddresses, db, prefix, listVerifiers } = await openLogins(t)
  await db.query(`create role ${prefix}_maintainer createrole`)
  const { code, stderr } = await create()
  assert.equal(code, 64)
  assert.match(
    stderr,
    /_maintainer exists and is not a login for one kind.*choose another --prefix/,
  )
  assert.deepEqual((await listVerifiers()).map(Boolean), [true, false])
  const written = await readAddresses()
  const worker = await run('logins', 'maintainer', '--prefix', 'shelfsync', '--to', `${file}.other`)
  assert.match(worker.stderr, /shelfsync_maintainer exists and is not a login for one kind/)
  await db.query(`alter role ${prefix}_maintainer nocreaterole`)
  await db.query(`grant pg_read_all_data to ${prefix}_maintainer`)
  assert.match((await create()).stderr, /_maintainer exists and is not a login for one kind/)
  await db.query(`revoke pg_read_all_data from ${prefix}_maintainer`)
  assert.equal((await create()).code, 0)
  assert.deepEqual(await readAddresses(), written)
  for (const address of Object.values(written)) await listRights(address)
})

test('a login of the services may not create others, and a database is needed', async (t) => {
  const { create, readAddresses } = await openLogins(t)
  await create()
  const { FETCHER_DATABASE_URL = '' } = await readAddresses()
  const worker = await openShelfsync(t, { DATABASE_URL: FETCHER_DATABASE_URL })
  const denied = await worker.run('logins', '--to', 'file', '--prefix', 'other')
  assert.deepEqual(
    [denied.code, /lacks a right.*create role/.test(denied.stderr)],
    [1, true],
    denied.stderr,
  )
  const embedded = await openShelfsync(t, { DATABASE_URL: 'embedded' })
  const none = await embedded.run('logins', '--to', 'file')
  assert.deepEqual([none.code, /Set DATABASE_URL/.test(none.stderr)], [64, true], none.stderr)
})
