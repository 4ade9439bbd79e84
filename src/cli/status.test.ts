import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SourceStatus, toStatusTable } from './status.ts'

const NOW = new Date('2026-01-31T12:00:00Z')

function status(source: string, draft: number): SourceStatus {
  return {
    source,
    connector: 'shopify',
    state: 'active',
    products: { draft, active: 7, unavailable: 2, filtered: 0, removed: 1 },
    lastRun: null,
    lastRefresh: null,
    lastGoodAt: null,
    dueSinceAt: NOW,
    lateProducts: null,
    freshness: null,
    watermarkAt: null,
    due: null,
    heldRuns: [],
    schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' },
    heldPrices: 0,
    openReviews: 0,
    openQuarantine: 0,
    latestCopy: null,
    removalsOff: null,
    failure: null,
  }
}

test('the column of drafts exists only when a source has drafts', () => {
  const cells = (...statuses: SourceStatus[]) => {
    const { headings, rows } = toStatusTable(statuses, NOW)
    return [headings.slice(2, -4), ...rows.map((row) => row.slice(2, -4))]
  }
  assert.deepEqual(cells(status('a', 0)), [
    ['active', 'unavailable', 'removed'],
    [7, 2, 1],
  ])
  assert.deepEqual(cells(status('a', 0), status('b', 3)), [
    ['active', 'draft', 'unavailable', 'removed'],
    [7, 0, 2, 1],
    [7, 3, 2, 1],
  ])
})
