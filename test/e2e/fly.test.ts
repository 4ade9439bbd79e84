// `serve` and `doctor` as they run in an app of Fly.io, whose machines lose their disk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openShelfsync } from './shelfsync.ts'

const FLY = { FLY_APP_NAME: 'medipim-fetcher', ADMIN_KEY: 'a key for nothing but tests' }

test('on Fly.io, serve refuses the embedded database and a folder of artifacts, each with the setting to use', async (t) => {
  const { run } = await openShelfsync(t, { ...FLY, DATABASE_URL: '' })
  const { code, stderr, stdout } = await run('serve', 'fetcher')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /DATABASE_URL: expected .* resets the disk .*embedded database/)
  assert.match(stderr, /fly secrets set DATABASE_URL=… --app medipim-fetcher/)
  assert.match(stderr, /ARTIFACTS: expected `supabase:` or `s3:/)
})

test('on Fly.io, doctor reports what serve refuses', async (t) => {
  const { run } = await openShelfsync(t, FLY)
  await run('migrate')
  const refused = await run('doctor')
  assert.equal(refused.code, 1, refused.stdout)
  assert.match(
    refused.stdout,
    /^fail  platform .*serve does not start in the Fly\.io app medipim-fetcher\n +hint: ARTIFACTS: /m,
  )
  assert.match(refused.stdout, /\n1 problem\n$/)
  const elsewhere = await openShelfsync(t, {
    ...FLY,
    ARTIFACTS: 's3://bucket',
    S3_ENDPOINT: 'http://127.0.0.1:1',
    S3_ACCESS_KEY_ID: 'an-id',
    S3_SECRET_ACCESS_KEY: 'a-secret',
  })
  const { stdout } = await elsewhere.run('doctor')
  assert.match(stdout, /^ok    platform +Fly\.io app medipim-fetcher, which stores nothing/m)
})
