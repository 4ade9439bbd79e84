// Checks an error's code, message and lack of secrets, for `assert.rejects`.

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { SyncError } from '../../src/core/errors.ts'

/**
 * True for a SyncError with this code and message that contains no secret. The secrets of tests
 * contain the word `planted`.
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
