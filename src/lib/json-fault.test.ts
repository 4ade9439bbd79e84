// V8 quotes a piece of what it could not read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonFaultOf } from './json-fault.ts'

test('the parser says what is wrong and quotes nothing of the text', () => {
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
      fault = jsonFaultOf(error)
    }
    assert.match(fault, /^(Unexpected|Unterminated|Expected|Bad|not valid)/, text)
    assert.doesNotMatch(fault, /secret/, text)
  }
})
