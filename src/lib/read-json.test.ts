import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { HttpResponse } from '../core/http.ts'
import { SyncError } from '../core/errors.ts'
import { readJson } from './read-json.ts'

const Feed = z.object({ items: z.array(z.json()) })

function respond(body: string | Uint8Array, status = 200): HttpResponse {
  const { headers, body: stream } = new Response(body as BodyInit, { status })
  return {
    status,
    headers,
    url: 'https://hardware.example/products.json',
    body: stream ?? new Blob().stream(),
    cancel: async () => undefined,
  }
}

test('a whole document of the expected shape is returned, with or without a byte order mark', async () => {
  for (const mark of ['', '\ufeff'])
    assert.deepEqual(await readJson(respond(`${mark}{"items":[1]}`), Feed), { items: [1] })
})

const failures = [
  ['a document that ends in the middle', respond('{"items":[{"a'), 'source/cut-short'],
  ['an empty body', respond(''), 'source/cut-short'],
  ['a body that is not JSON', respond('<html>'), 'source/malformed'],
  ['text that is not UTF-8', respond(new Uint8Array([0x22, 0xff, 0x22])), 'source/malformed'],
  ['a document of another shape', respond('{"items":7}'), 'source/malformed'],
  ['a document above the limit', respond(`{"items":["${'a'.repeat(99)}"]}`), 'source/too-large'],
  ['a rejected key', respond('{}', 401), 'source/unauthorized'],
  ['a server that is down', respond('{}', 503), 'source/unavailable'],
] as const
for (const [what, response, code] of failures) {
  test(`${what} is ${code}`, async () => {
    await assert.rejects(
      readJson(response, Feed, 100),
      (error) => error instanceof SyncError && error.code === code,
    )
  })
}
