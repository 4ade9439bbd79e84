import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceStatus } from './list-statuses.ts'
import { toStatusTable } from './table.ts'

const NOW = new Date('2026-01-31T12:00:00Z')

function status(source: string, draft: number): SourceStatus {
  return {
    source,
    connector: 'shopify',
    state: 'active',
    health: { state: 'fresh', level: 'ok', reason: 'run 1 succeeded', command: null, parts: [] },
    products: { draft, active: 7, unavailable: 2, filtered: 0, removed: 1 },
    lastRun: null,
    lastRefresh: null,
    lastGoodAt: null,
    dueSinceAt: NOW,
    lateProducts: null,
    longestMs: null,
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
    result: null,
    week: { runs: 0, failures: {} },
    changesToday: 0,
    failedImages: 0,
    flaggedHosts: [],
    quota: null,
  }
}

test('the column of drafts exists only when a source has drafts', () => {
  const cells = (...statuses: SourceStatus[]) => {
    const { headings, rows } = toStatusTable(statuses, NOW)
    return [headings.slice(3, -4), ...rows.map((row) => row.slice(3, -4))]
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
