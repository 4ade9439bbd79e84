// The read model of runs. The command line and HTTP format these objects and read nothing else
// about a run.

import type { ImportResult } from '../../core/import-result.ts'
import { OUTCOMES, type Ledger, type Outcome } from '../../core/ledger.ts'
import { SyncError } from '../../core/errors.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import type { RunKind, RunOptions } from '../write/runs.ts'
import { toArtifactSummary, type ArtifactRow, type ArtifactSummary } from './artifacts.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'
import { toRunDiff, type RunDiff, type RunDiffRow } from './run-diffs.ts'

export const RUN_STATES = [
  'running',
  'interrupted',
  'fetched',
  'succeeded',
  'held',
  'failed',
  'rejected',
  'superseded',
  'cancelled',
  'partial',
] as const
export type RunState = (typeof RUN_STATES)[number]

export interface RunSummary {
  readonly id: number
  readonly source: string
  readonly kind: RunKind
  /** A running run whose worker's lease expired is `interrupted`. */
  readonly state: RunState
  readonly reason: string | null
  readonly errorCode: string | null
  readonly correlationId: string
  readonly options: RunOptions
  /** Start of the period that an incremental run covers. */
  readonly sinceAt: Date | null
  /** Products that a refresh or an import covers; null for any other kind. */
  readonly keyCount: number | null
  /** The run whose artifact it applies; its own unless it is a replay. */
  readonly artifactRun: number
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** When the numbers were read, by the database's clock. */
  readonly measuredAt: Date
  /** Until it finished, or until `measuredAt`. */
  readonly seconds: number
  /** The fetch has ended. */
  readonly fetchedAll: boolean
  /** The number of records that the supplier reported; null when it reported none. */
  readonly expected: number | null
  /** Archived lines. */
  readonly fetched: number
  /** Applied lines by outcome. */
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly removed: number
  /** Null until the run settles. */
  readonly ledger: Ledger | null
  /**
   * The reason why a full run could not detect missing products, or why an incremental run or a
   * replay did not remove those of a held run that it superseded; else null.
   */
  readonly removalsOff: string | null
}

export interface RunDetails extends RunSummary {
  readonly artifact: ArtifactSummary | null
  /** Changes by kind, published or not. */
  readonly changes: Readonly<Record<string, number>>
  /** Held prices, and the run itself while it is held. */
  readonly openReviews: number
  readonly heldPrices: number
  /** Products with a held price of this run. */
  readonly heldProducts: number
  /** Records of the run's artifact that are in quarantine. */
  readonly openQuarantine: number
  /** Records of other artifacts of the source that are in quarantine. */
  readonly otherQuarantine: number
  /** The effect of approving the run; null unless it is held. */
  readonly diff: RunDiff | null
  /** A person's decision on the held run. */
  readonly decision: RunDecision | null
  /** Of an import that has ended, one for each product that was named; else empty. */
  readonly imports: readonly ImportResult[]
}

interface RunDecision {
  readonly state: 'approved' | 'rejected'
  readonly by: string
  readonly at: Date
}

export interface RunFilter extends PageRequest {
  readonly source?: string | undefined
  readonly state?: RunState | undefined
  readonly kind?: RunKind | undefined
  /** Started at this instant or later. */
  readonly sinceAt?: Date | null | undefined
}

/** The columns of `catalog.summarize_runs`. */
export interface RunRow {
  readonly id: number
  readonly source: string
  readonly kind: RunKind
  readonly state: RunState
  readonly reason: string | null
  readonly error_code: string | null
  readonly correlation_id: string
  readonly options: RunOptions
  readonly since: string | null
  readonly key_count: number | null
  readonly artifact_run: number
  readonly started_at: string
  readonly finished_at: string | null
  readonly measured_at: string
  readonly fetched_all: boolean
  readonly expected: number | null
  readonly fetched: number
  readonly counts: Readonly<Partial<Record<Outcome | 'removed', number>>>
  readonly ledger: Ledger | null
  readonly removals_off: string | null
}

