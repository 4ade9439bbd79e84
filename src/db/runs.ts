// Runs as workers use them: start or resume, hold the lease, end, settle. The rules are in the SQL functions of the same names.

import { SyncError, type ErrorCode } from '../core/errors.ts'
import type { Counts, Ledger } from '../core/ledger.ts'
import type { Policy } from '../core/policy.ts'
import { ask } from './failures.ts'
import type { Db } from './pool.ts'
import type { Schedule } from './sources.ts'

export type RunKind = 'full' | 'incremental' | 'replay'

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
  readonly resumed: boolean
  /** The source had no product when the run began. */
  readonly firstLoad: boolean
  readonly startedAt: Date
}

/** A run, or a task of it, in the hands of this worker. The token proves it in every transaction. */
export interface HeldRun extends Run {
  readonly token: number
}

export interface RunRequest {
  readonly sourceId: number
  readonly kind: RunKind
  readonly sinceAt: Date | null
  readonly artifactRun: number | null
  /** Goes on with whatever sync was interrupted; without it only with one that asks for at least as much. */
  readonly resumeAny: boolean
  readonly normaliserVersion: number
  readonly owner: string
  /** An owner that is known to be dead: its lease does not count. */
  readonly deadOwner: string | null
  readonly correlationId: string
  readonly options: RunOptions
  /** A schedule's run: only if the source has not been begun with since this run. Else the younger run comes back, whatever became of it. */
  readonly after?: number
}

/** Starts or resumes a run that this process does by itself. @throws SyncError `run/active` while another worker holds a run of this source */
export async function startRun(db: Db, request: RunRequest): Promise<HeldRun> {
  const { token, ...run } = await askForRun(db, request, false)
  if (token === null) throw new Error('start_run gave no token')
  return { ...run, token }
}

/** Starts or resumes a run for the queue: its tasks are claimed one by one. Asked twice: the same run. @throws SyncError `run/active` */
export async function startQueuedRun(db: Db, request: RunRequest): Promise<Run> {
  const { token: _, ...run } = await askForRun(db, request, true)
  return run
}

async function askForRun(db: Db, request: RunRequest, queued: boolean): Promise<Run & { readonly token: number | null }> {
  const { rows } = await ask(db.query<{
    run_id: number
    token: number | null
    resumed: boolean
    kind: RunKind
    since: Date | null
    artifact_run: number
    first_load: boolean
    started_at: Date
  }>('select * from catalog.start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)', [
    request.sourceId,
    request.kind,
    request.sinceAt,
    request.artifactRun,
    request.resumeAny,
    request.normaliserVersion,
    request.owner,
    request.deadOwner,
    `${LEASE_MS} ms`,
    `${RESUME_WITHIN_MS} ms`,
    request.correlationId,
    queued,
    JSON.stringify(request.options),
    request.after ?? null,
  ]))
  const [row] = rows
  if (!row) throw new Error('start_run returned no row')
  return {
    sourceId: request.sourceId,
    id: row.run_id,
    token: row.token,
    kind: row.kind,
    artifactRun: row.artifact_run,
    sinceAt: row.since,
    resumed: row.resumed,
    firstLoad: row.first_load,
    startedAt: row.started_at,
  }
}

export interface ActiveRun {
  readonly id: number
  readonly kind: RunKind
  readonly state: 'running' | 'interrupted'
  readonly queued: boolean
  /** Who holds it or one of its tasks, as `owner()` writes it. */
  readonly owner: string | null
  readonly leased: boolean
  readonly startedAt: Date
}

/** The run that is under way or was interrupted, and who holds it. */
export async function findActiveRun(db: Db, sourceId: number): Promise<ActiveRun | null> {
  const { rows } = await db.query<Omit<ActiveRun, 'startedAt'> & { started_at: Date }>('select * from catalog.find_active_run($1)', [sourceId])
  const [row] = rows
  if (!row) return null
  const { started_at: startedAt, ...run } = row
  return { ...run, startedAt }
}

/**
 * Takes one task of a queued run. `isDead` says whether an owner is known to be dead, so that its lease need not run out.
 *
 * @throws SyncError `run/over` when there is nothing left to do in the run · `run/active` while another worker has the task
 */
export async function claimTask(db: Db, run: Run, task: TaskName, owner: string, isDead: (owner: string) => boolean): Promise<HeldRun> {
  const { rows: leases } = await ask(db.query<{ owner: string | null }>('select catalog.find_lease($1, $2, $3) as owner', [run.sourceId, run.id, task]))
  const holder = leases[0]?.owner ?? null
  const deadOwner = holder !== null && isDead(holder) ? holder : null
  const { rows } = await ask(db.query<{ token: number }>('select catalog.claim_task($1, $2, $3, $4, $5, $6) as token', [
    run.sourceId, run.id, task, owner, deadOwner, `${LEASE_MS} ms`,
  ]))
  if (!rows[0]) throw new Error('claim_task returned no row')
  return { ...run, token: rows[0].token }
}

