// What is special about this connector; conformance.test.ts has what every connector must do.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { exampleSupplier } from './connector.ts'

test('a captured product becomes the product that it is', async () => {
  const [line = ''] = (
    await readFile(new URL('fixtures/products.ndjson', import.meta.url), 'utf8')
  ).split('\n')
  const draft = exampleSupplier.normalise(JSON.parse(line), {
    url: 'https://supplier.example/products.ndjson',
    currency: 'EUR',
  })
  assert.equal(draft.externalId, 'p-1')
  assert.equal(draft.title, 'Sun cream SPF 50')
  assert.equal(draft.sourceUpdatedAtMs, Date.UTC(2026, 0, 15, 9, 30))
  assert.deepEqual(draft.prices, [
    { variantId: 'p-1', type: 'public', amountMinor: 1250, currency: 'EUR', compareAtMinor: null },
  ])
})
