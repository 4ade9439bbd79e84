// `npm run fuzz`: hostile answers for every connector of the list. FUZZ_SEED and FUZZ_ROUNDS go
// other ways, and further.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { FUZZ } from '../conformance/fuzz.ts'

process.env[FUZZ] = '1'
const names = [...CONNECTORS.keys()]
for (const name of names) await import(`../../src/connectors/${name}/conformance.test.ts`)

test('every connector of the list is under test', () => assert.ok(names.length >= 2))
