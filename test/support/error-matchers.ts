// What an error has to say, for `assert.rejects`, and what no error may.

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { SyncError } from '../../src/core/errors.ts'

/**
 * True of an error of ours with this code and message, in which no secret stands anywhere: those of
 * tests are `planted`.
 */
export function isSyncError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SyncError, inspect(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /planted/)
    return true
  }
}
