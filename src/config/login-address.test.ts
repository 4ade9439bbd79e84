import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toLoginAddress } from './login-address.ts'

const LOGIN = { user: 'sync_fetcher', password: 'a/b' }

test('the login replaces user and password, and keeps host, database and parameters', () => {
  assert.equal(
    toLoginAddress('postgres://owner:p%40s@db.example:6432/shop?sslmode=require', LOGIN),
    'postgres://sync_fetcher:a%2Fb@db.example:6432/shop?sslmode=require',
  )
  assert.equal(
    toLoginAddress('postgresql://db.example/shop', LOGIN),
    'postgresql://sync_fetcher:a%2Fb@db.example/shop',
  )
})

test("the login keeps the project of Supabase's pooler", () => {
  const pooler = 'aws-0-ap-southeast-2.pooler.supabase.com:5432/postgres'
  assert.equal(
    toLoginAddress(`postgres://postgres.abcdefgh:secret@${pooler}`, LOGIN),
    `postgres://sync_fetcher.abcdefgh:a%2Fb@${pooler}`,
  )
  const direct = 'db.abcdefgh.supabase.co:5432/postgres'
  assert.equal(
    toLoginAddress(`postgres://a.dotted:secret@${direct}`, LOGIN),
    `postgres://sync_fetcher:a%2Fb@${direct}`,
  )
})

test('the login of a local server is in the address, with the folder of its socket or without a host', () => {
  for (const address of [
    'postgres:///shop?host=/run/postgresql&port=5433',
    'postgres://owner:secret@/shop?port=5433&host=/run/postgresql',
    'postgres://owner@%2Frun%2Fpostgresql:5433/shop',
  ])
    assert.equal(
      toLoginAddress(address, LOGIN),
      'postgres://sync_fetcher:a%2Fb@%2Frun%2Fpostgresql:5433/shop',
    )
  assert.equal(
    toLoginAddress('postgres:///shop', LOGIN),
    'postgres://sync_fetcher:a%2Fb@localhost/shop',
  )
})
