// How things stand, as rows say it: the run that matters now and every source, in one round trip.
// Counts no products, so it costs the same on a catalogue of millions.

import { OUTCOMES, type Outcome } from '../../core/ledger.ts'
import { SyncError } from '../../core/errors.ts'
import { timed } from '../catalog.ts'
import { translateErrors } from '../errors.ts'
import type { RunState } from './listings.ts'
import type { Db } from '../pool.ts'
import type { RunOptions } from '../write/runs.ts'
import { toLatestCopy, type LatestCopy, type Schedule, type Source } from '../sources.ts'

/** How far a run has come; of one that is over, how far it came. */
export interface RunStanding {
  readonly run: number
  readonly source: string
  readonly kind: string
  readonly state: RunState
  readonly reason: string | null
  readonly errorCode: string | null
  readonly correlationId: string
  readonly options: RunOptions
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** When these numbers were read, by the database's clock. */
  readonly measuredAt: Date
  /** Nothing more will be fetched. */
  readonly fetchedAll: boolean
  readonly expected: number | null
  /** Lines in the archive. */
  readonly fetched: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly removed: number
  /** Of a full run: why it could not tell what is missing, so that nothing was removed. */
  readonly removalsOff: string | null
}

export interface SourceStanding {
  readonly source: string
  readonly connector: string
  readonly state: Source['state']
  readonly schedule: Schedule
  /** When the last run that succeeded began. */
  readonly lastGoodAt: Date | null
  /**
   * The source is due at the first time of its schedule after this: `lastGoodAt`, or later, when
   * the schedule was set.
   */
  readonly dueSinceAt: Date
  readonly lastRun: {
    readonly run: number
    readonly kind: string
    readonly state: RunState
    readonly startedAt: Date
    readonly finishedAt: Date | null
  } | null
  readonly heldRuns: readonly number[]
  readonly heldPrices: number
  readonly latestCopy: LatestCopy | null
  /**
   * Why the newest full run removed nothing and called nothing missing; null when it could tell.
   */
  readonly removalsOff: string | null
}

/** A run, with the names that SQL gives it. */
interface RunRow {
  readonly run: number
  readonly source: string
  readonly kind: string
  readonly state: RunState
  readonly reason: string | null
  readonly error_code: string | null
  readonly correlation_id: string
  readonly options: RunOptions
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly measured_at: Date
  readonly fetched_all: boolean
  readonly expected: number | null
  readonly fetched: number
  readonly counts: Readonly<Partial<Record<Outcome | 'removed', number>>>
  readonly removals_off: string | null
}

/** A source inside JSON, where instants are text. */
interface SourceRow {
  readonly source: string
  readonly connector: string
  readonly state: Source['state']
  readonly schedule: Schedule
  readonly last_good_at: string | null
  readonly due_since: string
  readonly last_run: number | null
  readonly last_kind: string
  readonly last_state: RunState
  readonly last_started_at: string
  readonly last_finished_at: string | null
  readonly held_runs: readonly number[]
  readonly held_prices: number
  readonly copied_run: number | null
  readonly copy_error: string | null
  readonly removals_off: string | null
}

/** @throws SyncError `run/unknown` · `db/unreachable`, also after `timeoutMs` */
export async function loadRunStanding(
  db: Db,
  run: number,
  timeoutMs: number,
): Promise<RunStanding> {
  const { rows } = await translateErrors(
    db.query<RunRow>(timed('select * from catalog.run_progress(null, $1)', timeoutMs), [run]),
  )
  if (!rows[0]) throw new SyncError('run/unknown', `There is no run ${run}`)
  return toRunStanding(rows[0])
}

/**
 * The run that is under way, else the newest, and the sources by name: of all, or of `source`
 * alone.
 *
 * @throws SyncError `source/unknown` · `db/unreachable`, also after `timeoutMs`
 */
export async function loadStanding(
  db: Db,
  source: string | null,
  timeoutMs: number,
): Promise<{ run: RunStanding | null; sources: SourceStanding[] }> {
  const { rows } = await translateErrors(
    db.query<(RunRow | { readonly run: null }) & { readonly sources: readonly SourceRow[] }>(
      timed(
        `select p.*, (select coalesce(jsonb_agg(s order by s.source), '[]') from catalog.source_standings($1) s) as sources
     from (select) once left join catalog.run_progress($1, null) p on true`,
        timeoutMs,
      ),
      [source],
    ),
  )
  const [row] = rows
  if (!row) throw new Error('the standing came without a row')
  if (source !== null && row.sources.length === 0)
    throw new SyncError('source/unknown', `There is no source called ${source}`)
  return {
    run: row.run === null ? null : toRunStanding(row),
    sources: row.sources.map(toSourceStanding),
  }
}

function toRunStanding({ counts, ...row }: RunRow): RunStanding {
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, counts[outcome] ?? 0]),
  ) as Record<Outcome, number>
  return {
    run: row.run,
    source: row.source,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    errorCode: row.error_code,
    correlationId: row.correlation_id,
    options: row.options,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    measuredAt: row.measured_at,
    fetchedAll: row.fetched_all,
    expected: row.expected,
    fetched: row.fetched,
    outcomes,
    removed: counts.removed ?? 0,
    removalsOff: row.removals_off,
  }
}

function toSourceStanding(row: SourceRow): SourceStanding {
  const instant = (text: string | null) => (text === null ? null : new Date(text))
  return {
    source: row.source,
    connector: row.connector,
    state: row.state,
    schedule: row.schedule,
    lastGoodAt: instant(row.last_good_at),
    dueSinceAt: new Date(row.due_since),
    lastRun:
      row.last_run === null
        ? null
        : {
            run: row.last_run,
            kind: row.last_kind,
            state: row.last_state,
            startedAt: new Date(row.last_started_at),
            finishedAt: instant(row.last_finished_at),
          },
    heldRuns: row.held_runs,
    heldPrices: row.held_prices,
    latestCopy: toLatestCopy(row),
    removalsOff: row.removals_off,
  }
}
