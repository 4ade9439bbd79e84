// The read model of sources: the last run, the schedule, and the decisions that wait for a person.

import { SyncError } from '../../core/errors.ts'
import type { FailureClass } from '../../core/failure-class.ts'
import { type Catalog, one, toInstant } from '../catalog.ts'
import type { Schedule } from '../../core/schedule.ts'
import { toLatestCopy, type LatestCopy, type Source } from '../sources.ts'
import type { RunKind } from '../write/runs.ts'
import { toOpenBreaker, type BreakerRow, type OpenBreaker } from './limits.ts'
import { loadPage, type PageRequest } from './page.ts'
import type { ProductStatus } from './products.ts'
import { toRunSummary, type RunRow, type RunState, type RunSummary } from './run-summaries.ts'

export interface SourceSummary {
  /** The name of the source. */
  readonly source: string
  readonly connector: string
  readonly state: Source['state']
  readonly schedule: Schedule
  /** The newest source time that a settled run has seen. */
  readonly watermarkAt: Date | null
  /**
   * The newest run of the whole source: full, incremental or replay. If the source only has refreshes,
   * the newest of those.
   */
  readonly lastRun: LastRun | null
  readonly lastRefresh: LastRun | null
  /** Start of the last successful run of that kind, other than a replay. */
  readonly lastGoodAt: Date | null
  /**
   * The source is due at the first time of its schedule after this: `lastGoodAt`, or later, when the
   * schedule was set.
   */
  readonly dueSinceAt: Date
  /**
   * True when a product was not read in time. Null unless the source only has refreshes: it is then
   * late when a product is.
   */
  readonly lateProducts: boolean | null
  /**
   * The duration of the longest of its last ten successful runs. Null unless a run of the whole source
   * is running.
   */
  readonly longestMs: number | null
  readonly heldRuns: readonly number[]
  readonly heldPrices: number
  /** Held prices and held runs. */
  readonly openReviews: number
  readonly openQuarantine: number
  readonly latestCopy: LatestCopy | null
  /** The reason why the newest full run could not detect missing products; else null. */
  readonly removalsOff: string | null
  /** Null once a run has succeeded, or the settings have changed. */
  readonly failure: HostFailure | null
}

/** The failures of the host of a source. */
export interface HostFailure {
  /** The class of the last failed run. */
  readonly class: FailureClass
  /** Number of runs that have failed in a row. */
  readonly runs: number
  /** End of the first of these runs. */
  readonly sinceAt: Date
  readonly lastAt: Date
  /** The source is shown first, and its scheduled runs are spaced out. */
  readonly flagged: boolean
  /** No scheduled run starts before this instant. Null unless flagged. */
  readonly notBeforeAt: Date | null
}

export interface LastRun {
  readonly id: number
  readonly kind: RunKind
  readonly state: RunState
  readonly startedAt: Date
  readonly finishedAt: Date | null
}

export type ProductCounts = Readonly<Record<ProductStatus, number>>

interface LastRunRow {
  readonly id: number
  readonly kind: RunKind
  readonly state: RunState
  readonly started_at: string
  readonly finished_at: string | null
}

export interface SummaryRow {
  readonly source: string
  readonly connector: string
  readonly state: Source['state']
  readonly schedule: Schedule
  readonly watermark: string | null
  readonly last_run: LastRunRow | null
  readonly last_refresh: LastRunRow | null
  readonly last_good_at: string | null
  readonly due_since: string
  readonly held_runs: readonly number[]
  readonly held_prices: number
  readonly open_reviews: number
  readonly open_quarantine: number
  readonly copied_run: number | null
  readonly copy_error: string | null
  readonly removals_off: string | null
  readonly failures: number
  readonly failure_class: FailureClass | null
  readonly failing_since: string | null
  readonly failed_at: string | null
  readonly not_before: string | null
  readonly late_products: boolean | null
  readonly longest_seconds: number | null
}

/** Counts of the rows and bytes of a source. */
export interface SourceContents {
  readonly products: number
  readonly artifacts: number
  readonly storedBytes: number
  readonly openReviews: number
}

export async function countSource(db: Catalog, sourceId: number): Promise<SourceContents> {
  const row = one(
    await db.call<{
      products: number
      artifacts: number
      stored_bytes: number
      open_reviews: number
    }>('count_source', { source: sourceId }),
  )
  return {
    products: row.products,
    artifacts: row.artifacts,
    storedBytes: row.stored_bytes,
    openReviews: row.open_reviews,
  }
}

/**
 * Returns the summaries of these sources, or of all with null, by name, without those that do not exist.
 *
 * @throws SyncError `db/unreachable`, also after `timeoutMs`
 */
export async function listSourceSummaries(
  db: Catalog,
  sources: readonly string[] | null = null,
  timeoutMs?: number,
): Promise<SourceSummary[]> {
  const rows = await db.call<SummaryRow>('summarize_sources', { source: null, sources }, timeoutMs)
  return rows.map(toSourceSummary)
}

