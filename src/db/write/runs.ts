// Runs as workers use them: start or resume, hold the lease, end, settle. The rules are in the SQL
// functions of the same names.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { Counts, Ledger } from '../../core/ledger.ts'
import type { Policy } from '../../core/policy.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'
import type { Schedule } from '../sources.ts'

export type RunKind = 'full' | 'incremental' | 'refresh' | 'import' | 'replay'

/** How long a worker's silence is borne before another may take its run over. */
export const LEASE_MS = 15_000
/** How old an interrupted run may be and still be resumed; after that a new one replaces it. */
const RESUME_WITHIN_MS = 24 * 3_600_000

/** What a hand-made run asks for beyond its kind. */
export interface RunOptions {
  /** `fetch`: archive only, and leave the run for whoever applies it. */
  readonly stages?: 'fetch'
  /** Records a transaction at most. */
  readonly chunkSize?: number
  /** Lines of the artifact to skip, and how many to apply then. A run with either never settles. */
  readonly offset?: number
  readonly limit?: number
  readonly debug?: boolean
}

/** What a task of a run is called where workers take leases: `run` is all of it. */
export type TaskName = 'run' | 'fetch' | `part ${number}` | 'settle'

export interface Run {
  readonly sourceId: number
  readonly id: number
  readonly kind: RunKind
  /** Whose artifact it applies: its own id, or in a replay an older run's. */
  readonly artifactRun: number
  readonly sinceAt: Date | null
  /** Of a refresh or an import: the external ids that it covers. */
  readonly keys: readonly string[] | null
  readonly resumed: boolean
  /** The source had no product when the run began. */
  readonly firstLoad: boolean
  readonly startedAt: Date
  readonly options: RunOptions
}

/** A run for the queue as somebody asked for it. */
export interface QueuedRun extends Run {
  /** This call started or resumed it; else it was there already. */
  readonly begun: boolean
}

/**
 * A run, or a task of it, in the hands of this worker. The token proves it in every transaction.
 */
export interface LeasedRun extends Run {
  readonly token: number
}

export interface RunRequest {
  readonly sourceId: number
  readonly kind: RunKind
  readonly sinceAt: Date | null
  /** Of a refresh or an import: external ids in order, without duplicates. */
  readonly keys?: readonly string[] | null
  readonly artifactRun: number | null
  /**
   * Goes on with whatever sync was interrupted; without it only with one that asks for at least as
   * much.
   */
  readonly resumeAny: boolean
  /** Asks the supplier: not with an interrupted run that has fetched all. */
  readonly anew?: boolean
  readonly normaliserVersion: number
  readonly owner: string
  /** An owner that is known to be dead: its lease does not count. */
  readonly deadOwner: string | null
  readonly correlationId: string
  readonly options: RunOptions
  /**
   * A schedule's run: only if the source has not been begun with since this run. Else the younger
   * run comes back, whatever became of it.
   */
  readonly after?: number
}

/**
 * Starts or resumes a run that this process does by itself. @throws SyncError `run/active` while
 * another worker holds a run of this source
 */
export async function startRun(db: Catalog, request: RunRequest): Promise<LeasedRun> {
  const { token, begun: _, ...run } = await askForRun(db, request, false)
  if (token === null) throw new Error('start_run gave no token')
  return { ...run, token }
}

/**
 * Starts or resumes a run for the queue: its tasks are claimed one by one. Asked twice: the same
 * run. @throws SyncError `run/active`
 */
export async function startQueuedRun(db: Catalog, request: RunRequest): Promise<QueuedRun> {
  const { token: _, ...run } = await askForRun(db, request, true)
  return run
}

async function askForRun(
  db: Catalog,
  request: RunRequest,
  queued: boolean,
): Promise<QueuedRun & { readonly token: number | null }> {
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
      refetch: request.anew ?? false,
      keys: request.keys ?? null,
    }),
  )
  return {
    sourceId: request.sourceId,
    id: row.run_id,
    token: row.token,
    begun: row.started,
    kind: row.kind,
    artifactRun: row.artifact_run,
    sinceAt: toInstant(row.since),
    keys: request.keys ?? null,
    resumed: row.resumed,
    firstLoad: row.first_load,
    startedAt: toInstant(row.started_at),
    options: request.options,
  }
}