/** Gives a task back, done or not, so that the next worker need not wait for the lease. */
export async function releaseTask(db: Db, run: HeldRun): Promise<void> {
  await db.query('select catalog.release_task($1, $2, $3)', [run.sourceId, run.id, run.token])
}

/** @throws SyncError `run/unknown` */
export async function loadQueuedRun(db: Db, sourceId: number, id: number): Promise<Run & { readonly options: RunOptions; readonly correlationId: string }> {
  const { rows } = await ask(db.query<{
    kind: RunKind
    since: Date | null
    artifact_run: number
    first_load: boolean
    started_at: Date
    options: RunOptions
    correlation_id: string
  }>('select * from catalog.load_run($1, $2)', [sourceId, id]))
  const [row] = rows
  if (!row) throw new SyncError('run/unknown', `There is no run ${id}`)
  return {
    sourceId, id, kind: row.kind, artifactRun: row.artifact_run, sinceAt: row.since, resumed: false, firstLoad: row.first_load,
    startedAt: row.started_at, options: row.options, correlationId: row.correlation_id,
  }
}

/** A queued run, and what of it is still to be done. */
export interface OpenRun {
  readonly sourceId: number
  readonly source: string
  readonly id: number
  readonly options: RunOptions
  /** Its artifact is closed: nothing more will be fetched. */
  readonly fetched: boolean
  readonly partsLeft: readonly number[]
}

export async function listQueuedRuns(db: Db): Promise<OpenRun[]> {
  const { rows } = await ask(db.query<{ source_id: number; source: string; run_id: number; options: RunOptions; closed: boolean; parts_left: number[] }>(
    'select * from catalog.list_queued_runs()',
  ))
  return rows.map((row) => ({ sourceId: row.source_id, source: row.source, id: row.run_id, options: row.options, fetched: row.closed, partsLeft: row.parts_left }))
}

/** Ends a run for good, whoever works on it. A run that is over stays as it is. Returns its state. @throws SyncError `run/unknown` */
export async function cancelRun(db: Db, id: number): Promise<string> {
  const { rows } = await ask(db.query<{ state: string }>('select catalog.cancel_run($1) as state', [id]))
  return rows[0]?.state ?? 'cancelled'
}

/** Lets a run that failed go on for the queue. False when a younger one has taken its place, or it did not fail. */
export async function reopenRun(db: Db, id: number): Promise<boolean> {
  const { rows } = await ask(db.query<{ reopened: boolean }>('select catalog.reopen_run($1) as reopened', [id]))
  return rows[0]?.reopened ?? false
}

/** Ends a queued run that no worker will finish. A later sync can go on with it. */
export async function giveUpRun(db: Db, id: number, reason: string): Promise<void> {
  await ask(db.query('select catalog.give_up_run($1, $2)', [id, reason]))
}

/** A source and its schedule, with the run that it was last begun with (0: none), when that was, and what the database's clock says. */
export interface ScheduledSource {
  readonly source: string
  readonly schedule: Schedule
  readonly lastRun: number
  readonly sinceAt: Date
  readonly now: Date
}

export async function listScheduled(db: Db): Promise<ScheduledSource[]> {
  const { rows } = await ask(db.query<{ source: string; schedule: Schedule; last_run: number; since: Date; at: Date }>('select * from catalog.list_due()'))
  return rows.map(({ source, schedule, last_run: lastRun, since: sinceAt, at: now }) => ({ source, schedule, lastRun, sinceAt, now }))
}

/** False when the run is no longer this worker's. */
export async function renewLease(db: Db, run: HeldRun): Promise<boolean> {
  const { rows } = await db.query<{ held: boolean }>('select catalog.renew_lease($1, $2, $3, $4) as held', [
    run.sourceId,
    run.id,
    run.token,
    `${LEASE_MS} ms`,
  ])
  return rows[0]?.held ?? false
}

/** Ends a run that did not come to settle. `interrupted` keeps it for the next sync to resume. A fenced worker's call does nothing. */
export async function endRun(db: Db, run: HeldRun, state: 'interrupted' | 'failed' | 'partial', code: ErrorCode | null, reason: string): Promise<void> {
  await db.query('select catalog.end_run($1, $2, $3, $4, $5, $6)', [run.sourceId, run.id, run.token, state, code, reason])
}

export interface Settled {
  readonly state: 'succeeded' | 'held'
  readonly reason: string | null
  readonly ledger: Ledger
}

/**
 * Closes the run. `seen`: a bitmap over product numbers. `repeats`: how many of the records counted as unchanged came in two parts.
 *
 * @throws SyncError `run/fenced`
 */
export async function settleRun(db: Db, run: HeldRun, seen: Buffer, repeats: number, policy: Policy): Promise<Settled> {
  const { rows } = await ask(db.query<{ state: Settled['state']; reason: string | null; ledger: Ledger & Partial<Counts> }>(
    'select * from catalog.settle_run($1, $2, $3, $4, $5, $6)',
    [run.sourceId, run.id, run.token, seen, repeats, JSON.stringify(policy)],
  ))
  const [row] = rows
  if (!row) throw new Error('settle_run returned no row')
  const { unreadable: _, ...ledger } = row.ledger
  return { ...row, ledger }
}
