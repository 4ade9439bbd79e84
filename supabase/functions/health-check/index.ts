// The state of the database, the supplier and its circuit breaker: 200 while all of them work.

import { healthCheck } from '../../../src/edge/health-check.ts'
import { serveFunction } from '../../../src/edge/serve-function.ts'

Deno.serve(
  serveFunction(healthCheck, {
    read: (name) => Deno.env.get(name),
    write: (line) => console.log(line),
  }),
)
