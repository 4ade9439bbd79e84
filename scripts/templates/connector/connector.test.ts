// Behaviour of this connector only; conformance.test.ts covers what every connector must do.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { normalise } from './normalise.ts'

const fixture = new URL('fixtures/products.ndjson', import.meta.url)
const settings = { url: 'https://supplier.example/products.ndjson', currency: 'EUR' }

test('a captured record becomes a product with its price in minor units', async () => {
  const [line = ''] = (await readFile(fixture, 'utf8')).split('\n')
  const draft = normalise(JSON.parse(line), settings)
  assert.equal(draft.externalId, 'p-1')
  assert.equal(draft.title, 'Sun cream SPF 50')
  assert.equal(draft.sourceUpdatedAtMs, Date.UTC(2026, 0, 15, 9, 30))
  assert.deepEqual(draft.prices, [
    { variantId: 'p-1', type: 'public', amountMinor: 1250, currency: 'EUR', compareAtMinor: null },
  ])
})

test('an unknown price stays unknown', async () => {
  const lines = (await readFile(fixture, 'utf8')).split('\n')
  const { prices } = normalise(JSON.parse(lines[2] ?? ''), settings)
  assert.equal(prices[0]?.amountMinor, null)
})
