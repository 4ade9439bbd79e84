import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listAvailability, type AvailabilityFacts } from './product-availability.ts'

const at = (day: number) => new Date(Date.UTC(2026, 0, day))

function spansOf(facts: Partial<AvailabilityFacts>): string[] {
  const segments = listAvailability({
    status: 'active',
    variants: [],
    changes: [],
    firstSeenAt: at(1),
    now: at(10),
    ...facts,
  })
  return segments.map(({ name, title, startMs, endMs, tone }) => {
    const days = [startMs, endMs].map((ms) => new Date(ms).getUTCDate())
    return `${name} ${title.replace(/ (since|from) .*/, '')} ${days.join('-')} ${tone}`
  })
}

test('a product that never changed has one span of its status', () => {
  assert.deepEqual(spansOf({}), ['product active 1-10 good'])
})

test('the status is read backwards through removals and returns', () => {
  const changes = [
    { kind: 'returned' as const, detail: {}, changedAt: at(7) },
    { kind: 'removed' as const, detail: {}, changedAt: at(5) },
    { kind: 'updated' as const, detail: { title: ['a', 'b'] }, changedAt: at(3) },
    {
      kind: 'unavailable' as const,
      detail: { status: ['draft', 'unavailable'] },
      changedAt: at(2),
    },
  ]
  assert.deepEqual(spansOf({ changes }), [
    'product draft 1-2 busy',
    'product active 2-5 good',
    'product removed 5-7 bad',
    'product active 7-10 good',
  ])
})

test('each variant has a row of its availability, with gaps where it states none', () => {
  const changes = [
    {
      kind: 'updated' as const,
      detail: { 'availability:a': ['out_of_stock', 'in_stock'] },
      changedAt: at(6),
    },
    {
      kind: 'updated' as const,
      detail: { 'availability:a': [null, 'out_of_stock'] },
      changedAt: at(4),
    },
  ]
  const variants = [
    { id: 'a', name: 'Small', availability: 'in_stock' },
    { id: 'b', name: 'Large', availability: null },
  ]
  assert.deepEqual(spansOf({ changes, variants }), [
    'product active 1-10 good',
    'Small out of stock 4-6 warn',
    'Small in stock 6-10 good',
  ])
})
