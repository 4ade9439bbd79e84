// `npm run fuzz`: hostile responses for every registered connector. FUZZ_SEED and FUZZ_ROUNDS
// select other and longer sequences.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { FUZZ } from '../conformance/fuzz.ts'

process.env[FUZZ] = '1'
const names = [...CONNECTORS.keys()]
for (const name of names) await import(`../../src/connectors/${name}/conformance.test.ts`)
// The other access that the owner of a shop can give.
await import('../../src/connectors/shopify/admin/conformance.slow.test.ts')
await import('../../src/connectors/woocommerce/rest/conformance.slow.test.ts')

test('every registered connector is tested', () => assert.ok(names.length >= 2))
