import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyOutcomes, rateSuccess } from './ledger.ts'

test('the success of a run counts records without blank lines, and requests', () => {
  const outcomes = {
    ...emptyOutcomes(),
    created: 5,
    unchanged: 1,
    blank: 10,
    quarantined: 1,
    held: 1,
  }
  assert.deepEqual(rateSuccess(outcomes, { requests: 3, failedRequests: 1 }), {
    recordSuccessRate: 0.75,
    requests: 3,
    failedRequests: 1,
    requestSuccessRate: 0.6667,
  })
})

test('a run without records or requests has no rate', () => {
  assert.deepEqual(rateSuccess(emptyOutcomes(), { requests: 0, failedRequests: 0 }), {
    recordSuccessRate: null,
    requests: 0,
    failedRequests: 0,
    requestSuccessRate: null,
  })
})
