import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyCounts, toLedger } from '../core/ledger.ts'
import type { Plan } from '../pipeline/plan.ts'
import { formatPlan } from './plan.ts'

const GREEN: Plan = {
  kind: 'full',
  state: 'succeeded',
  reason: null,
  ledger: toLedger(null, 0, emptyCounts()),
  removalsOff: null,
}

test('the headline of a plan lists the changes, and states that removals and prices would wait if the run is held', () => {
  const headline = (plan: Plan, changes: Record<string, number>) =>
    formatPlan('shop', plan, changes).split('\n')[0]
  const held: Plan = {
    ...GREEN,
    state: 'held',
    reason: '30 of 60 products are missing (more than 15 %)',
  }
  assert.equal(
    headline(GREEN, { created: 1200, updated: 2 }),
    'shop: full run: created 1,200 · updated 2',
  )
  assert.equal(headline(GREEN, {}), 'shop: full run: nothing would change')
  assert.equal(
    headline(held, { updated: 2 }),
    'shop: full run that would be held: updated 2; removals and changed prices would wait for a decision',
  )
  assert.equal(
    headline(held, {}),
    'shop: full run that would be held: nothing would change at once; removals and changed prices would wait for a decision',
  )
  assert.match(formatPlan('shop', held, {}), /\n {2}because: 30 of 60 products are missing/)
})
