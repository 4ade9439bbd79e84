// A run of a source: start or resume it, end it, settle it. The rules are in the SQL functions of
// the same names.

import type { ErrorCode } from '../../core/error-table.ts'
import { classifyFailure } from '../../core/failure-class.ts'
import type { Counts, Ledger } from '../../core/ledger.ts'
import type { Policy } from '../../core/policy.ts'
import { isEndedByBreaker } from '../../core/refreshing.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'

export const RUN_KINDS = ['full', 'incremental', 'refresh', 'import', 'replay'] as const
export type RunKind = (typeof RUN_KINDS)[number]

/** Lease duration. When it expires, another worker may take over the run or the task. */
export const LEASE_MS = 15_000
/** An interrupted run that is older is replaced by a new one instead of resumed. */
const RESUME_WITHIN_MS = 24 * 3_600_000

/** Options of a run that a person or a schedule of refreshes started. */
export interface RunOptions {
  /** `fetch`: archive only, and leave the run to a later apply. */
  readonly stages?: 'fetch'
  /** Maximum number of records in one transaction. */
  readonly chunkSize?: number
  /** Number of lines to skip, and number of lines to apply. A run with either never settles. */
  readonly offset?: number
  readonly limit?: number
  readonly debug?: boolean
  /** A person requested it: each product that it names has a result. */
  readonly import?: boolean
  /**
   * Of a refresh by schedule: the last product in its turn, after which the next refresh begins.
   */
  readonly refreshTo?: string
}

export interface Run {
  readonly sourceId: number
  readonly id: number
  readonly kind: RunKind
  /** The run whose artifact is applied: itself, or an older one in a replay. */
  readonly artifactRun: number
  readonly sinceAt: Date | null
  /** The external ids that a refresh or an import covers. */
  readonly keys: readonly string[] | null
  readonly resumed: boolean
  /** The source had no product when the run began. */
  readonly firstLoad: boolean
  readonly startedAt: Date
  readonly options: RunOptions
}

/** A run, or a task of it, that this worker has leased. The token proves it in each transaction. */
export interface LeasedRun extends Run {
  readonly token: number
}

/** A run whose tasks are claimed one by one. */
export interface QueuedRun extends Run {
  /** True when this call started or resumed it. */
  readonly started: boolean
}

export interface RunRequest {
  readonly sourceId: number
  readonly kind: RunKind
  readonly sinceAt: Date | null
  /** For a refresh or an import: external ids in order, without duplicates. */
  readonly keys?: readonly string[] | null
  readonly artifactRun: number | null
  /** Resumes any interrupted sync. Otherwise only one that covers at least as much is resumed. */
  readonly resumeAny: boolean
  /** Does not resume an interrupted run that has fetched everything: a new run fetches again. */
  readonly refetch?: boolean
  readonly normaliserVersion: number
  readonly owner: string
  /** An owner that is known to be dead: its lease does not count. */
  readonly deadOwner: string | null
  readonly correlationId: string
  readonly options: RunOptions
  /**
   * For schedules: the last run that the scheduler has seen. If the source has a newer one, that
   * run is returned in any state, and none is started.
   */
  readonly after?: number
}

/** The active run that a request has superseded, with its state before. */
export type SupersededRun = Pick<ActiveRun, 'id' | 'state'>

/**
 * Starts or resumes a run that this process executes alone.
 *
 * @throws SyncError `run/active` while another worker has leased a run of this source
 */
export async function startRun(
  db: Catalog,
  request: RunRequest,
): Promise<LeasedRun & { readonly superseded: SupersededRun | null }> {
  const { token, started: _, ...run } = await callStartRun(db, request, false)
  if (token === null) throw new Error('start_run returned no token')
  return { ...run, token }
}

/**
 * Starts or resumes a run for the queue. A second identical call returns the same run.
 *
 * @throws SyncError `run/active`
 */
export async function startQueuedRun(db: Catalog, request: RunRequest): Promise<QueuedRun> {
  const { token: _, superseded: __, ...run } = await callStartRun(db, request, true)
  return run
}

async function callStartRun(
  db: Catalog,
  request: RunRequest,
  queued: boolean,
): Promise<
  QueuedRun & { readonly token: number | null; readonly superseded: SupersededRun | null }