export interface ActiveRun {
  readonly id: number
  readonly kind: RunKind
  readonly state: 'running' | 'interrupted' | 'fetched'
  readonly queued: boolean
  /** Whose artifact it applies. */
  readonly artifactRun: number
  readonly options: RunOptions
  /** Who holds it or one of its tasks, as `owner()` writes it. */
  readonly owner: string | null
  readonly leased: boolean
  readonly startedAt: Date
}

/**
 * Lets a run that was ordered to be fetched only be applied too. False when it is over, or was to
 * be applied anyway.
 */
export async function widenRun(db: Catalog, sourceId: number, id: number): Promise<boolean> {
  return one(await db.call<boolean>('extend_run', { source: sourceId, run: id }))
}

/**
 * The run that is active, or that the next sync resumes. With `keys`: the refresh or import of these
 * keys; else the one run of the source that is neither.
 */
export async function findActiveRun(
  db: Catalog,
  sourceId: number,
  keys: readonly string[] | null = null,
): Promise<ActiveRun | null> {
  const [row] = await db.call<
    Omit<ActiveRun, 'startedAt' | 'artifactRun'> & { started_at: string; artifact_run: number }
  >('find_active_run', { source: sourceId, keys })
  if (!row) return null
  const { started_at: startedAt, artifact_run: artifactRun, ...run } = row
  return { ...run, artifactRun, startedAt: toInstant(startedAt) }
}

export interface ClaimedTask extends LeasedRun {
  /** The worker that had the task and never gave it back, as `owner()` writes it. */
  readonly takenFrom: string | null
}

/**
 * Takes one task of a queued run. `isDead` says whether an owner is known to be dead, so that its
 * lease need not run out.
 *
 * @throws SyncError `run/over` when there is nothing left to do in the run · `run/active` while
 * another worker has the task
 */
export async function claimTask(
  db: Catalog,
  run: Run,
  task: TaskName,
  owner: string,
  isDead: (owner: string) => boolean,
): Promise<ClaimedTask> {
  const holder = one(
    await db.call<string | null>('find_lease_owner', { source: run.sourceId, run: run.id, task }),
  )
  const deadOwner = holder !== null && isDead(holder) ? holder : null
  const { token, previous_owner: takenFrom } = one(
    await db.call<{ token: number; previous_owner: string | null }>('claim_task', {
      source: run.sourceId,
      run: run.id,
      task,
      owner,
      dead_owner: deadOwner,
      lease: `${LEASE_MS} ms`,
    }),
  )
  return { ...run, token, takenFrom }
}

/** Gives a task back, done or not, so that the next worker need not wait for the lease. */
export async function releaseTask(db: Catalog, run: LeasedRun): Promise<void> {
  await db.call('release_task', { source: run.sourceId, run: run.id, token: run.token })
}

/** @throws SyncError `run/unknown` */
export async function loadQueuedRun(
  db: Catalog,
  sourceId: number,
  id: number,
): Promise<Run & { readonly correlationId: string }> {
  const [row] = await db.call<{
    kind: RunKind
    since: string | null
    keys: string[] | null
    artifact_run: number
    first_load: boolean
    started_at: string
    options: RunOptions
    correlation_id: string
  }>('load_run', { source: sourceId, run: id })
  if (!row) throw new SyncError('run/unknown', `Run ${id} does not exist`)
  return {
    sourceId,
    id,
    kind: row.kind,
    artifactRun: row.artifact_run,
    sinceAt: toInstant(row.since),
    keys: row.keys,
    resumed: false,
    firstLoad: row.first_load,
    startedAt: toInstant(row.started_at),
    options: row.options,
    correlationId: row.correlation_id,
  }
}

/** A queued run, and what of it is still to be done. */
export interface OpenRun {
  readonly sourceId: number
  readonly source: string
  readonly id: number
  /** When it was started or resumed last. */
  readonly begunAt: Date
  readonly options: RunOptions
  /** Its artifact is closed: nothing more will be fetched. */
  readonly fetched: boolean
  readonly partsLeft: readonly number[]
}

