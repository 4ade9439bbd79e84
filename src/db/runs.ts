// Runs as workers use them: start or resume, hold the lease, end, settle. The rules are in the SQL functions of the same names.

import type { ErrorCode } from '../core/errors.ts'
import type { Counts, Ledger } from '../core/ledger.ts'
import type { Policy } from '../core/policy.ts'
import { ask } from './failures.ts'
import type { Db } from './pool.ts'

export type RunKind = 'full' | 'incremental' | 'replay'

/** How long a worker's silence is borne before another may take its run over. */
export const LEASE_MS = 15_000
/** How old an interrupted run may be and still be resumed; after that a new one replaces it. */
const RESUME_WITHIN_MS = 24 * 3_600_000

/** A run in the hands of this worker. The token proves it in every transaction. */
export interface HeldRun {
  readonly sourceId: number
  readonly id: number
  readonly token: number
  readonly kind: RunKind
  /** Whose artifact it applies: its own id, or in a replay an older run's. */
  readonly artifactRun: number
  readonly sinceAt: Date | null
  readonly resumed: boolean
  /** The source had no product when the run began. */
  readonly firstLoad: boolean
  readonly startedAt: Date
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
}

/** @throws SyncError `run/active` while another worker holds a run of this source */
export async function startRun(db: Db, request: RunRequest): Promise<HeldRun> {
  const { rows } = await ask(db.query<{
    run_id: number
    token: number
    resumed: boolean
    kind: RunKind
    since: Date | null
    artifact_run: number
    first_load: boolean
    started_at: Date
  }>('select * from catalog.start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', [
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

/** The run that is under way or was interrupted, and who holds it. */
export async function findActiveRun(db: Db, sourceId: number): Promise<{ id: number; kind: RunKind; owner: string | null; leased: boolean; startedAt: Date } | null> {
  const { rows } = await db.query<{ id: number; kind: RunKind; owner: string | null; leased: boolean; started_at: Date }>(
    'select * from catalog.find_active_run($1)',
    [sourceId],
  )
  const [row] = rows
  return row ? { id: row.id, kind: row.kind, owner: row.owner, leased: row.leased, startedAt: row.started_at } : null
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
export async function endRun(db: Db, run: HeldRun, state: 'interrupted' | 'failed', code: ErrorCode | null, reason: string): Promise<void> {
  await db.query('select catalog.end_run($1, $2, $3, $4, $5, $6)', [run.sourceId, run.id, run.token, state, code, reason])
}

export interface Settled {
  readonly state: 'succeeded' | 'held'
  readonly reason: string | null
  readonly ledger: Ledger
}

/** @throws SyncError `run/fenced` */
export async function settleRun(db: Db, run: HeldRun, seen: Buffer, policy: Policy): Promise<Settled> {
  const { rows } = await ask(db.query<{ state: Settled['state']; reason: string | null; ledger: Ledger & Partial<Counts> }>(
    'select * from catalog.settle_run($1, $2, $3, $4, $5)',
    [run.sourceId, run.id, run.token, seen, JSON.stringify(policy)],
  ))
  const [row] = rows
  if (!row) throw new Error('settle_run returned no row')
  const { unreadable: _, ...ledger } = row.ledger
  return { ...row, ledger }
}
