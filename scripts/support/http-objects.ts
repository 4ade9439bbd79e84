// The objects of the HTTP API for docs/http.md: an example of each, made by the code that formats
// it, and a description of each attribute, which the compiler keeps complete.

import type { ImportResult } from '../../src/core/import-result.ts'
import type { OpenBreaker } from '../../src/db/read/limits.ts'
import type { RunDetails } from '../../src/db/read/run-summaries.ts'
import type { HostFailure, SourceSummary } from '../../src/db/read/source-summaries.ts'
import type { RunProgress } from '../../src/http/control/run-progress.ts'
import { toRunDetailsJson } from '../../src/http/control/runs.ts'
import { toStatus, type Status } from '../../src/http/control/status.ts'
import { Calendar } from '../../src/sources/due.ts'

export interface ApiObject {
  readonly name: string
  readonly introduction: string
  readonly example: object
  readonly attributes: readonly Attributes[]
}

interface Attributes {
  /** Path of the nested object; null for the object itself. */
  readonly of: string | null
  readonly members: Readonly<Record<string, string>>
}

const STARTED_AT = new Date('2026-11-21T16:17:00Z')

const RUN: RunDetails = {
  id: 12,
  source: 'my-shop',
  kind: 'full',
  state: 'running',
  reason: null,
  errorCode: null,
  correlationId: '9f0c2f4e-0d7e-4a53-a4b8-6a1a4d1c8a53',
  options: {},
  sinceAt: null,
  keyCount: null,
  artifactRun: 12,
  startedAt: STARTED_AT,
  finishedAt: null,
  measuredAt: new Date('2026-11-21T16:17:10Z'),
  seconds: 10,
  fetchedAll: true,
  expected: 108_022,
  fetched: 108_022,
  outcomes: {
    created: 12,
    updated: 340,
    unchanged: 53_650,
    older: 0,
    duplicate: 0,
    blank: 0,
    quarantined: 0,
    held: 9,
  },
  removed: 0,
  ledger: null,
  removalsOff: null,
  artifact: {
    run: 12,
    source: 'my-shop',
    state: 'closed',
    complete: true,
    expected: 108_022,
    warnings: [],
    parsingWarnings: null,
    startedAt: STARTED_AT,
    parts: 19,
    lines: 108_022,
    rawBytes: 601_214_880,
    storedBytes: 71_400_112,
    latest: true,
  },
  changes: { created: 12, updated: 331, repriced: 9 },
  openReviews: 9,
  heldPrices: 9,
  heldProducts: 9,
  openQuarantine: 0,
  otherQuarantine: 2,
  diff: null,
  decision: null,
  imports: [],
}

const SOURCE: SourceSummary = {
  source: 'my-shop',
  connector: 'shopify',
  state: 'active',
  schedule: { cron: '17 16 * * *', zone: 'UTC', fullOn: 'none' },
  lateProducts: null,
  longestMs: null,
  watermarkAt: new Date('2026-11-20T16:02:11Z'),
  lastRun: { id: 12, kind: 'full', state: 'running', startedAt: STARTED_AT, finishedAt: null },
  lastRefresh: null,
  lastGoodAt: new Date('2026-11-20T16:17:00Z'),
  dueSinceAt: new Date('2026-11-20T16:17:00Z'),
  heldRuns: [],
  heldPrices: 9,
  openReviews: 9,
  openQuarantine: 0,
  latestCopy: { run: 11, error: null },
  removalsOff: null,
  failure: null,
}

const PROGRESS: Readonly<Record<keyof RunProgress, string>> = {
  phase:
    '`start` (nothing archived yet), `fetch`, `apply`, `settle` or `done`. For a run that stopped ' +
    'early: the phase in which it stopped. A finished `fetch-only` run is `done`.',
  fetched: 'Archived lines.',
  applied: 'Applied lines.',
  total:
    "The supplier's count until the fetch ends, then the number of archived lines. Null if the " +
    'supplier does not report a count.',
  percent: 'Share of `total` that is applied. Null while `total` is.',
  perSecond:
    'Lines per second: over the last 30 to 60 seconds in `/status` if it was requested in that ' +
    'time, otherwise since the run started.',
  etaSeconds: 'Estimated seconds until every line is applied. Null unless the run is running.',
  inserted: 'Products created.',
  updated: 'Products updated.',
  skipped: 'Records that were already known and unchanged.',
  quarantined: 'Records in quarantine.',
  held: 'Records with a held price.',
  removed: 'Products removed. 0 until the run settles.',
}

const RUN_MEMBERS: Readonly<Record<keyof ReturnType<typeof toRunDetailsJson>, string>> = {
  id: 'Number of the run.',
  source: 'Name of the source.',
  kind: '`full`, `incremental`, `refresh`, `import` or `replay`.',
  keyCount: 'Number of products that a refresh or an import covers. Null for any other kind.',
  state:
    '`running`, `interrupted`, `fetched`, `succeeded`, `held`, `failed`, `rejected`, `superseded`, ' +
    '`cancelled` or `partial`. A running run becomes `interrupted` when the lease of its worker ' +
    'expires, until another worker resumes it.',
  correlationId: 'Id of the request or command that started the run. Its log lines carry it too.',
  startedAt: 'When the run started.',
  finishedAt: 'When the run finished. Null while it is running.',
  removalsOff:
    'Why a full run could not tell which products are missing, or why an incremental run or a replay ' +
    'did not remove those of a held run that it superseded. Otherwise null.',
  progress: 'See below.',
  errors:
    'Why the run failed, was interrupted, held or rejected: `code`, `message` and `hint`. `code` is ' +
    'null for a held run.',
  artifact:
    'The artifact that the run applies. `complete` is true if the connector proved that nothing is ' +
    'missing. Only in `GET /runs/:id`.',
  changes: 'Number of changes by kind, published or not. Only in `GET /runs/:id`.',
  openReviews:
    'Reviews of the run that wait for a decision: its held prices, and the run itself while it is ' +
    'held. Only in `GET /runs/:id`.',
  heldPrices: 'Held prices of the run. Only in `GET /runs/:id`.',
  openQuarantine: 'Records of the artifact that are in quarantine. Only in `GET /runs/:id`.',
  otherQuarantine:
    'Records of other artifacts of the source that are in quarantine. Only in `GET /runs/:id`.',
  diff:
    'The effect of approving the run: `removals`, `prices`, `priceProducts`, `changes`, ' +
    '`watermarkAt` and the `version` of this state; `heldPrices` of `heldProducts` stay held. Null ' +
    'unless the run is held. Only in `GET /runs/:id`.',
  imports:
    'Of an import that has ended, the result of each product: see [imports](#imports). Otherwise ' +
    'empty. Only in `GET /runs/:id`.',
}

