// `serve` and `doctor` as they run in an app of Fly.io, whose machines lose their disk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPlatform } from '../../src/cli/doctor/environment.ts'
import { loadSettings } from '../../src/config/settings.ts'
import { openShelfsync } from './shelfsync.ts'

const FLY = { FLY_APP_NAME: 'medipim-fetcher', ADMIN_KEY: 'a key of 32 characters, for tests' }

test('on Fly.io, serve refuses the embedded database and a folder of artifacts, each with the setting to use', async (t) => {
  const { run } = await openShelfsync(t, { ...FLY, DATABASE_URL: '' })
  const { code, stderr, stdout } = await run('serve', 'fetcher')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /DATABASE_URL: expected .* resets the disk .*embedded database/)
  assert.match(stderr, /fly secrets set DATABASE_URL=… --app medipim-fetcher/)
  assert.match(stderr, /ARTIFACTS: expected `supabase:` or `s3:/)
})

test('on Fly.io, doctor names the roles that serve refuses', async (t) => {
  const { run } = await openShelfsync(t, FLY)
  await run('migrate')
  const { stdout } = await run('doctor')
  assert.match(
    stdout,
    /^warn  platform +in the Fly\.io app medipim-fetcher, shelfsync serve does not start as fetcher, maintainer\n +hint: ARTIFACTS: /m,
  )
  assert.match(stdout, /\n(no problem|0 problems), 1 warning\n$/)
  const orchestrator = await run('doctor', 'orchestrator')
  assert.match(orchestrator.stdout, /^ok    platform /m)
  assert.match(orchestrator.stdout, /\nno problem\n$/)
  const fetcher = await run('doctor', 'fetcher')
  assert.match(fetcher.stdout, /^fail  platform .* does not start as fetcher\n/m)
})

test('on Fly.io, the platform is a problem for doctor when no role starts, and fine when every role does', () => {
  const stateOf = (env: Readonly<Record<string, string>>) =>
    checkPlatform(loadSettings({ ...FLY, ...env }))?.state
  assert.equal(stateOf({}), 'fail')
  const DATABASE_URL = 'postgres://u@db.example/postgres'
  assert.equal(stateOf({ DATABASE_URL, ARTIFACTS: 's3://bucket' }), 'ok')
  assert.equal(checkPlatform(loadSettings({})), null)
})