> {
  const row = one(
    await db.call<{
      run_id: number
      token: number | null
      started: boolean
      resumed: boolean
      kind: RunKind
      since: string | null
      artifact_run: number
      first_load: boolean
      started_at: string
      superseded_run: number | null
      superseded_state: ActiveRun['state'] | null
    }>('start_run', {
      source: request.sourceId,
      kind: request.kind,
      since: request.sinceAt,
      artifact_run: request.artifactRun,
      resume_any: request.resumeAny,
      normaliser_version: request.normaliserVersion,
      owner: request.owner,
      dead_owner: request.deadOwner,
      lease: `${LEASE_MS} ms`,
      resume_within: `${RESUME_WITHIN_MS} ms`,
      correlation_id: request.correlationId,
      queued,
      options: jsonb(request.options),
      after: request.after ?? null,
      refetch: request.refetch ?? false,
      keys: request.keys ?? null,
    }),
  )
  return {
    sourceId: request.sourceId,
    id: row.run_id,
    token: row.token,
    started: row.started,
    kind: row.kind,
    artifactRun: row.artifact_run,
    sinceAt: toInstant(row.since),
    keys: request.keys ?? null,
    resumed: row.resumed,
    firstLoad: row.first_load,
    startedAt: toInstant(row.started_at),
    options: request.options,
    superseded:
      row.superseded_run === null || row.superseded_state === null
        ? null
        : { id: row.superseded_run, state: row.superseded_state },
  }
}

export interface ActiveRun {
  readonly id: number
  readonly kind: RunKind
  readonly state: 'running' | 'interrupted' | 'fetched'
  readonly queued: boolean
  /** The run whose artifact is applied. */
  readonly artifactRun: number
  readonly options: RunOptions
  /** The worker that has leased it or one of its tasks, as `getOwnerName` writes it. */
  readonly owner: string | null
  readonly leased: boolean
  readonly startedAt: Date
}

/**
 * Returns the run that is active, or that the next sync resumes, else null. With `keys`: the refresh
 * or import of these keys; else the run of the source that is neither. A requested import is separate
 * from all others.
 */
export async function findActiveRun(
  db: Catalog,
  sourceId: number,
  keys: readonly string[] | null = null,
  { import: isImport = false }: { readonly import?: boolean } = {},
): Promise<ActiveRun | null> {
  const [row] = await db.call<
    Omit<ActiveRun, 'startedAt' | 'artifactRun'> & { started_at: string; artifact_run: number }
  >('find_active_run', { source: sourceId, keys, import: isImport })
  if (!row) return null
  const { started_at: startedAt, artifact_run: artifactRun, ...run } = row
  return { ...run, artifactRun, startedAt: toInstant(startedAt) }
}

/** The end of a run that does not settle. */
export interface RunEnd {
  readonly state: 'interrupted' | 'failed' | 'partial' | 'fetched'
  readonly code: ErrorCode | null
  readonly reason: string
}

/**
 * Ends a run that does not settle. The next sync resumes a run that is `interrupted` or `fetched`.
 * Does nothing when the caller has lost the lease.
 */
export async function endRun(db: Catalog, run: LeasedRun, end: RunEnd): Promise<void> {
  await db.call('end_run', {
    source: run.sourceId,
    run: run.id,
    token: run.token,
    state: end.state,
    code: end.code,
    reason: end.reason,
    // The breaker already limits the requests: if it counted as a failed run of the host, an outage
    // of three hours would end the refreshes of a day.
    failure: isEndedByBreaker(run.keys, end.code) ? null : classifyFailure(end.code),
  })
}

export interface SeenProducts {
  /** Bitmap over product numbers. */
  readonly seen: Buffer
  /** Records that were counted as unchanged in two parts. */
  readonly repeats: number
  /** Time since the worker began to settle. */
  readonly ageMs: number
}

export interface Settled {
  readonly state: 'succeeded' | 'held'
  readonly reason: string | null
  readonly ledger: Ledger
  /** The reason why a full run could not detect missing products, or null. */
  readonly removalsOff: string | null
}

/**
 * Ends a run whose artifact is applied: publishes its changes, or holds it for a decision.
 *
 * @throws SyncError `run/fenced` · `run/over` for a second call · `run/cancelled`
 */
export async function settleRun(
  db: Catalog,
  run: LeasedRun,
  { seen, repeats, ageMs }: SeenProducts,
  policy: Policy,
): Promise<Settled> {
  const row = one(
    await db.call<{
      state: Settled['state']
      reason: string | null
      ledger: Ledger & Partial<Counts>
      removals_off: string | null
    }>('settle_run', {
      source: run.sourceId,
      run: run.id,
      token: run.token,
      seen,
      repeats,
      policy: jsonb(policy),
      age: `${Math.ceil(ageMs)} ms`,
    }),
  )
  const { state, reason, removals_off: removalsOff } = row
  const { unreadable: _, ...ledger } = row.ledger
  return { state, reason, ledger, removalsOff }
}
