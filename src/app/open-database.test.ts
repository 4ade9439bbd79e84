import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../config/settings.ts'
import { findDataApi } from './open-database.ts'

test('the Data API of a Supabase project is used only when the settings name no database', () => {
  const project = {
    SUPABASE_URL: 'https://abcdefgh.supabase.co',
    SUPABASE_SECRET_KEY: 'sb_secret_planted',
  }
  assert.equal(findDataApi(loadSettings(project))?.url, 'https://abcdefgh.supabase.co')
  assert.equal(
    findDataApi(loadSettings({ ...project, DATABASE_URL: 'postgres://db.example/x' })),
    null,
  )
  assert.equal(findDataApi(loadSettings({ ...project, DATABASE_URL: 'embedded' })), null)
  assert.equal(findDataApi(loadSettings({})), null)
})
