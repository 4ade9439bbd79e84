// `shelfsync doctor` on real databases that lack something, and commands without a key.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseEnv } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openTestDatabase } from '../support/database.ts'
import { dropLogins } from '../support/login.ts'
import { openShelfsync } from './shelfsync.ts'

const KEY = 'planted-secret'

async function openPharmacy(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const simulator = await startMedipim({
    products: 3,
    rateLimit: null,
    keys: [{ id: '42', secret: KEY }],
  })
  t.after(simulator.close)
  return openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: `42:${KEY}`,
    ...env,
  })
}

test('a database without a fault has no problem, and each source has its own line', async (t) => {
  const { run } = await openPharmacy(t)
  await run('migrate')
  await run('add', 'medipim', '--name', 'pharmacy')
  const { code, stdout } = await run('doctor')
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^ok    source pharmacy 127\.0\.0\.1:\d+ responded after \d+ ms$/m)
  assert.match(stdout, /^ok    schema /m)
  assert.match(stdout, /^ok    queue /m)
  assert.match(stdout, /\nno problem\n$/)
  assert.deepEqual((await run('doctor', '--json')).json(), { problems: 0, warnings: 0 })
})

test('missing and changed objects are named with the statement that repairs them', async (t) => {
  const { run, db } = await openPharmacy(t)
  await db.query(`drop function catalog.decide_review(bigint, boolean, text, integer, text);
    alter table catalog.runs disable row level security;
    revoke execute on function catalog.add_part from shelfsync_fetcher`)
  const { code, stdout } = await run('doctor')
  assert.equal(code, 1, stdout)
  assert.match(stdout, /^fail  schema .*function catalog\.decide_review\(\S+\) is missing/m)
  assert.match(stdout, /run its statement in supabase\/migrations\/\d+_decisions\.sql again/)
  // The queue was not migrated.
  assert.match(stdout, /^warn  queue .*\n.*run `shelfsync migrate`/m)
  assert.match(stdout, /\n1 problem, 1 warning\n$/)
  const [, repair = ''] = /hint: As the owner: (.*;)/.exec(stdout) ?? []
  await db.query(repair)
  const again = await run('doctor')
  assert.match(again.stdout, /^fail  schema +function catalog\.decide_review\(\S+\) is missing$/m)
})

test('a read-only database and an unreachable source are two problems, each with a hint', async (t) => {
  const { run, db } = await openPharmacy(t)
  await run('migrate')
  await run('add', 'medipim', '--name', 'pharmacy')
  await db.query(
    `update catalog.sources set settings = settings || '{"apiUrl": "http://127.0.0.1:1"}'`,
  )
  await db.query(`do $$ begin
    execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`)
  const { code, stdout } = await run('doctor')
  assert.equal(code, 1, stdout)
  assert.match(
    stdout,
    /^fail  read-only .*\n.*hint: Supabase makes a database read-only .*enlarge/m,
  )
  assert.match(stdout, /^fail  source pharmacy .*127\.0\.0\.1:1.*\n +hint: /m)
  assert.match(stdout, /\n3 problems\n$/)
})

test('a login that may not create the schema is a problem whose hint names the owner', async (t) => {
  const { pool, url } = await openTestDatabase(t, { migrations: [] })
  const role = `reader_${process.pid}`
  await pool.query(`create role ${role} login password 'pw'`)
  const login = Object.assign(new URL(url), { username: role, password: 'pw' }).href
  const { run } = await openShelfsync(t, { DATABASE_URL: login })
  const { code, stdout } = await run('doctor')
  await pool.query(`drop role ${role}`)
  assert.equal(code, 1, stdout)
  assert.match(stdout, /^fail  privileges +the role may not create the objects/m)
})

