import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyCounts, toLedger } from '../../core/ledger.ts'
import type { PlannedChange } from '../../pipeline/apply/plan-writer.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { Output } from '../terminal/output.ts'
import { formatPlan } from './plan.ts'
import { PlannedChanges } from './planned-changes.ts'

const NOWHERE = { write: () => true }
const output = new Output(NOWHERE, NOWHERE)
const GREEN: Plan = {
  kind: 'full',
  state: 'succeeded',
  reason: null,
  ledger: toLedger(null, 0, emptyCounts()),
  removalsOff: null,
  diff: null,
}
const HELD: Plan = { ...GREEN, state: 'held', reason: '30 of 60 products are missing' }

function change(kind: PlannedChange['kind'], externalId: string): PlannedChange {
  return { externalId, kind, detail: {}, title: `Title ${externalId}`, currencies: {} }
}

function addAll(limit: number, changes: readonly PlannedChange[]): PlannedChanges {
  const planned = new PlannedChanges(limit)
  for (const one of changes) planned.add(one)
  return planned
}

test('the summary of a plan states how the run would end, and counts the changes in one order', () => {
  const lines = (plan: Plan, changes: Record<string, number>) =>
    formatPlan('shop', plan, changes).split('\n')
  const green = lines(GREEN, { updated: 2, created: 1200 })
  assert.equal(green[0], 'shop: full run that would succeed')
  assert.match(green[1] ?? '', /^ {2}fetched 0 · created 0 · /)
  assert.equal(green[2], '  changes: created 1,200 · updated 2')
  assert.equal(lines(GREEN, {})[2], '  changes: none')
  assert.deepEqual(lines(HELD, {}).slice(0, 2), [
    'shop: full run that would be held; its removals and changed prices would wait for a decision',
    '  because: 30 of 60 products are missing',
  ])
})

test('a plan prints a few changes of each kind, and the command that prints all', () => {
  const planned = addAll(4, [
    ...['a', 'b', 'c', 'd', 'e'].map((id) => change('updated', id)),
    change('removed', 'r'),
    change('created', 'n'),
  ])
  assert.deepEqual(planned.format(output, 'shelfsync plan shop --all'), [
    'created 1',
    '  n (Title n)',
    'updated 5, the first 2',
    '  a (Title a)',
    '  b (Title b)',
    'removed 1',
    '  r (Title r)',
    '3 more changes of 3 products: shelfsync plan shop --all',
  ])
  assert.deepEqual(addAll(4, []).format(output, ''), [])
  const ids = (n: number) => Array.from({ length: n }, (_, index) => `p${index}`)
  const shown = addAll(20, [
    ...ids(30).map((id) => change('updated', `u${id}`)),
    ...ids(9).map((id) => change('created', `c${id}`)),
    ...ids(3).map((id) => change('repriced', `r${id}`)),
  ]).format(output, 'all')
  const headings = shown.filter((line) => !line.startsWith(' '))
  assert.deepEqual(headings, [
    'created 9',
    'updated 30, the first 8',
    'repriced 3',
    '22 more changes of 22 products: all',
  ])
})

test('each member of a product is a change, and a product of many is cut', () => {
  const detail = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, [1, 2]]))
  const updates = ['u1', 'u2', 'u3'].map((id) => ({ ...change('updated', id), detail }))
  const format = (limit: number, more: readonly PlannedChange[] = []) =>
    addAll(limit, [...updates, ...more]).format(output, 'all')
  assert.deepEqual(format(5), [
    'updated 3, the first 2',
    '  u1 (Title u1)',
    '    a: 1 → 2',
    '    b: 1 → 2',
    '    c: 1 → 2',
    '  u2 (Title u2)',
    '    a: 1 → 2',
    '    b: 1 → 2',
    '    and 1 more',
    '4 more changes of 2 products: all',
  ])
  assert.equal(format(8).at(-1), '1 more change of 1 product: all')
  assert.equal(format(9).at(-1), '    c: 1 → 2')
  assert.equal(format(Infinity).length, 1 + 3 * 4)
  const mixed = format(4, [change('quarantined', 'q'), change('missing', 'm')])
  assert.deepEqual(mixed.slice(0, 4), [
    'updated 3, the first 1',
    '  u1 (Title u1)',
    '    a: 1 → 2',
    '    b: 1 → 2',
  ])
  assert.deepEqual(mixed.slice(4), [
    '    and 1 more',
    'missing 1',
    '  m (Title m)',
    'quarantined 1',
    '  q, line undefined: ',
    '7 more changes of 3 products and records: all',
  ])
})

test('a product with two records in a plan counts once, as in the run', () => {
  const planned = addAll(9, [
    change('created', 'a'),
    change('updated', 'a'),
    change('updated', 'b'),
    change('repriced', 'b'),
    change('missing', 'c'),
  ])
  assert.deepEqual(planned.count('succeeded', false), { created: 1, repriced: 1 })
  assert.deepEqual(planned.format(output, '').slice(2, 4), ['repriced 1', '  b (Title b)'])
})

test('a first load is one change, and none while it is held', () => {
  const planned = addAll(9, [change('created', 'a'), change('created', 'b')])
  assert.deepEqual(planned.count('succeeded', true), { loaded: 1 })
  assert.deepEqual(planned.count('held', true), {})
})
