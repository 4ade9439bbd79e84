import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLostStorage } from './lasting-storage.ts'
import { loadSettings } from './settings.ts'

const FLY = { FLY_APP_NAME: 'medipim-fetcher' }
const DATABASE_URL = 'postgres://u@db.example/postgres'
const SUPABASE = { SUPABASE_URL: 'https://p.supabase.co', SUPABASE_SECRET_KEY: 'sb_secret_x' }

/** Returns the names of the settings that would lose data. */
function listLost(env: Readonly<Record<string, string>>): string[] {
  return findLostStorage(loadSettings(env)).map((problem) => problem.replace(/:.*/s, ''))
}

test('on Fly.io the embedded database and a folder of artifacts would be lost', () => {
  assert.deepEqual(listLost(FLY), ['DATABASE_URL', 'ARTIFACTS'])
  assert.deepEqual(listLost({ ...FLY, DATABASE_URL }), ['ARTIFACTS'])
  assert.deepEqual(listLost({ ...FLY, DATABASE_URL: 'embedded', ...SUPABASE }), ['DATABASE_URL'])
  assert.deepEqual(listLost({ ...FLY, DATABASE_URL, ...SUPABASE }), [])
  assert.deepEqual(listLost({ ...FLY, DATABASE_URL, ...SUPABASE, ARTIFACTS: 'file:/data' }), [
    'ARTIFACTS',
  ])
  assert.deepEqual(listLost({ ...FLY, DATABASE_URL, ARTIFACTS: 's3://bucket/prefix' }), [])
})

test('elsewhere nothing is refused, and a project with only its Data API has no embedded database', () => {
  assert.deepEqual(listLost({}), [])
  assert.deepEqual(listLost({ FLY_APP_NAME: ' ' }), [])
  assert.deepEqual(listLost({ ...FLY, ...SUPABASE }), [])
})

test('a role that uses no artifacts may have any store', () => {
  const settings = loadSettings({ ...FLY, DATABASE_URL })
  assert.deepEqual(findLostStorage(settings, ['orchestrator']), [])
  assert.deepEqual(findLostStorage(settings, ['orchestrator', 'fetcher']).length, 1)
})
