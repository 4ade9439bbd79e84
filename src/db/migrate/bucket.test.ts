// The bucket that the migrations create where Postgres has Supabase's Storage.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { PART_BYTES_MAX } from '../../artifacts/parts.ts'
import { BUCKET_DEFAULT } from '../../config/supabase-settings.ts'
import { listMigrations } from './migration-files.ts'

const migration = (await listMigrations()).find(({ name }) => name === 'storage')
const config = await readFile(new URL('../../../supabase/config.toml', import.meta.url), 'utf8')

async function openStorage(t: TestContext) {
  const { pool: db } = await openTestDatabase(t, { migrations: [] })
  await db.query(`create schema storage; create table storage.buckets (id text primary key,
    name text not null unique, public boolean default false, file_size_limit bigint)`)
  const list = async (): Promise<unknown[]> =>
    (await db.query('select * from storage.buckets')).rows
  return { db, list, sql: migration?.sql ?? '' }
}

test('the bucket is private and without a size limit', async (t) => {
  const { db, list, sql } = await openStorage(t)
  for (let times = 0; times < 2; times++) await db.query(sql)
  const bucket = { id: BUCKET_DEFAULT, name: BUCKET_DEFAULT, public: false, file_size_limit: null }
  assert.deepEqual(await list(), [bucket])
})

test('a bucket that exists is not changed', async (t) => {
  const { db, list, sql } = await openStorage(t)
  const own = { id: BUCKET_DEFAULT, name: 'mine', public: true, file_size_limit: 7 }
  await db.query('insert into storage.buckets values ($1, $2, $3, $4)', Object.values(own))
  await db.query(sql)
  assert.deepEqual(await list(), [own])
})

test('an owner without a right to Storage can migrate without the bucket', async (t) => {
  const { db, list, sql } = await openStorage(t)
  const role = `test_${randomUUID().slice(0, 8)}`
  // The rollback removes the role, which belongs to the server.
  await db.query(`begin; create role ${role}; set local role ${role}; ${sql};
    reset role; grant usage on schema storage to ${role}; set local role ${role}; ${sql}; rollback`)
  assert.deepEqual(await list(), [])
})

test("the CLI's settings name the same bucket, with room for a part", () => {
  assert.match(
    config,
    new RegExp(`^\\[storage\\.buckets\\.${BUCKET_DEFAULT}\\]\\npublic = false$`, 'm'),
  )
  const [, mebibytes] = /^file_size_limit = "(\d+)MiB"$/m.exec(config) ?? []
  assert.ok(Number(mebibytes) * 1024 ** 2 > PART_BYTES_MAX)
})
