import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import {
  decodeDotEnv,
  findCutValues,
  findEarlyQuotes,
  findMisspelt,
  findRepeated,
  listStrayLines,
} from './dot-env.ts'

test('a name in .env that is one typing error away from a setting is found, unless that setting is set too', () => {
  const meantBy = (...names: string[]) =>
    findMisspelt(names.map((name) => `${name}=x\n`).join('')).map(({ meant }) => meant)
  assert.deepEqual(
    meantBy(
      'ADMIN_KEY2',
      'ARTIFACTS_KEEEP',
      'ARTIFACT_KEEP',
      'LOG_LEVLE',
      'MEDIPIM_API_URI',
      'bucket',
    ),
    ['ADMIN_KEY', 'ARTIFACTS_KEEP', 'ARTIFACTS_KEEP', 'LOG_LEVEL', 'MEDIPIM_API_URL', 'BUCKET'],
  )
  assert.deepEqual(
    meantBy(
      'DATABASE_URL',
      'DATABASE_URI',
      'PORT',
      'S3_BUCKET',
      'STRIPE_API_KEY',
      'CONTACT_US',
      'LOGGING',
    ),
    [],
  )
})

test('a value cut at a "#" is reported; a quoted value and a comment after a blank are not', () => {
  const text =
    'MEDIPIM_API_KEY_ID=id\nMEDIPIM_API_KEY_SECRET=ab#cdef\nexport ADMIN_KEY = #16-characters\nADMIN_KEY_NEXT=#at-the-start\n' +
    'BUCKET=raw # comment\nS3_SECRET_ACCESS_KEY="a#b"\nCONTACT=\'a#b\' # c\n#LOG_LEVEL=a#b\nSHELFSYNC_HOME=\nOTHER=a#b\n'
  assert.deepEqual(findCutValues(decodeDotEnv(Buffer.from(text))), [
    'MEDIPIM_API_KEY_SECRET',
    'ADMIN_KEY_NEXT',
  ])
})

test('a name is read without marks, blanks and tabs around it, and every kind of line ending is accepted', () => {
  const read = (text: string) => ({ ...parseEnv(decodeDotEnv(Buffer.from(text))) })
  assert.deepEqual(read('\ufeffBUCKET=x'), { BUCKET: 'x' })
  assert.deepEqual(read('\ufeff\u200b\u00a0BUCKET\u00a0=\u00a0"x"\n'), { BUCKET: 'x' })
  assert.deepEqual(read('export\tBUCKET\t=\t"x"\n\texport   CONTACT = y # z\n'), {
    BUCKET: 'x',
    CONTACT: 'y',
  })
  assert.deepEqual(read('BUCKET=x\rCONTACT=y\r\nLOG_LEVEL=\n\n#A=b\n'), {
    BUCKET: 'x',
    CONTACT: 'y',
    LOG_LEVEL: '',
  })
})

test('text that is not UTF-8 is rejected, with a byte order mark or without one', () => {
  const utf16 = Buffer.from('\ufeffBUCKET=x\n', 'utf16le')
  for (const bytes of [
    utf16,
    utf16.subarray(2),
    Buffer.from(utf16).swap16(),
    Buffer.from(utf16).swap16().subarray(2),
  ]) {
    assert.throws(() => decodeDotEnv(bytes), /UTF-16/)
  }
  assert.throws(() => decodeDotEnv(Buffer.from('BUCKET=\xe9', 'latin1')), /not UTF-8/)
})

test('a value that a quotation mark ends early and a setting with two values are reported', () => {
  const text =
    'ADMIN_KEY="abc"def"\nBUCKET="x" # c\nCONTACT=\'it\'s\'\nLOG_LEVEL="info\nS3_REGION="a"\nUSER_AGENT="a"\nBUCKET=y\n#BUCKET=z\n'
  assert.deepEqual(new Set(findEarlyQuotes(text)), new Set(['ADMIN_KEY', 'CONTACT', 'LOG_LEVEL']))
  assert.deepEqual(findRepeated(text), ['BUCKET'])
  assert.deepEqual(
    listStrayLines('set BUCKET=x\n$env:BUCKET = "x"\nBUCKET: x=y\nOTHER-name.x=1\n'),
    [1, 2, 3],
  )
})
