import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { setInDotEnv } from './edit-dot-env.ts'

test('values are replaced or appended, and all other lines stay', () => {
  const before = '# mine\nOTHER=1 # why\nDATABASE_URL="old\nvalue"\nLAST=2'
  const after = setInDotEnv(before, { DATABASE_URL: 'postgres://u:p%40@h/d', ADDED: 'a#b "c" $&' })
  assert.equal(
    after,
    `# mine\nOTHER=1 # why\nDATABASE_URL=postgres://u:p%40@h/d\nLAST=2\nADDED='a#b "c" $&'\n`,
  )
  for (const value of ["it's", '#', ' x ', '"', '`', '$&', '=']) {
    const text = setInDotEnv('A=1\n', { A: value })
    assert.deepEqual({ ...parseEnv(text) }, { A: value })
  }
  assert.throws(() => setInDotEnv('', { A: `'"\`` }), { code: 'settings/invalid' })
})
