// deploy.sh through failures, roll-backs, staging and rotations, with a fake flyctl. The machines of
// one test are real processes, each with nothing but the variables that its app got.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import type { Lifetime } from '../support/database.ts'
import type { Deployed } from '../support/fly.ts'
import { freePort } from '../support/processes.ts'
import {
  assertEnded,
  assertHidden,
  openDeployment,
  PLANTED,
  type TestDeployment,
} from './fly-deployment.ts'

const NO_SYNC = ['--no-sync']

test('a deployment that failed at any step is completed by the next one', async (t) => {
  const deployment = await openDeployment(t)
  const { fly, prefix } = deployment
  const all: Deployed[] = []
  for (const step of [
    `apps create ${prefix}-fetcher`,
    `ips allocate-v6 --app ${prefix}-orchestrator`,
    `secrets import --stage --app ${prefix}-fetcher`,
    '--build-only',
    `--app ${prefix}-fetcher --image`,
    `--app ${prefix}-orchestrator --image`,
  ]) {
    await fly.failAt(step)
    const failed = await fly.deploy('--prefix', prefix, ...NO_SYNC)
    assertEnded(failed, 1)
    assert.match(failed.output, /deploy: `flyctl .*` failed with exit code 1\.\n {2}/)
    assert.match(failed.output, /run deploy\.sh again/)
    assert.ok(failed.commands.at(-1)?.includes(step), failed.output)
    all.push(failed)
  }
  await fly.failAt(null)
  const last = await fly.deploy('--prefix', prefix, ...NO_SYNC)
  assertEnded(last)
  const created = (await fly.calls()).filter(({ words }) => words[1] === 'create')
  assert.equal(created.length, 4, 'one of the four attempts failed')
  const { apps } = await fly.state()
  assert.deepEqual(
    Object.values(apps).map(({ addresses, machines }) => [addresses.length, machines]),
    [
      [1, 1],
      [1, 1],
      [2, 1],
    ],
  )
  await assertHidden(deployment, ...all, last)
})

test('public addresses and settings of other roles are taken away from an app', async (t) => {
  const { fly, prefix } = await openDeployment(t)
  assertEnded(await fly.deploy('--prefix', prefix, ...NO_SYNC))
  await fly.change(({ apps }) => {
    const { addresses, secrets } = apps[`${prefix}-fetcher`] ?? assert.fail()
    addresses.push({ Address: '66.241.1.1', Type: 'shared_v4' }, { Address: '2a09::1', Type: 'v6' })
    Object.assign(secrets, { MIGRATE_DATABASE_URL: 'x', SECRET_OLD_SHOP_API_KEY: 'x', MINE: 'x' })
  })
  const { commands } = await fly.deploy('--prefix', prefix, ...NO_SYNC)
  assert.ok(commands.includes(`flyctl ips release 66.241.1.1 2a09::1 --app ${prefix}-fetcher`))
  const { addresses, secrets } = (await fly.state()).apps[`${prefix}-fetcher`] ?? assert.fail()
  assert.deepEqual(
    addresses.map(({ Type }) => Type),
    ['private_v6'],
  )
  assert.deepEqual(
    ['MIGRATE_DATABASE_URL', 'SECRET_OLD_SHOP_API_KEY', 'MINE'].map((name) => secrets[name]),
    [undefined, undefined, 'x'],
  )
})

test('an existing image is deployed without a build or a migration', async (t) => {
  const { fly, prefix } = await openDeployment(t)
  assertEnded(await fly.deploy('--prefix', prefix, ...NO_SYNC))
  const [image = ''] = (await fly.state()).images
  const { commands, output } = await fly.deploy('--prefix', prefix, '--image', image, ...NO_SYNC)
  assert.doesNotMatch(output, /build-only|migrate/)
  assert.equal(commands.filter((command) => command.includes(`--image ${image}`)).length, 3)
  const missing = await fly.deploy('--prefix', prefix, '--image', `${image}-none`, ...NO_SYNC)
  assertEnded(missing, 1)
  assert.match(missing.output, /flyctl releases --image --app/)
})

