import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFreshness } from './freshness.ts'

const NO_QUOTA = { capacity: null, perDay: null, leftToday: null, sharing: null }

test('the line about fresh products agrees with each number, and states when no quota is known', () => {
  assert.equal(
    formatFreshness({ products: 1, hot: 1, due: 1, late: 1, ...NO_QUOTA }),
    '1 of 1 product is late, 1 is due, 1 is hot; no run has recorded a daily quota',
  )
  const quota = { capacity: 600, perDay: 80, leftToday: 70, sharing: 2 }
  assert.equal(
    formatFreshness({ products: 1_000, hot: 2, due: 3, late: 2, ...quota }),
    '2 of 1,000 products are late, 3 are due, 2 are hot; the quota keeps 600 fresh ' +
      '(80 requests a day, 70 left today, shared by 2 sources): ' +
      'set requestsPerDay if the supplier allows more, or keep fewer',
  )
})
