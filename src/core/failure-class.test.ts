import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from './error-table.ts'
import { classifyFailure } from './failure-class.ts'
import { SOURCE_ERRORS } from './source-errors.ts'

test('every error of a host has a failure class, and no error of the configuration or of a product has one', () => {
  const without = (Object.keys(SOURCE_ERRORS) as ErrorCode[]).filter(
    (code) => classifyFailure(code) === null,
  )
  assert.deepEqual(without, [
    'source/no-product',
    'source/unknown',
    'source/exists',
    'source/no-connector',
    'source/paused',
  ])
})

test('other errors, and runs without an error, have no failure class', () => {
  assert.equal(classifyFailure('db/unreachable'), null)
  assert.equal(classifyFailure('run/too-many-quarantined'), null)
  assert.equal(classifyFailure(null), null)
})
