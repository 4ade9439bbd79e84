// Staging is refused when it shares a secret, a database or a store with production.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSecrets } from '../deploy/fly/environment.ts'
import { refuseProduction } from '../deploy/fly/staging.ts'

const PRODUCTION = {
  ADMIN_KEY: 'planted-admin',
  SYNC_KEY: 'planted-sync',
  MEDIPIM_API_KEY_ID: 'planted-id',
  SECRET_MY_SHOP_API_KEY: 'planted-shop',
  MIGRATE_DATABASE_URL: 'postgres://owner:planted@db.example/shop',
  QUEUE_URL: 'redis://:planted@queue.example/1',
  ARTIFACTS: 's3://raw/shop',
  SUPABASE_URL: 'https://abc.supabase.co',
}
const POOLER = 'aws-0-ap-southeast-2.pooler.supabase.com'

function refusalOf(
  staging: Record<string, string>,
  production: Record<string, string> = PRODUCTION,
) {
  try {
    refuseProduction(staging, production)
  } catch (error) {
    const { message } = error as Error
    assert.doesNotMatch(message, /planted/)
    return message
  }
  return null
}

test('staging may share no secret with production, under any name', () => {
  for (const [staging, expected] of [
    [{ ADMIN_KEY: 'planted-admin' }, 'ADMIN_KEY: the same value as ADMIN_KEY in .env'],
    [{ ADMIN_KEY: 'planted-sync' }, 'ADMIN_KEY: the same value as SYNC_KEY in .env'],
    [{ MEDIPIM_API_KEY_ID: 'planted-id' }, 'MEDIPIM_API_KEY_ID: the same value'],
    [{ SECRET_A_SHOP_API_KEY: 'planted-shop' }, 'the same value as SECRET_MY_SHOP_API_KEY'],
    [{ QUEUE_URL: PRODUCTION.QUEUE_URL }, 'QUEUE_URL: the same value'],
  ] as const)
    assert.ok(refusalOf(staging)?.includes(expected), expected)
  assert.equal(refusalOf({ ADMIN_KEY: 'another', LOG_LEVEL: 'info', BUCKET: 'raw' }), null)
})

test('staging may not share the database, whichever login and host lead to it', () => {
  for (const address of [
    'postgres://other:planted-2@DB.example:5432/shop?sslmode=require',
    'postgresql://db.example/shop',
  ])
    for (const name of ['DATABASE_URL', 'MIGRATE_DATABASE_URL'])
      assert.ok(refusalOf({ [name]: address })?.includes(`${name}: the same database`), address)
  assert.equal(refusalOf({ DATABASE_URL: 'postgres://db.example/staging' }), null)
  assert.equal(refusalOf({ DATABASE_URL: 'postgres://db.example:5433/shop' }), null)

  const direct = { DATABASE_URL: 'postgres://postgres:planted@db.abc.supabase.co/postgres' }
  const pooled = { DATABASE_URL: `postgres://postgres.abc:planted-2@${POOLER}:5432/postgres` }
  const other = { DATABASE_URL: `postgres://postgres.xyz:planted-2@${POOLER}:5432/postgres` }
  assert.match(refusalOf(direct, pooled) ?? '', /DATABASE_URL: the same database/)
  assert.match(refusalOf(pooled, direct) ?? '', /DATABASE_URL: the same database/)
  assert.equal(refusalOf(other, pooled), null)
})

test('staging may not share the project or the place of the artifacts', () => {
  assert.match(refusalOf({ SUPABASE_URL: 'https://ABC.supabase.co/' }) ?? '', /the same project/)
  assert.match(refusalOf({ ARTIFACTS: 's3://raw/shop/' }) ?? '', /ARTIFACTS: the same place/)
  assert.equal(refusalOf({ ARTIFACTS: 's3://raw/staging' }), null)
  assert.equal(refusalOf({ ARTIFACTS: 's3://raw/shop', S3_ENDPOINT: 'https://s3.other' }), null)
})

test('secrets are written as flyctl reads them, which removes a pair of quotation marks', () => {
  assert.equal(
    formatSecrets({ A: 'x=1 #y', B: '"quoted"', C: 'a"' }),
    'A=x=1 #y\nB=""quoted""\nC=a"\n',
  )
})