test('other apps: one for all roles, or a scheduler in place of the public orchestrator', async (t) => {
  const { fly, prefix } = await openDeployment(t)
  assertEnded(await fly.deploy('--prefix', prefix, '--apps', 'small', ...NO_SYNC))
  const { [`${prefix}-sync`]: small = assert.fail() } = (await fly.state()).apps
  assert.ok(small.secrets['DATABASE_URL']?.includes(`${prefix}_services:`))
  assert.ok('MEDIPIM_API_KEY_SECRET' in small.secrets)
  const kinds = 'fetcher,maintainer,scheduler'
  const deployed = await fly.deploy('--prefix', prefix, '--apps', kinds)
  assertEnded(deployed)
  assert.match(deployed.output, /No app has a public address: the schedule starts the first sync/)
  const { [`${prefix}-scheduler`]: scheduler = assert.fail() } = (await fly.state()).apps
  assert.deepEqual(scheduler.addresses, [])
  assert.deepEqual(Object.keys(scheduler.secrets), ['DATABASE_URL'])
  const unknown = await fly.deploy('--apps', 'fetcher,browser')
  assertEnded(unknown, 1)
  assert.match(unknown.output, /Expected some of maintainer, fetcher, scheduler, orchestrator/)
})

test('staging has smaller machines, other names and its own logins', async (t) => {
  const key = { id: '43', secret: `${PLANTED.MEDIPIM_API_KEY_SECRET}-staging` }
  const [production, staging] = [await openDeployment(t), await openDeployment(t, { key })]
  const { fly, prefix } = production
  const own = {
    ARTIFACTS: 's3://raw/staging',
    S3_ACCESS_KEY_ID: 'OTHER',
    S3_SECRET_ACCESS_KEY: 'OTHER',
  }
  await fly.writeEnv('.env.staging', { ...staging.values, ...own })
  const refused = await fly.deploy('--staging', '--prefix', prefix)
  assertEnded(refused, 1)
  assert.match(refused.output, /ADMIN_KEY: the same value as ADMIN_KEY in \.env/)
  assert.deepEqual(await fly.calls(), [])

  const keys = Object.entries(PLANTED).map(([name, value]) => [name, `${value}-staging`])
  const changed = {
    ...staging.values,
    ...own,
    ...Object.fromEntries(keys),
    MEDIPIM_API_KEY_ID: '43',
  }
  await fly.writeEnv('.env.staging', changed)
  const deployed = await fly.deploy('--staging', '--prefix', prefix, ...NO_SYNC)
  assertEnded(deployed)
  const { apps } = await fly.state()
  assert.deepEqual(
    Object.entries(apps).map(([name, { releases }]) => [name, releases[0]?.memory]),
    [
      [`${prefix}-staging-maintainer`, '512'],
      [`${prefix}-staging-fetcher`, '512'],
      [`${prefix}-staging-orchestrator`, '256'],
    ],
  )
  const env = (kind: string) => apps[`${prefix}-staging-${kind}`]?.releases[0]?.env ?? {}
  assert.equal(env('fetcher')['FETCH_CONCURRENCY'], '1')
  assert.equal(env('maintainer')['APPLY_CONCURRENCY'], '1')
  assert.deepEqual(
    ['fetcher', 'maintainer', 'orchestrator'].map((kind) => env(kind)['EXIT_WHEN_IDLE_SECONDS']),
    ['300', '300', undefined],
  )
  const { DATABASE_URL: address = '' } = apps[`${prefix}-staging-fetcher`]?.secrets ?? {}
  assert.equal(new URL(address).username, `${prefix}_staging_fetcher`)
  await assertHidden(production, refused, deployed)
})

/** A deployment whose machines run here; the orchestrator listens at `url`. */
async function openWithMachines(t: Lifetime): Promise<TestDeployment & { readonly url: string }> {
  const port = String(await freePort())
  const machineEnv = () => ({
    LISTEN_HOST: '127.0.0.1',
    METRICS_HOST: '127.0.0.1',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    METRICS_PORT: '0',
    ORCHESTRATOR_PORT: port,
  })
  const deployment = await openDeployment(t, { products: 40, machineEnv })
  return { ...deployment, url: `http://127.0.0.1:${port}` }
}

