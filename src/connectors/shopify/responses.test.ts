// Tests errors that a shop returns in place of its products.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf } from './responses.ts'

test('the error of a shop is reported completely or by its size, never in part', () => {
  const said = (errors: unknown): string | null =>
    errorOf(new TextEncoder().encode(JSON.stringify({ errors })))
  assert.equal(said('Not Found'), '"Not Found"')
  assert.equal(said(`${'x'.repeat(190)}planted-secret`), `"${'x'.repeat(190)}planted-secret"`)
  assert.equal(said('x'.repeat(2000)), '2002 bytes of errors')
  assert.equal(errorOf(new TextEncoder().encode('{"products": []}')), null)
})
