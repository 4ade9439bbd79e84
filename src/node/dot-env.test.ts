import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMisspelt } from './dot-env.ts'

test('a name in .env that is one slip away from a setting is found, unless that setting is there too', () => {
  const meantBy = (...names: string[]) => findMisspelt(names.map((name) => `${name}=x\n`).join('')).map(({ meant }) => meant)
  assert.deepEqual(
    meantBy('ADMIN_KEY2', 'ARTIFACTS_KEEEP', 'ARTIFACT_KEEP', 'LOG_LEVLE', 'MEDIPIM_API_URI', 'bucket'),
    ['ADMIN_KEY', 'ARTIFACTS_KEEP', 'ARTIFACTS_KEEP', 'LOG_LEVEL', 'MEDIPIM_API_URL', 'BUCKET'],
  )
  assert.deepEqual(meantBy('DATABASE_URL', 'DATABASE_URI', 'PORT', 'S3_BUCKET', 'STRIPE_API_KEY', 'CONTACT_US', 'LOGGING'), [])
})
