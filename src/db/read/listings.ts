// What a person asks about sources and runs. Read by whoever owns the tables; workers use the
// functions instead.

import type { Ledger } from '../../core/ledger.ts'
import { SyncError } from '../../core/errors.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import type { Db } from '../pool.ts'
import { toLatestCopy, type LatestCopy } from '../sources.ts'

export type RunState =
  | 'running'
  | 'interrupted'
  | 'fetched'
  | 'succeeded'
  | 'held'
  | 'failed'
  | 'rejected'
  | 'superseded'
  | 'cancelled'
  | 'partial'

/** One run as its row says it; `seconds` runs on while the run does. */
export interface RunListing {
  readonly id: number
  readonly source: string
  readonly kind: string
  readonly state: RunState
  readonly reason: string | null
  readonly errorCode: string | null
  readonly startedAt: Date
  readonly finishedAt: Date | null
  readonly seconds: number
  readonly ledger: Ledger | null
  /** Of a full run: why it could not tell what is missing, so that nothing was removed. */
  readonly removalsOff: string | null
}

export interface RunDetails extends RunListing {
  readonly correlationId: string
  readonly artifactRun: number
  readonly sinceAt: Date | null
  readonly artifact: ArtifactListing | null
  /** Changes by kind, published or waiting. */
  readonly changes: Readonly<Record<string, number>>
  readonly openReviews: number
  readonly openQuarantine: number
}

export interface ArtifactListing {
  readonly run: number
  readonly source: string
  readonly state: 'open' | 'closed' | 'purged'
  readonly complete: boolean
  readonly expected: number | null
  readonly warnings: readonly string[]
  readonly startedAt: Date
  readonly parts: number
  readonly lines: number
  readonly rawBytes: number
  readonly storedBytes: number
  readonly latest: boolean
}

/** How a source stands. */
export interface SourceStatus {
  readonly source: string
  readonly products: Readonly<Record<'draft' | 'active' | 'unavailable' | 'removed', number>>
  readonly lastRun: RunListing | null
  readonly lastGoodAt: Date | null
  /**
   * The source is due at the first time of its schedule after this: when the last good run began,
   * or later, when the schedule was set.
   */
  readonly dueSinceAt: Date
  readonly heldRuns: readonly number[]
  readonly openReviews: number
  readonly openQuarantine: number
  readonly latestCopy: LatestCopy | null
  /**
   * Why the newest full run removed nothing and called nothing missing; null when it could tell.
   */
  readonly removalsOff: string | null
}

const RUN_COLUMNS = `r.id, s.name as source, r.kind, n.state, n.reason, r.error_code as "errorCode", r.started_at as "startedAt",
  n.finished_at as "finishedAt", r.ledger, r.removals_off as "removalsOff", extract(epoch from coalesce(n.finished_at, clock_timestamp()) - r.started_at)::float8 as seconds`

/** The newest first. */
export async function listRuns(
  db: Catalog,
  filter: { source?: string | undefined; state?: string | undefined; limit: number },
): Promise<RunListing[]> {
  const rows = await db.call<RunRow>('list_runs', {
    source: filter.source ?? null,
    state: filter.state ?? null,
    limit: filter.limit,
  })
  return rows.map(toListing)
}

/** @throws SyncError `run/unknown` */
export async function loadRun(db: Db, id: number): Promise<RunDetails> {
  const { rows } = await db.query<Omit<RunDetails, 'artifact'> & { sourceId: number }>(
    `select ${RUN_COLUMNS}, r.source_id as "sourceId", r.correlation_id as "correlationId", r.artifact_run as "artifactRun", r.since as "sinceAt",
       coalesce((select jsonb_object_agg(kind, n) from (select kind, count(*) as n from catalog.changes c
         where c.source_id = r.source_id and c.run_id = r.id group by kind) k), '{}') as changes,
       (select count(*) from catalog.reviews v where v.source_id = r.source_id and v.run_id = r.id and v.state = 'open') as "openReviews",
       (select count(*) from catalog.quarantine q where q.source_id = r.source_id and q.artifact_run = r.artifact_run and q.state = 'open') as "openQuarantine"
     from catalog.runs r join catalog.sources s on s.id = r.source_id cross join lateral catalog.derive_run_state(r) n where r.id = $1`,
    [id],
  )
  const [row] = rows
  if (!row) throw new SyncError('run/unknown', `There is no run ${id}`)
  const { sourceId: _, ...run } = row
  const [artifact = null] = await listArtifacts(db, { run: run.artifactRun, limit: 1 })
  return { ...run, artifact }
}

/** The newest first. */
export async function listArtifacts(
  db: Db,
  filter: { source?: string | undefined; run?: number | undefined; limit: number },
): Promise<ArtifactListing[]> {
  const { rows } = await db.query<ArtifactListing>(
    `select a.run_id as run, s.name as source, a.state, a.complete, a.expected, a.warnings, r.started_at as "startedAt",
       p.parts, p.lines, p.raw as "rawBytes", p.stored as "storedBytes", s.latest_run is not distinct from a.run_id as latest
     from catalog.artifacts a
     join catalog.sources s on s.id = a.source_id
     join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
     cross join lateral (
       select count(*) as parts, coalesce(sum(line_count), 0)::bigint as lines, coalesce(sum(raw_bytes), 0)::bigint as raw,
         coalesce(sum(stored_bytes), 0)::bigint as stored
       from catalog.parts p where p.source_id = a.source_id and p.run_id = a.run_id
     ) p
     where ($1::text is null or s.name = $1) and ($2::bigint is null or a.run_id = $2) order by a.run_id desc limit $3`,
    [filter.source ?? null, filter.run ?? null, filter.limit],
  )
  return rows
}

/** By name. Counts every product once: seconds on a catalogue of millions. */
export async function listStatus(db: Catalog): Promise<SourceStatus[]> {
  const rows = await db.call<{
    source: string
    products: SourceStatus['products']
    last_run: RunRow | null
    last_good_at: string | null
    due_since: string
    held_runs: number[]
    open_reviews: number
    open_quarantine: number
    copied_run: number | null
    copy_error: string | null
    removals_off: string | null
  }>('list_status', {})
  return rows.map((row) => ({
    source: row.source,
    products: row.products,
    lastRun: row.last_run && toListing(row.last_run),
    lastGoodAt: toInstant(row.last_good_at),
    dueSinceAt: toInstant(row.due_since),
    heldRuns: row.held_runs,
    openReviews: row.open_reviews,
    openQuarantine: row.open_quarantine,
    latestCopy: toLatestCopy(row),
    removalsOff: row.removals_off,
  }))
}

type RunRow = Omit<RunListing, 'errorCode' | 'startedAt' | 'finishedAt' | 'removalsOff'> & {
  readonly removals_off: string | null
  readonly error_code: string | null
  readonly started_at: string
  readonly finished_at: string | null
}

function toListing({
  error_code: errorCode,
  started_at: startedAt,
  finished_at: finishedAt,
  removals_off: removalsOff,
  ...run
}: RunRow): RunListing {
  return {
    ...run,
    errorCode,
    removalsOff,
    startedAt: toInstant(startedAt),
    finishedAt: toInstant(finishedAt),
  }
}
