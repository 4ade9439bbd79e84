// The read model of the work of one run: when each task began, waited and ended, and which worker
// did it. Lines are counted by outcome for each part.

import { SyncError } from '../../core/errors.ts'
import type { Outcome } from '../../core/ledger.ts'
import { type Catalog, toInstant } from '../catalog.ts'

/** The judgement that held a run: what was found, and the shares that the policy allows. */
export interface Judgement {
  readonly facts: {
    readonly expected: number | null
    readonly fetched: number
    readonly complete: boolean
    /** Products that are not removed, and those of them that the run proves missing. */
    readonly products?: number
    readonly missing: number
    /** Prices that changed, the median of new / old, and those that failed a gate. */
    readonly moved: number
    readonly ratio: number | null
    readonly gated: number
    /** Products that would have no price left. */
    readonly withdrawn: number
    readonly counts: Readonly<Partial<Record<Outcome, number>>>
  }
  readonly policy: {
    readonly removalShare: number
    readonly quarantineShare: number
    readonly priceShiftShare: number
    readonly priceShiftFactor: number
  }
}

export interface RunTimes {
  readonly connector: string
  /** Started by the schedule of its source. */
  readonly bySchedule: boolean
  readonly queued: boolean
  readonly startedAt: Date
  /** When it was started or resumed last. */
  readonly lastStartedAt: Date
  readonly settleBeganAt: Date | null
  readonly finishedAt: Date | null
  /** The end of the fetch; null while it lasts, and of a replay. */
  readonly closedAt: Date | null
  /** Parts of the artifact that it applies, and those of them that it has applied. */
  readonly parts: number
  readonly applied: number
  /** The review of a run that was held. */
  readonly review: RunReview | null
  /** The newest run of its source that is neither a refresh nor an import. */
  readonly latest: number | null
}

export interface RunReview {
  readonly id: number
  readonly state: 'open' | 'approved' | 'rejected' | 'superseded'
  readonly openedAt: Date
  readonly decidedAt: Date | null
  readonly decidedBy: string | null
  /** Null for a run that was held by an earlier version of Shelfsync. */
  readonly judged: Judgement | null
}

/** One part, or several that follow each other. */
export interface RunParts {
  readonly firstNo: number
  readonly lastNo: number
  readonly lines: number
  readonly rawBytes: number
  readonly storedBytes: number
  /** Null for a replay, which fetches nothing: when it was requested, arrived and was archived. */
  readonly requestedAt: Date | null
  readonly arrivedAt: Date | null
  readonly archivedAt: Date | null
  /** Time in which the fetch waited to send a request. */
  readonly waitedMs: number
  /** When a worker began to apply it; null before that, and once the artifact has been removed. */
  readonly beganAt: Date | null
  /** The last commit of its lines. */
  readonly savedAt: Date | null
  readonly appliedLines: number
  readonly done: boolean
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>
  /** Checksum of the stored bytes of a single part. */
  readonly sha256: string | null
}

/** See `catalog.run_events`. */
export interface RunEvent {
  readonly at: Date
  readonly event: 'claimed' | 'resumed' | 'copied'
  readonly task: string | null
  readonly worker: string | null
  readonly detail: {
    readonly from?: string
    readonly state?: string
    readonly code?: string
    readonly reason?: string
    readonly stopped_at?: string
    readonly seconds?: number
    readonly failed?: true
  }
}

/** A task that a worker has now. */
export interface RunLease {
  readonly task: string
  readonly worker: string
  readonly expiresAt: Date
}

interface TimesRow {
  readonly connector: string
  readonly by_schedule: boolean
  readonly queued: boolean
  readonly started_at: string
  readonly last_started_at: string
  readonly settle_began_at: string | null
  readonly finished_at: string | null
  readonly closed_at: string | null
  readonly parts: number
  readonly applied: number
  readonly review: number | null
  readonly review_state: RunReview['state']
  readonly review_opened_at: string
  readonly review_decided_at: string | null
  readonly review_decided_by: string | null
  readonly judged: Judgement | Record<string, never> | null
  readonly latest: number | null
}

interface PartsRow {
  readonly first_no: number
  readonly last_no: number
  readonly lines: number
  readonly raw_bytes: number
  readonly stored_bytes: number
  readonly requested_at: string | null
  readonly arrived_at: string | null
  readonly archived_at: string | null
  readonly waited: number
  readonly began_at: string | null
  readonly saved_at: string | null
  readonly applied: number
  readonly done: boolean
  readonly outcomes: RunParts['outcomes']
  readonly sha256: string | null
}

/** @throws SyncError `run/unknown` */
export async function loadRunTimes(db: Catalog, run: number): Promise<RunTimes> {
  const [row] = await db.call<TimesRow>('load_run_times', { run })
  if (row === undefined) throw new SyncError('run/unknown', `Run ${run} does not exist`)
  return {
    connector: row.connector,
    bySchedule: row.by_schedule,
    queued: row.queued,
    startedAt: toInstant(row.started_at),
    lastStartedAt: toInstant(row.last_started_at),
    settleBeganAt: toInstant(row.settle_began_at),
    finishedAt: toInstant(row.finished_at),
    closedAt: toInstant(row.closed_at),
    parts: row.parts,
    applied: row.applied,
    review: row.review === null ? null : toReview(row, row.review),
    latest: row.latest,
  }
}

function toReview(row: TimesRow, id: number): RunReview {
  const { judged } = row
  return {
    id,
    state: row.review_state,
    openedAt: toInstant(row.review_opened_at),
    decidedAt: toInstant(row.review_decided_at),
    decidedBy: row.review_decided_by,
    judged: judged !== null && isJudgement(judged) ? judged : null,
  }
}

function isJudgement(judged: Judgement | Record<string, never>): judged is Judgement {
  return 'facts' in judged
}

export interface PartsRequest {
  /** Parts after this one. */
  readonly after?: number
  /** Number of groups. */
  readonly limit: number
  /** Parts of one group. Default 1. */
  readonly size?: number
}

/** Lists the parts that the run applies, in groups, in their order. */
export async function listRunParts(
  db: Catalog,
  run: number,
  { after = 0, limit, size = 1 }: PartsRequest,
): Promise<RunParts[]> {
  return (await db.call<PartsRow>('list_run_parts', { run, after, limit, size })).map((row) => ({
    firstNo: row.first_no,
    lastNo: row.last_no,
    lines: row.lines,
    rawBytes: row.raw_bytes,
    storedBytes: row.stored_bytes,
    requestedAt: toInstant(row.requested_at),
    arrivedAt: toInstant(row.arrived_at),
    archivedAt: toInstant(row.archived_at),
    waitedMs: row.waited * 1000,
    beganAt: toInstant(row.began_at),
    savedAt: toInstant(row.saved_at),
    appliedLines: row.applied,
    done: row.done,
    outcomes: row.outcomes,
    sha256: row.sha256,
  }))
}

/** Lists the newest events of the run, the oldest first. */
export async function listRunEvents(db: Catalog, run: number, limit: number): Promise<RunEvent[]> {
  const rows = await db.call<Omit<RunEvent, 'at'> & { at: string }>('list_run_events', {
    run,
    limit,
  })
  return rows.map((row) => ({ ...row, at: toInstant(row.at) }))
}

export async function listRunLeases(db: Catalog, run: number): Promise<RunLease[]> {
  const rows = await db.call<Omit<RunLease, 'expiresAt'> & { expires_at: string }>(
    'list_run_leases',
    { run },
  )
  return rows.map(({ task, worker, expires_at: expiresAt }) => ({
    task,
    worker,
    expiresAt: toInstant(expiresAt),
  }))
}
