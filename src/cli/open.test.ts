import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../config/settings.ts'
import { dataApiOf } from './open.ts'

test('a project of Supabase is called only when no database is named', () => {
  const project = {
    SUPABASE_URL: 'https://abcdefgh.supabase.co',
    SUPABASE_SECRET_KEY: 'sb_secret_planted',
  }
  assert.equal(dataApiOf(loadSettings(project))?.url, 'https://abcdefgh.supabase.co')
  assert.equal(
    dataApiOf(loadSettings({ ...project, DATABASE_URL: 'postgres://db.example/x' })),
    null,
  )
  assert.equal(dataApiOf(loadSettings({ ...project, DATABASE_URL: 'embedded' })), null)
  assert.equal(dataApiOf(loadSettings({})), null)
})
