// What every connector must do, and then what is special about this one.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { testConnector } from '../../../test/conformance/connector.ts'
import { exampleSupplier } from './connector.ts'

testConnector({
  connector: exampleSupplier,
  settings: (origin) => ({ url: `${origin}/products.ndjson`, currency: 'EUR' }),
  record: ({ id, title, priceMinor, updatedAtMs }) => ({
    id,
    name: title,
    price: priceMinor,
    updated_at: new Date(updatedAtMs).toISOString(),
  }),
  answer: (_request, records) => {
    const lines = [...records, { end: true, count: records.length }]
    return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  },
})

test('a captured product becomes the product that it is', async () => {
  const [line = ''] = (await readFile(new URL('fixtures/products.ndjson', import.meta.url), 'utf8')).split('\n')
  const draft = exampleSupplier.normalise(JSON.parse(line), { url: 'https://supplier.example/products.ndjson', currency: 'EUR' })
  assert.equal(draft.externalId, 'p-1')
  assert.equal(draft.title, 'Sun cream SPF 50')
  assert.equal(draft.sourceUpdatedAtMs, Date.UTC(2026, 0, 15, 9, 30))
  assert.deepEqual(draft.prices, [{ variantId: 'p-1', type: 'public', amountMinor: 1250, currency: 'EUR', compareAtMinor: null }])
})
