import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../node/settings.ts'
import { surpriseIn } from './open.ts'

test('whoever names a Supabase project but no database is told where the data goes', () => {
  const project = { SUPABASE_URL: 'https://abcdefgh.supabase.co', SUPABASE_SECRET_KEY: 'sb_secret_planted' }
  assert.match(surpriseIn(loadSettings(project)) ?? '', /Shelfsync's own in \.shelfsync\.\n +Set DATABASE_URL/)
  assert.equal(surpriseIn(loadSettings({ ...project, DATABASE_URL: 'postgres://db.example/x' })), null)
  assert.equal(surpriseIn(loadSettings({})), null)
})
