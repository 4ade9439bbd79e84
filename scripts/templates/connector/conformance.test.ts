// Runs the suite that every connector passes. `serve` replaces the supplier until there is a
// simulator.

import { testConnector } from '../../../test/conformance/connector.ts'
import { serve } from '../../../test/conformance/supplier.ts'
import { exampleSupplier } from './connector.ts'

testConnector({
  connector: exampleSupplier,
  settings: (origin) => ({ url: `${origin}/products.ndjson`, currency: 'EUR' }),
  // Enough products for two pages or more.
  size: 100,
  start: (size) =>
    serve(size, {
      record: ({ id, title, priceMinor, updatedAtMs, text }) => ({
        id,
        name: title,
        price: priceMinor,
        updated_at: new Date(updatedAtMs).toISOString(),
        text,
      }),
      spoil: (record, flaw) =>
        flaw === 'shape' ? { ...record, name: 7 } : { ...record, id: null },
      respond(_request, records) {
        const lines = [...records, { end: true, count: records.length }]
        return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      },
    }),
})