/** The sources that need a person most, and totals of all sources. */
export interface SourceSurvey {
  /** The most urgent first, then those whose due time is not stored: up to 500 more than requested. */
  readonly sources: readonly { readonly source: string; readonly urgency: Urgency }[]
  readonly total: number
  /** Number of sources with an urgency of 2 or more. */
  readonly needing: number
  /** Number of sources that may be late: no due time is stored, and they are not in `sources`. */
  readonly unexamined: number
  /** Number of sources by the state of the newest run. */
  readonly states: Readonly<Partial<Record<RunState | 'without a run', number>>>
}

/**
 * 6 a run is held, 5 flagged, 4 late, 3 failed, 2 something is open, 1 running, 0 nothing. A source
 * with 2 or more needs a person.
 */
export type Urgency = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** Ranks all sources without a summary of each, and lists the `limit` most urgent ones, or all with null. */
export async function surveySources(db: Catalog, limit: number | null): Promise<SourceSurvey> {
  return one(await db.call<SourceSurvey>('survey_sources', { limit }))
}

/** @throws SyncError `source/unknown` */
export async function loadSourceSummary(db: Catalog, source: string): Promise<SourceSummary> {
  const [row] = await db.call<SummaryRow>('summarize_sources', { source })
  if (!row) throw createUnknownSourceError(source)
  return toSourceSummary(row)
}

export interface StatusRequest extends PageRequest {
  /** One source, or null for all. */
  readonly source: string | null
}

/** The state of the system, as one read of the database shows it. */
export interface SystemState {
  readonly run: RunSummary | null
  readonly sources: readonly SourceSummary[]
  /** The cursor of the next page of sources; null on the last one. */
  readonly next: string | null
  readonly breakers: readonly OpenBreaker[]
}

/** Counts the products of these sources, or of all with null, by status. Takes seconds on a catalogue of millions. */
export async function countProducts(
  db: Catalog,
  sources: readonly string[] | null = null,
): Promise<Map<string, ProductCounts>> {
  const rows = await db.call<{ source: string; products: ProductCounts }>('count_products', {
    sources,
  })
  return new Map(rows.map(({ source, products }) => [source, products]))
}

/**
 * Loads, in one round trip, the sources by name, their active run, or the newest run if none is active,
 * and the open circuit breakers. `source`: one source, or null for all.
 *
 * @throws SyncError `source/unknown` · `db/unreachable`, also after `timeoutMs`
 */
export async function loadStatus(
  db: Catalog,
  { source, ...page }: StatusRequest,
  timeoutMs: number,
): Promise<SystemState> {
  let run: RunRow | null = null
  let breakers: readonly BreakerRow[] = []
  const { items, next } = await loadPage('sources', page, {
    async load(after, limit) {
      const row = one(
        await db.call<{
          run: RunRow | null
          sources: readonly SummaryRow[]
          breakers: readonly BreakerRow[]
        }>('load_status', { source, after, limit }, timeoutMs),
      )
      run = row.run
      breakers = row.breakers
      return row.sources
    },
    toItem: toSourceSummary,
    keyOf: (summary) => summary.source,
  })
  if (source !== null && items.length === 0) throw createUnknownSourceError(source)
  return {
    run: run && toRunSummary(run),
    sources: items,
    next,
    breakers: breakers.map(toOpenBreaker),
  }
}

export function toSourceSummary(row: SummaryRow): SourceSummary {
  const onlyRefreshes = row.schedule.fullOn === 'never'
  const lastRun = row.last_run ?? (onlyRefreshes ? row.last_refresh : null)
  return {
    source: row.source,
    connector: row.connector,
    state: row.state,
    schedule: row.schedule,
    watermarkAt: toInstant(row.watermark),
    lastRun: lastRun && toLastRun(lastRun),
    lastRefresh: row.last_refresh && toLastRun(row.last_refresh),
    lastGoodAt: toInstant(row.last_good_at),
    dueSinceAt: toInstant(row.due_since),
    lateProducts: row.late_products,
    longestMs: row.longest_seconds === null ? null : 1000 * row.longest_seconds,
    heldRuns: row.held_runs,
    heldPrices: row.held_prices,
    openReviews: row.open_reviews,
    openQuarantine: row.open_quarantine,
    latestCopy: toLatestCopy(row),
    removalsOff: row.removals_off,
    failure: toHostFailure(row),
  }
}

function toHostFailure({ failure_class, failures, ...times }: SummaryRow): HostFailure | null {
  const sinceAt = toInstant(times.failing_since)
  const lastAt = toInstant(times.failed_at)
  if (failure_class === null || sinceAt === null || lastAt === null) return null
  const notBeforeAt = toInstant(times.not_before)
  return {
    class: failure_class,
    runs: failures,
    sinceAt,
    lastAt,
    flagged: notBeforeAt !== null,
    notBeforeAt,
  }
}

function toLastRun({ id, kind, state, ...times }: LastRunRow): LastRun {
  const [startedAt, finishedAt] = [toInstant(times.started_at), toInstant(times.finished_at)]
  return { id, kind, state, startedAt, finishedAt }
}

export function createUnknownSourceError(source: string): SyncError {
  return new SyncError('source/unknown', `Source ${source} does not exist`)
}