export function listQueuedRuns(db: Catalog): Promise<OpenRun[]> {
  return readQueuedRuns(db, null)
}

/** The run when it waits for the queue's workers. */
export async function findQueuedRun(db: Catalog, id: number): Promise<OpenRun | null> {
  return (await readQueuedRuns(db, id))[0] ?? null
}

async function readQueuedRuns(db: Catalog, run: number | null): Promise<OpenRun[]> {
  const rows = await db.call<{
    source_id: number
    source: string
    run_id: number
    last_started_at: string
    options: RunOptions
    fetched: boolean
    parts_left: number[]
  }>('list_queued_runs', { run })
  return rows.map((row) => ({
    sourceId: row.source_id,
    source: row.source,
    id: row.run_id,
    begunAt: toInstant(row.last_started_at),
    options: row.options,
    fetched: row.fetched,
    partsLeft: row.parts_left,
  }))
}

/** Those of the runs that a younger run has made up for, or that are gone with their source. */
export function listMootRuns(db: Catalog, ids: readonly number[]): Promise<number[]> {
  return db.call<number>('list_obsolete_runs', { runs: ids })
}

/**
 * Ends a run for good, whoever works on it. A run that is over stays as it is. Returns its state.
 * @throws SyncError `run/unknown`
 */
export async function cancelRun(db: Catalog, id: number): Promise<string> {
  return one(await db.call<string>('cancel_run', { run: id }))
}

/**
 * Lets a run that failed go on for the queue. False when a younger one has taken its place, or it
 * did not fail.
 */
export async function reopenRun(db: Catalog, id: number): Promise<boolean> {
  return one(await db.call<boolean>('reopen_run', { run: id }))
}

/** Ends a queued run that no worker will finish. A later sync can go on with it. */
export async function giveUpRun(db: Catalog, id: number, reason: string): Promise<void> {
  await db.call('interrupt_run', { run: id, reason })
}

/**
 * A source and its schedule, with the run that it was last begun with (0: none), since when it may
 * be due, and what the database's clock says.
 */
export interface ScheduledSource {
  readonly source: string
  readonly schedule: Schedule
  readonly lastRun: number
  readonly sinceAt: Date
  readonly now: Date
}

export async function listScheduled(db: Catalog): Promise<ScheduledSource[]> {
  const rows = await db.call<{
    source: string
    schedule: Schedule
    last_run: number
    since: string
    at: string
  }>('list_due_sources', {})
  return rows.map(({ source, schedule, last_run: lastRun, since, at }) => ({
    source,
    schedule,
    lastRun,
    sinceAt: toInstant(since),
    now: toInstant(at),
  }))
}

/**
 * @throws SyncError `run/cancelled` · `run/over` · `run/fenced` · `db/unreachable`, also when the
 * database has not answered within `timeoutMs`
 */
export async function renewLease(db: Catalog, run: LeasedRun, timeoutMs: number): Promise<void> {
  await db.call(
    'renew_lease',
    { source: run.sourceId, run: run.id, token: run.token, lease: `${LEASE_MS} ms` },
    timeoutMs,
  )
}

/** How a run ends that does not settle. */
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
  })
}

export interface Settled {
  readonly state: 'succeeded' | 'held'
  readonly reason: string | null
  readonly ledger: Ledger
  /** Of a full run: why it could not tell what is missing, so that nothing was removed. */
  readonly removalsOff: string | null
}

/**
 * Closes the run. `seen`: a bitmap over product numbers. `repeats`: how many of the records counted
 * as unchanged came in two parts.
 *
 * @throws SyncError `run/fenced`
 */
export async function settleRun(
  db: Catalog,
  run: LeasedRun,
  seen: Buffer,
  repeats: number,
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
    }),
  )
  const { state, reason, removals_off: removalsOff } = row
  const { unreadable: _, ...ledger } = row.ledger
  return { state, reason, ledger, removalsOff }
}
