import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeDotEnv, findCutValues, findMisspelt } from './dot-env.ts'

test('a name in .env that is one slip away from a setting is found, unless that setting is there too', () => {
  const meantBy = (...names: string[]) => findMisspelt(names.map((name) => `${name}=x\n`).join('')).map(({ meant }) => meant)
  assert.deepEqual(
    meantBy('ADMIN_KEY2', 'ARTIFACTS_KEEEP', 'ARTIFACT_KEEP', 'LOG_LEVLE', 'MEDIPIM_API_URI', 'bucket'),
    ['ADMIN_KEY', 'ARTIFACTS_KEEP', 'ARTIFACTS_KEEP', 'LOG_LEVEL', 'MEDIPIM_API_URL', 'BUCKET'],
  )
  assert.deepEqual(meantBy('DATABASE_URL', 'DATABASE_URI', 'PORT', 'S3_BUCKET', 'STRIPE_API_KEY', 'CONTACT_US', 'LOGGING'), [])
})

test('a value that a "#" cuts is named, one in quotes and a comment behind a blank are not', () => {
  const text = 'MEDIPIM_API_KEY_ID=id\nMEDIPIM_API_KEY_SECRET=ab#cdef\nexport ADMIN_KEY = #16-characters\nADMIN_KEY_NEXT=#at-the-start\n' +
    'BUCKET=raw # comment\nS3_SECRET_ACCESS_KEY="a#b"\nCONTACT=\'a#b\' # c\n#LOG_LEVEL=a#b\nSHELFSYNC_HOME=\nOTHER=a#b\n'
  assert.deepEqual(findCutValues(text), ['MEDIPIM_API_KEY_SECRET', 'ADMIN_KEY_NEXT'])
})

test('a byte order mark is no part of the first name, and UTF-16 says so', () => {
  assert.equal(decodeDotEnv(Buffer.from('\ufeffDATABASE_URL=x')), 'DATABASE_URL=x')
  assert.throws(() => decodeDotEnv(Buffer.from('\ufeffA=x', 'utf16le')), /UTF-16/)
})
