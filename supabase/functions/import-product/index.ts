// Imports one product: POST {"asin": "B08DQQ8CBP", "marketplace": "www.amazon.com"}.

import { importProduct } from '../../../src/edge/import-product.ts'
import { serveFunction } from '../../../src/edge/serve-function.ts'

Deno.serve(
  serveFunction(importProduct, {
    read: (name) => Deno.env.get(name),
    write: (line) => console.log(line),
  }),
)