test('one machine with every role syncs the first source with its one login', async (t) => {
  const { url, fly, prefix, db } = await openWithMachines(t)
  const deployed = await fly.deploy('--prefix', prefix, '--apps', 'small', '--url', url)
  assertEnded(deployed)
  assert.match(deployed.output, /run \d+ is succeeded/)
  const { rows } = await db.query<{ usename: string }>(
    `select distinct usename from pg_stat_activity where usename like '${prefix}%'`,
  )
  assert.deepEqual(rows, [{ usename: `${prefix}_services` }])
})

test(
  'a deployment syncs the first source, with machines that have only their own settings, and rotates keys',
  { timeout: 900_000 },
  async (t) => {
    const { url, ...deployment } = await openWithMachines(t)
    const { fly, db, prefix } = deployment
    const deploy = (...args: string[]) => fly.deploy('--prefix', prefix, '--url', url, ...args)
    const first = await deploy()
    assertEnded(first)
    assert.match(first.output, /run \d+ is succeeded/)
    const { rows } = await db.query<{ count: number }>('select count(*)::int from catalog.products')
    assert.ok((rows[0]?.count ?? 0) > 0)

    const statusFor = async (key: string): Promise<number> => {
      const response = await fetch(`${url}/status`, { headers: { 'X-ADMIN-KEY': key } })
      await response.arrayBuffer()
      return response.status
    }
    const readEnv = async () => parseEnv(await readFile(join(fly.folder, '.env'), 'utf8'))
    const outputs = [first]
    const rotate = async (...args: string[]): Promise<void> => {
      const rotated = await fly.deploy('rotate', ...args, '--prefix', prefix)
      outputs.push(rotated)
      assertEnded(rotated)
    }
    for (const [key, name] of [
      ['admin', 'ADMIN_KEY'],
      ['sync', 'SYNC_KEY'],
    ] as const) {
      for (const step of ['import --stage', 'deploy']) {
        await fly.failAt(`secrets ${step} --app ${prefix}-orchestrator`)
        const failed = await fly.deploy('rotate', key, '--prefix', prefix)
        assertEnded(failed, 1)
        outputs.push(failed)
      }
      await fly.failAt(null)
      await rotate(key)
      const { [name]: current = '', [`${name}_NEXT`]: next = '' } = await readEnv()
      assert.equal(current, PLANTED[name])
      assert.deepEqual([await statusFor(current), await statusFor(next)], [200, 200])
      outputs.push(await deploy('--no-sync'))
      assert.deepEqual([await statusFor(current), await statusFor(next)], [200, 200])
      await rotate(key, '--finish')
      assert.deepEqual([await statusFor(current), await statusFor(next)], [401, 200])
      const env = await readEnv()
      assert.deepEqual([env[name], env[`${name}_NEXT`]], [next, undefined])
      for (const { secrets } of Object.values((await fly.state()).apps))
        assert.deepEqual([secrets[name], secrets[`${name}_NEXT`]], [next, undefined])
      for (const { output } of outputs) assert.ok(!output.includes(next))
    }
    const again = await deploy()
    assertEnded(again)
    assert.match(again.output, /is succeeded/)
    await assertHidden(deployment, ...outputs, again)
    for (const machine of fly.machines.values()) {
      machine.kill('SIGTERM')
      assert.deepEqual(await machine.exited, { code: 0, signal: null }, machine.output())
    }
  },
)

test('a rotation needs a key and a deployment, and ends only after it has begun', async (t) => {
  const { fly, prefix, values } = await openDeployment(t)
  const fail = async (expected: RegExp, ...args: string[]) => {
    const failed = await fly.deploy('rotate', ...args, '--prefix', prefix)
    assertEnded(failed, 1)
    assert.match(failed.output, expected)
  }
  await fail(new RegExp(`Not deployed yet: ${prefix}-maintainer, `), 'admin')
  assertEnded(await fly.deploy('--prefix', prefix, ...NO_SYNC))
  await fail(/ADMIN_KEY_NEXT is not set: no rotation has begun/, 'admin', '--finish')
  const { SYNC_KEY: _, ...others } = values
  await fly.writeEnv('.env', others)
  await fail(/SYNC_KEY is not set, so there is nothing to rotate/, 'sync')
  await fail(/Allowed choices are admin, sync/, 'read')
})