const STATUS_MEMBERS: Readonly<Record<keyof Status, string>> = {
  state: 'State of the run, or `idle` before the first run.',
  source: 'Name of the source of the run.',
  run: 'Number of the active run, or of the newest one if none is active.',
  startedAt: 'When the run started.',
  progress: 'See [the run object](#the-run-object).',
  errors: 'See [the run object](#the-run-object).',
  sources: 'One object for each source, by name. See below.',
  next: 'The `after` of the next page of sources. Null on the last page.',
  breakers: 'The suppliers that get no request because they are down, the oldest first. See below.',
}

const BREAKER_MEMBERS: Readonly<Record<keyof OpenBreaker, string>> = {
  scope: '`host`, or the connector whose requests share one circuit breaker.',
  key: 'The host, or the name within the scope.',
  state: '`open`, or `half-open` while one request tests the supplier.',
  failures: 'Number of failures in a row.',
  openedAt: 'When the circuit breaker opened.',
  retryAt: 'When the next request tests it; while one does, when that test counts as lost.',
  reason: 'The last failure.',
}

const SOURCE_MEMBERS: Readonly<Record<keyof Status['sources'][number], string>> = {
  source: 'Name of the source.',
  connector: 'Name of its connector.',
  state: '`active` or `paused`.',
  lastRun:
    'The newest run of the whole source: `run`, `kind`, `state`, `startedAt` and `finishedAt`.',
  lastRefresh: 'The newest refresh, which covers only some products, with the same members.',
  lastGoodAt: 'When the last successful run other than a replay started.',
  dueAt:
    'When the run after the last good one is due. Null while the source is paused, or if its ' +
    'schedule is not valid.',
  late:
    'True if that run has not succeeded one hour after `dueAt`, or if the schedule is not valid. ' +
    'Correct the schedule with `shelfsync sources set NAME`.',
  heldRuns: 'Numbers of the runs that wait for a decision.',
  heldPrices: 'Number of prices that wait for a decision.',
  latestCopy:
    '`run`: the run whose artifact `latest.ndjson` contains. `error`: why the last attempt to write ' +
    'the file failed. Null unless ARTIFACTS_LATEST is set.',
  removalsOff: 'Why the newest full run removed nothing.',
  failure:
    'The failures of the host since its last complete response. Null without any. See below.',
}

const FAILURE_MEMBERS: Readonly<Record<keyof HostFailure, string>> = {
  class:
    'Failure class of the last run: `gone`, `closed`, `blocked`, `unreachable` or `malformed`. See ' +
    '[errors.md](errors.md#failure-classes).',
  runs: 'Number of runs that have failed in a row.',
  sinceAt: 'When the first of these runs ended.',
  lastAt: 'When the last of these runs ended.',
  flagged: 'True after three of them: the source is listed first, and its runs are spaced out.',
  notBeforeAt:
    'No scheduled run starts before this time. `POST /sync` starts one at any time. Null unless ' +
    '`flagged`.',
}

export const OBJECTS: readonly ApiObject[] = [
  {
    name: 'The run object',
    introduction: 'One attempt to update a source.',
    example: toRunDetailsJson(RUN),
    attributes: [
      { of: null, members: RUN_MEMBERS },
      { of: 'progress', members: PROGRESS },
    ],
  },
  {
    name: 'The status object',
    introduction: 'The active run, or the newest one if none is active, and every source.',
    example: toStatus({ run: RUN, sources: [SOURCE], next: null, breakers: [] }, null, {
      calendar: new Calendar(),
      now: RUN.measuredAt,
    }),
    attributes: [
      { of: null, members: STATUS_MEMBERS },
      { of: 'sources[]', members: SOURCE_MEMBERS },
      { of: 'sources[].failure', members: FAILURE_MEMBERS },
      { of: 'breakers[]', members: BREAKER_MEMBERS },
    ],
  },
]

/** The result of an import, with some of the fields. */
export const IMPORTED: ImportResult = {
  productId: '7b8a29c5-4f11-5f0c-9d66-2f8a4cbb7a10',
  asin: 'B08DQQ8CBP',
  marketplace: 'www.amazon.com',
  state: 'created',
  imported: ['title', 'brand', 'images', 'detail_page_url', 'current_price', 'currency'],
  missing: ['description', 'customer_review_count', 'star_rating'],
  externalId: 'B08DQQ8CBP',
}

export const REQUESTED_RUNS = {
  run: 12,
  runs: [
    { source: 'my-shop', run: 12, started: true },
    {
      source: 'other-shop',
      error: {
        code: 'run/no-artifact',
        message: 'other-shop has no artifact to apply. Fetch it first',
      },
    },
  ],
  status: '/runs/12',
}
