// deploy.sh with a fake flyctl, a real database and the real command line. No machine starts here:
// fly-deploy.long.ts starts them.

import assert from 'node:assert/strict'
import { chmod, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Lifetime } from '../support/database.ts'
import { openFly, type TestFly } from '../support/fly.ts'
import { assertEnded, assertHidden, openDeployment, PLANTED } from './fly-deployment.ts'

const NO_SYNC = ['--no-sync']

/** The names of the settings that each app has, by the end of its name. */
async function listSecrets(fly: TestFly): Promise<Record<string, string[]>> {
  const { apps } = await fly.state()
  return Object.fromEntries(
    Object.entries(apps).map(([name, { secrets }]) => [
      name.split('-').slice(1).join('-'),
      Object.keys(secrets).toSorted(),
    ]),
  )
}

test('a first deployment creates everything, each app with its own secrets, and a second one nothing', async (t) => {
  const deployment = await openDeployment(t)
  const { fly, db, prefix } = deployment
  const dry = await fly.deploy('--prefix', prefix, '--dry-run')
  assertEnded(dry)
  assert.match(dry.output, /can be read by other users of this machine: chmod 600/)
  await chmod(join(fly.folder, '.env'), 0o600)
  assert.deepEqual(await fly.calls(), [])
  await assert.rejects(stat(join(fly.folder, '.env.logins')), { code: 'ENOENT' })

  const first = await fly.deploy('--prefix', prefix, ...NO_SYNC)
  assertEnded(first)
  assert.deepEqual(first.commands, dry.commands)
  assert.doesNotMatch(first.output, /can be read by other users/)
  const executed = (await fly.calls()).map(({ words }) => words.join(' '))
  const printed = first.commands.filter((command) => command.startsWith('flyctl '))
  assert.deepEqual(
    printed.map((command) => command.replace(/^flyctl (.*?)(?: {2}#.*)?$/, '$1')),
    executed,
  )
  const keys = ['ADMIN_KEY', 'DATABASE_URL', 'SYNC_KEY']
  const storage = ['ARTIFACTS', 'S3_ACCESS_KEY_ID', 'S3_ENDPOINT', 'S3_SECRET_ACCESS_KEY']
  const medipim = ['MEDIPIM_API_KEY_ID', 'MEDIPIM_API_KEY_SECRET', 'MEDIPIM_API_URL']
  assert.deepEqual(await listSecrets(fly), {
    maintainer: [...keys, ...storage, 'ALLOW_PRIVATE_HOSTS'].toSorted(),
    fetcher: [...keys, ...storage, ...medipim, 'ALLOW_PRIVATE_HOSTS'].toSorted(),
    orchestrator: keys,
  })
  await assertShape(fly, prefix)
  assert.equal((await stat(join(fly.folder, '.env.logins'))).mode & 0o777, 0o600)
  const { rows } = await db.query<{ connector: string }>('select connector from catalog.sources')
  assert.deepEqual(rows, [{ connector: 'medipim' }])

  const before = await fly.state()
  const second = await fly.deploy('--prefix', prefix, ...NO_SYNC)
  assertEnded(second)
  assert.doesNotMatch(second.commands.join('\n'), /apps create|flyctl ips|add|secrets unset/)
  const after = await fly.state()
  for (const [name, app] of Object.entries(before.apps)) {
    const { releases, ...same } = after.apps[name] ?? assert.fail(name)
    const { releases: earlier, ...expected } = app
    assert.deepEqual(same, expected)
    assert.equal(releases.length, earlier.length + 1)
  }
  await assertHidden(deployment, dry, first, second)
})

/** Only the orchestrator is public, each app has one machine, and all have the same image. */
async function assertShape(fly: TestFly, prefix: string): Promise<void> {
  const { apps, images } = await fly.state()
  const types = Object.entries(apps).map(([name, { addresses }]) => [
    name,
    addresses.map(({ Type }) => Type),
  ])
  assert.deepEqual(Object.fromEntries(types), {
    [`${prefix}-maintainer`]: ['private_v6'],
    [`${prefix}-fetcher`]: ['private_v6'],
    [`${prefix}-orchestrator`]: ['shared_v4', 'v6'],
  })
  assert.equal(images.length, 1)
  for (const { machines, releases } of Object.values(apps)) {
    assert.equal(machines, 1)
    assert.deepEqual([releases[0]?.image, releases[0]?.memory], [images[0], null])
  }
  const { env } = apps[`${prefix}-orchestrator`]?.releases[0] ?? assert.fail()
  assert.deepEqual(
    [env['FETCHER_WAKE_URL'], env['MAINTAINER_WAKE_URL']],
    [`http://${prefix}-fetcher.flycast`, `http://${prefix}-maintainer.flycast`],
  )
}

suite('an error states what to do', () => {
  async function fail(t: Lifetime, values: Record<string, string> | null, ...args: string[]) {
    const fly = await openFly(t)
    if (values) await fly.writeEnv('.env', values)
    const deployed = await fly.deploy(...args)
    assertEnded(deployed, 1)
    assert.doesNotMatch(deployed.output, /^\s+at /m)
    assert.deepEqual(await fly.calls(), [])
    return deployed.output
  }
  const COMPLETE = {
    ...PLANTED,
    MIGRATE_DATABASE_URL: 'postgres://owner:planted-password@127.0.0.1:1/none',
    MEDIPIM_API_KEY_ID: '42',
    SUPABASE_URL: 'https://abc.supabase.co',
    SUPABASE_SECRET_KEY: 'sb_secret_planted',
  }

  test('without a file, with missing settings, and with invalid ones', async (t) => {
    assert.match(await fail(t, null), /\.env does not exist\. Copy \.env\.example/)
    const missing = await fail(t, { LOG_LEVEL: 'info' })
    for (const name of [
      'MIGRATE_DATABASE_URL: missing',
      'ADMIN_KEY: missing',
      'The key of medipim',
    ])
      assert.ok(missing.includes(name), missing)
    const { SUPABASE_URL: _, SUPABASE_SECRET_KEY: __, ...noStore } = COMPLETE
    assert.match(await fail(t, noStore), /ARTIFACTS: expected `supabase:` or `s3:/)
    for (const address of ['http://sync.example', 'https://a@sync.example', 'sync.example'])
      assert.match(await fail(t, COMPLETE, '--url', address), /Expected an https:\/\/ address/)
    const local = `${COMPLETE.MIGRATE_DATABASE_URL}?sslmode=verify-full&sslrootcert=ca.crt&sslkey=own.key`
    assert.match(
      await fail(t, { ...COMPLETE, MIGRATE_DATABASE_URL: local }),
      /DATABASE_URL: set the address for the services without the file of sslrootcert, sslkey,/,
    )
    const invalid = await fail(t, { ...COMPLETE, ADMIN_KEY: 'planted', LOG_LEVEL: 'planted' })
    assert.match(invalid, /ADMIN_KEY: expected.*\n.*LOG_LEVEL: expected/)
    assert.doesNotMatch(invalid, /planted/)
  })

  test('without flyctl, and when it is not signed in', async (t) => {
    const fly = await openFly(t)
    await fly.writeEnv('.env', COMPLETE)
    await fly.change((state) => (state.signedIn = false))
    const signedOut = await fly.deploy('--dry-run')
    assertEnded(signedOut, 1)
    assert.match(signedOut.output, /You are not signed in: run `flyctl auth login`/)
    await rm(join(fly.folder, 'flyctl'))
    const missing = await fly.deploy()
    assertEnded(missing, 1)
    for (const line of ['brew install flyctl', 'fly.io/install.sh | sh', 'fly.io/install.ps1'])
      assert.ok(missing.output.includes(line), missing.output)
  })

  test('a key that the supplier refuses, before anything is created', async (t) => {
    const { fly, db, prefix, values } = await openDeployment(t)
    await fly.writeEnv('.env', { ...values, MEDIPIM_API_KEY_ID: '43' })
    const refused = await fly.deploy('--prefix', prefix)
    assertEnded(refused, 1)
    assert.match(
      refused.output,
      /The key of medipim cannot be used, and nothing was created:\n {2}.*401.*\n {2}/,
    )
    assert.deepEqual([await fly.calls(), refused.commands], [[], []])
    const { rows } = await db.query("select from pg_namespace where nspname = 'catalog'")
    assert.deepEqual(rows, [])
  })

  test('when the database is not reached, or a name is taken', async (t) => {
    assert.match(await fail(t, COMPLETE), /sources list.* failed[^]*Cannot connect to database/)
    const { fly, prefix } = await openDeployment(t, { migrated: true })
    await fly.change(({ taken }) => taken.push(`${prefix}-maintainer`))
    const refused = await fly.deploy('--prefix', prefix)
    assertEnded(refused, 1)
    assert.match(refused.output, /Choose another with --prefix/)
  })
})
