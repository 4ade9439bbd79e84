import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../core/errors.ts'
import { emptyCounts } from '../../core/ledger.ts'
import { createProgress } from '../../pipeline/context.ts'
import { formatProgress } from '../terminal/progress.ts'
import { toExitCode, toRefusedReport, type Report, toReportJson, formatReport } from './report.ts'

const { unreadable: _, ...NONE } = emptyCounts()
const GREEN: Report = {
  run: 7,
  source: 'shop',
  kind: 'full',
  resumed: false,
  state: 'succeeded',
  reason: null,
  removalsOff: null,
  seconds: 2,
  error: null,
  ledger: { expected: 10, fetched: 10, ...NONE, created: 10, removed: 0, missing: 0 },
}

test('the exit code reflects the state and the error', () => {
  assert.equal(toExitCode(GREEN), 0)
  assert.equal(toExitCode({ ...GREEN, state: 'held' }), 2)
  assert.equal(
    toExitCode({ ...GREEN, state: 'failed', error: new SyncError('source/gone', 'gone') }),
    1,
  )
  assert.equal(toExitCode({ ...GREEN, state: 'failed', error: AbortSignal.abort().reason }), 130)
  assert.equal(toExitCode(toRefusedReport('shop', new SyncError('source/paused', 'paused'))), 1)
})

test('the JSON line begins with the stable keys in their order', () => {
  const json = JSON.stringify(toReportJson(GREEN, createProgress()))
  const promised =
    '{"run":7,"source":"shop","state":"succeeded","reason":null,"ledger":{"expected":10,"fetched":10,"created":10,"updated":0,' +
    '"unchanged":0,"older":0,"duplicate":0,"blank":0,"quarantined":0,"held":0,"removed":0,"missing":0},"seconds":2,'
  assert.ok(json.startsWith(promised), json)
})

test('a run that could not determine the missing products reports that as text and as JSON', () => {
  const report = { ...GREEN, removalsOff: '1 of 10 records have no id' }
  assert.match(
    formatReport(report, createProgress()),
    /^ {2}removals are off: 1 of 10 records have no id$/m,
  )
  assert.equal(
    (toReportJson(report, createProgress()) as { removalsOff: unknown }).removalsOff,
    report.removalsOff,
  )
})

test('the JSON line of a stopped run has the code run/cancelled', () => {
  const codeOf = (error: unknown) =>
    (toReportJson({ ...GREEN, state: 'failed', error }, createProgress()) as { code: unknown }).code
  assert.deepEqual(
    [AbortSignal.abort().reason, new SyncError('source/gone', 'gone'), new TypeError('bug')].map(
      codeOf,
    ),
    ['run/cancelled', 'source/gone', null],
  )
})

test('the text of a report ends with the next steps', () => {
  const progress = { ...createProgress(), fetchedBytes: 4_000_000 }
  assert.match(
    formatReport(GREEN, progress),
    /^shop: full run 7 succeeded in 2\.0 s\n {2}fetched 10 · created 10 .*\n {2}5 products\/s · 2\.0 MB\/s · peak memory [\d.]+ MB$/,
  )
  const held = formatReport(
    {
      ...GREEN,
      state: 'held',
      reason: 'too few',
      ledger: { ...GREEN.ledger, held: 1, quarantined: 2, missing: 3, older: 4 },
    },
    progress,
  )
  assert.match(held, /is held after .*\n {2}because: too few\n.* · older 4\n/)
  assert.match(
    held,
    /runs approve 7[^]*1 product with a held price: shelfsync reviews[^]*2 records in quarantine[^]*3 products missing: removed if the run is approved$/,
  )
  const stopped = formatReport(
    { ...GREEN, state: 'failed', resumed: true, error: AbortSignal.abort().reason },
    progress,
  )
  assert.match(stopped, /was stopped after 2\.0 s, resumed\n[^]*resume: shelfsync sync shop/)
  assert.doesNotMatch(stopped, /products\/s/)
  const interrupted = formatReport(
    { ...GREEN, state: 'failed', error: new SyncError('source/unavailable', 'down') },
    progress,
  )
  assert.match(interrupted, /was interrupted after 2\.0 s\n[^]*resume: shelfsync sync shop/)
})

test('a failed run is tried again by the same command, unless its shop has moved', () => {
  const textOf = (code: 'source/gone' | 'source/moved') =>
    formatReport({ ...GREEN, state: 'failed', error: new SyncError(code, code) }, createProgress())
  assert.match(textOf('source/gone'), /failed after 2\.0 s\n[^]*try again: shelfsync sync shop$/)
  assert.doesNotMatch(textOf('source/moved'), /shelfsync sync/)
})

test('a line of progress contains rates and the time left, or the reason of a wait', () => {
  const progress = {
    ...createProgress(),
    phase: 'fetch' as const,
    expected: 1000,
    fetchedLines: 500,
    fetchedBytes: 5_000_000,
    appliedLines: 250,
  }
  progress.counts.updated = 250
  assert.equal(
    formatProgress(progress, 5),
    'fetched 500 of 1,000 · 5.0 MB · 1.0 MB/s · 5.0 s left; applied 250 of 1,000 · 50/s · 15 s left · updated 250',
  )
  progress.waiting = 'the shop is busy; next attempt in 4 s'
  assert.match(formatProgress(progress, 5), /^the shop is busy; next attempt in 4 s;/)
  assert.match(
    formatProgress({ ...progress, waiting: null, expected: null }, 5),
    /^fetched 500 · 5\.0 MB/,
  )
})
