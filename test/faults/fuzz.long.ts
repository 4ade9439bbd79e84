// `npm run fuzz`: hostile responses for every registered connector, and for each access that the
// owner of a shop can give. FUZZ_SEED and FUZZ_ROUNDS select other and longer sequences.

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { FUZZ } from '../conformance/fuzz.ts'

process.env[FUZZ] = '1'
const folder = new URL('../../src/connectors/', import.meta.url)
// A connector whose suite takes long has it among the slow tests.
const files = globSync('**/conformance*.test.ts', { cwd: fileURLToPath(folder) })
for (const file of files) await import(new URL(file, folder).href)

test('every registered connector is tested', () => {
  const tested = new Set(files.map((file) => file.split('/')[0]))
  for (const name of CONNECTORS.keys()) assert.ok(tested.has(name), name)
})
