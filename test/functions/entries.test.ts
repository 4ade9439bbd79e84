// The entries in supabase/functions, imported with a stand-in for the global of Deno: each serves
// its function, which needs a key. The slow tests beside this run them in Deno.

import assert from 'node:assert/strict'
import { test } from 'node:test'

type Handler = (request: Request) => Promise<Response>

const ENV: Readonly<Record<string, string>> = {
  SUPABASE_URL: 'http://127.0.0.1:1',
  SUPABASE_SECRET_KEY: 'sb_secret_only-for-tests',
}

test('each entry serves its function with the environment and the log of Deno', async (t) => {
  const served: Handler[] = []
  Object.assign(globalThis, {
    Deno: {
      serve: (handler: Handler) => served.push(handler),
      env: { get: (name: string) => ENV[name] },
    },
  })
  const logged = t.mock.method(console, 'log', () => undefined)
  for (const [name, method] of [
    ['import-product', 'POST'],
    ['refresh-worker', 'POST'],
    ['health-check', 'GET'],
  ] as const) {
    await import(`../../supabase/functions/${name}/index.ts`)
    const handler = served.at(-1)
    assert.ok(handler)
    const response = await handler(new Request('http://edge', { method }))
    assert.equal(response.status, 401)
    assert.match(String(logged.mock.calls.at(-1)?.arguments[0]), new RegExp(`"function":"${name}"`))
  }
  assert.equal(served.length, 3)
})
