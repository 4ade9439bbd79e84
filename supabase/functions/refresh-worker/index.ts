// Requests the products that are due again. The schedule calls it every hour: catalog.schedule_refresh().

import { refreshWorker } from '../../../src/edge/refresh-worker.ts'
import { serveFunction } from '../../../src/edge/serve-function.ts'

Deno.serve(
  serveFunction(refreshWorker, {
    read: (name) => Deno.env.get(name),
    write: (line) => console.log(line),
  }),
)