/** The newest first. @throws SyncError `db/unreachable`, also after `timeoutMs` */
export function listRuns(
  db: Catalog,
  { source, state, kind, sinceAt, ...page }: RunFilter,
  timeoutMs?: number,
): Promise<ListPage<RunSummary>> {
  return loadPage('runs', page, {
    load: (before, limit) =>
      db.call<RunRow>(
        'list_runs',
        {
          source: source ?? null,
          state: state ?? null,
          kind: kind ?? null,
          since: sinceAt ?? null,
          before: before === null ? null : Number(before),
          limit,
        },
        timeoutMs,
      ),
    toItem: toRunSummary,
    keyOf: ({ id }) => id,
  })
}

/** @throws SyncError `run/unknown` · `db/unreachable`, also after `timeoutMs` */
export async function loadRunSummary(
  db: Catalog,
  run: number,
  timeoutMs?: number,
): Promise<RunSummary> {
  const [row] = await db.call<RunRow>('summarize_runs', { runs: [run] }, timeoutMs)
  if (!row) throw createUnknownRunError(run)
  return toRunSummary(row)
}

/** @throws SyncError `run/unknown` · `db/unreachable`, also after `timeoutMs` */
export async function loadRunDetails(
  db: Catalog,
  run: number,
  timeoutMs?: number,
): Promise<RunDetails> {
  const [row] = await db.call<{
    run: RunRow
    artifact: ArtifactRow | null
    changes: RunDetails['changes']
    open_reviews: number
    held_prices: number
    held_products: number
    open_quarantine: number
    other_quarantine: number
    diff: RunDiffRow | null
    decision: (Omit<RunDecision, 'at'> & { at: string }) | null
    imports: readonly ImportResultRow[]
  }>('describe_run', { run }, timeoutMs)
  if (!row) throw createUnknownRunError(run)
  return {
    ...toRunSummary(row.run),
    artifact: row.artifact && toArtifactSummary(row.artifact),
    changes: row.changes,
    openReviews: row.open_reviews,
    heldPrices: row.held_prices,
    heldProducts: row.held_products,
    openQuarantine: row.open_quarantine,
    otherQuarantine: row.other_quarantine,
    diff: row.diff && toRunDiff(row.diff),
    decision: row.decision && { ...row.decision, at: toInstant(row.decision.at) },
    imports: row.imports.map(toImportResult),
  }
}

export function toRunSummary(row: RunRow): RunSummary {
  const startedAt = toInstant(row.started_at)
  const finishedAt = toInstant(row.finished_at)
  const measuredAt = toInstant(row.measured_at)
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, row.counts[outcome] ?? 0]),
  ) as Record<Outcome, number>
  return {
    id: row.id,
    source: row.source,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    errorCode: row.error_code,
    correlationId: row.correlation_id,
    options: row.options,
    sinceAt: toInstant(row.since),
    keyCount: row.key_count,
    artifactRun: row.artifact_run,
    startedAt,
    finishedAt,
    measuredAt,
    seconds: ((finishedAt ?? measuredAt).getTime() - startedAt.getTime()) / 1000,
    fetchedAll: row.fetched_all,
    expected: row.expected,
    fetched: row.fetched,
    outcomes,
    removed: row.counts.removed ?? 0,
    ledger: row.ledger,
    removalsOff: row.removals_off,
  }
}

/** The members of a result as Postgres returns them, in any order. */
type ImportResultRow = Omit<ImportResult, 'state' | 'error'> & {
  readonly state: ImportResult['state']
  readonly error?: unknown
}

/** Returns the result with its members in the documented order. */
function toImportResult({ productId, asin, marketplace, ...row }: ImportResultRow): ImportResult {
  const { state, imported, missing, externalId, error } = row
  const members = { productId, asin, marketplace, state, imported, missing, externalId }
  return { ...members, ...(error !== undefined && { error }) } as ImportResult
}

function createUnknownRunError(run: number): SyncError {
  return new SyncError('run/unknown', `Run ${run} does not exist`)
}
