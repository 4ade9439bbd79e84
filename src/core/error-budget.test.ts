// The error budget of a source, as a table of cases.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureErrorBudget } from './error-budget.ts'

test('1 % of the runs of a week uses up the budget, and one failed run alone does not', () => {
  const cases = [
    [0, {}, { failedRatio: null, leftRatio: null, spent: false }],
    [7, {}, { failedRatio: 0, leftRatio: 1, spent: false }],
    [1000, { 'source/unavailable': 5 }, { failedRatio: 0.005, leftRatio: 0.5, spent: false }],
    [
      1000,
      { 'source/unavailable': 9, internal: 1 },
      { failedRatio: 0.01, leftRatio: 0, spent: true },
    ],
    [10, { 'source/unavailable': 1 }, { failedRatio: 0.1, leftRatio: -9, spent: false }],
    [10, { 'source/unavailable': 2 }, { failedRatio: 0.2, leftRatio: -19, spent: true }],
  ] as const
  for (const [runs, failures, expected] of cases) {
    const { failedRatio, leftRatio, spent } = measureErrorBudget({ runs, failures })
    assert.deepEqual({ failedRatio, leftRatio, spent }, expected, JSON.stringify([runs, failures]))
  }
})

test('a run that fails because of the host itself does not use the budget', () => {
  const failures = { 'source/gone': 1, 'source/password': 1, 'source/malformed': 3, 'db/slow': 1 }
  assert.deepEqual(measureErrorBudget({ runs: 10, failures }), {
    good: 4,
    failed: 1,
    excluded: 5,
    failedRatio: 0.2,
    leftRatio: -19,
    spent: false,
  })
})
