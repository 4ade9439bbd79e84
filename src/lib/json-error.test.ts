// The message of V8 quotes part of the text that it could not parse.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeJsonError } from './json-error.ts'

test('a JSON error is described without an excerpt of the text', () => {
  for (const text of [
    'secret',
    '{"a": secret "b"}',
    `{"a": ${'secret '.repeat(20)}}`,
    '"secret',
    '{"a":1 "secret"',
    '',
    '{"a":\n"secret',
    '["secret" is not valid JSON',
  ]) {
    let fault = ''
    try {
      JSON.parse(text)
    } catch (error) {
      fault = describeJsonError(error)
    }
    assert.match(fault, /^(Unexpected|Unterminated|Expected|Bad|not valid)/, text)
    assert.doesNotMatch(fault, /secret/, text)
  }
})