test('add checks the key of a source before it stores it', async (t) => {
  const { run, db } = await openPharmacy(t, { MEDIPIM_API_KEY: '' })
  const keyless = await run('add', 'medipim', '--name', 'pharmacy')
  assert.equal(keyless.code, 1)
  assert.equal(keyless.stdout, '')
  assert.match(
    keyless.stderr,
    /^error: pharmacy is not added, because medipim needs a key: set MEDIPIM_API_KEY_ID and .* run `shelfsync init`\. To add it without a key: shelfsync add medipim --name pharmacy --no-check\n/,
  )
  assert.equal((await db.query('select from catalog.sources')).rowCount, 0)
  const wrong = await openPharmacy(t, { MEDIPIM_API_KEY: '42:wrong' })
  const refused = await wrong.run('add', 'medipim', '--name', 'pharmacy')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^error: pharmacy is not added: \S+ responded 401/)
  assert.equal((await wrong.db.query('select from catalog.sources')).rowCount, 0)
  const away = await openPharmacy(t, { MEDIPIM_API_URL: 'http://127.0.0.1:1' })
  const unreachable = await away.run('add', 'medipim', '--name', 'pharmacy')
  assert.match(unreachable.stderr, /^error: pharmacy is not added: No response from 127\.0\.0\.1:1/)
  assert.equal((await away.run('add', 'medipim', '--name', 'pharmacy', '--no-check')).code, 0)
})

test('a source that is added without its key says so first, and sync starts no run', async (t) => {
  const { run, db } = await openPharmacy(t, { MEDIPIM_API_KEY: '' })
  const added = await run('add', 'medipim', '--name', 'pharmacy', '--no-check')
  assert.equal(added.code, 0, added.stderr)
  assert.match(
    added.stderr,
    /pharmacy has no key yet: set MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET/,
  )
  assert.match(added.stdout, /^Added pharmacy\. When the key is set: shelfsync sync pharmacy$/m)
  for (const command of [['sync'], ['sync', 'pharmacy', '--keys', 'M0001']]) {
    const { code, stderr } = await run(...command)
    assert.equal(code, 1, stderr)
    assert.match(stderr, /no run was started: set MEDIPIM_API_KEY_ID/)
  }
  assert.equal((await db.query('select from catalog.runs')).rowCount, 0)
})

test('a short key of the HTTP servers is a warning that never shows the key', async (t) => {
  const short = 'short-but-accepted'
  const { run } = await openPharmacy(t, { ADMIN_KEY: 'k'.repeat(32), SYNC_KEY: short })
  const { stdout } = await run('doctor')
  assert.match(stdout, /^warn  keys +1 of 2 keys .* fewer than 32 characters\n +hint: .*openssl/m)
  assert.ok(!stdout.includes(short))
})

test('with a role, doctor checks what a process of this role needs, with its own login', async (t) => {
  const owner = await openPharmacy(t)
  await owner.run('migrate')
  const prefix = `t${randomUUID().slice(0, 8)}`
  t.after(() => dropLogins(owner.url, prefix))
  const file = join(owner.folder, '.env.logins')
  await owner.run('logins', 'orchestrator', '--prefix', prefix, '--to', file)
  const { ORCHESTRATOR_DATABASE_URL: login = '' } = parseEnv(await readFile(file, 'utf8'))
  const settings = {
    DATABASE_URL: login,
    MEDIPIM_API_KEY: '',
    ADMIN_KEY: randomUUID(),
    ARTIFACTS: 'file:/proc/none',
  }
  const { run } = await openShelfsync(t, settings)
  const orchestrator = await run('doctor', 'orchestrator')
  assert.equal(orchestrator.code, 0, orchestrator.stdout)
  assert.match(orchestrator.stdout, /^ok    rights +those of orchestrator$/m)
  assert.match(orchestrator.stdout, /^ok    queue .*\nno problem\n$/m)
  assert.doesNotMatch(orchestrator.stdout, /artifacts|medipim/)

  const fetcher = await run('doctor', 'fetcher')
  assert.equal(fetcher.code, 1, fetcher.stdout)
  assert.match(
    fetcher.stdout,
    /^fail  rights .*lacks the rights of a process with the role fetcher/m,
  )
  assert.match(fetcher.stdout, /^fail  artifacts .*file:\/proc\/none/m)

  const all = await run('doctor')
  assert.match(
    all.stdout,
    /^fail  database .*\n +hint: .*add its role: `shelfsync doctor fetcher`/m,
  )
  const { stdout } = await (await openShelfsync(t, { ADMIN_KEY: '' })).run('doctor', 'maintainer')
  assert.match(stdout, /^fail  keys +ADMIN_KEY is missing.*\n +hint: /m)
  const mistyped = await run('doctor', 'fetchers')
  assert.deepEqual([mistyped.code, /must be one of fetcher/.test(mistyped.stderr)], [64, true])
})
