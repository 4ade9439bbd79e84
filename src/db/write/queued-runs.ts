// Runs whose tasks the queue's workers execute. The rules are in the SQL functions.

import { SyncError } from '../../core/errors.ts'
import { type Catalog, one, toInstant } from '../catalog.ts'
import type { Run, RunKind, RunOptions } from './runs.ts'

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

/** A queued run with its remaining tasks. */
export interface OpenRun {
  readonly sourceId: number
  readonly source: string
  readonly id: number
  /** The instant at which it was last started or resumed. */
  readonly begunAt: Date
  readonly options: RunOptions
  /** True when its artifact is closed, so that nothing more is fetched. */
  readonly fetched: boolean
  readonly partsLeft: readonly number[]
}

export function listQueuedRuns(db: Catalog): Promise<OpenRun[]> {
  return readQueuedRuns(db, null)
}

/** Returns the run if it is running and its tasks are for the queue's workers, else null. */
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

/** Returns those of these runs that a newer run made obsolete, or whose source was removed. */
export function listObsoleteRuns(db: Catalog, ids: readonly number[]): Promise<number[]> {
  return db.call<number>('list_obsolete_runs', { runs: ids })
}

/**
 * Makes a fetch-only run apply its artifact too. Returns false when the run has ended, or is not
 * fetch-only.
 */
export async function extendRun(db: Catalog, sourceId: number, id: number): Promise<boolean> {
  return one(await db.call<boolean>('extend_run', { source: sourceId, run: id }))
}

/**
 * Cancels a run, also while workers execute it. A run that has ended stays unchanged. Returns the
 * state of the run.
 *
 * @throws SyncError `run/unknown`
 */
export async function cancelRun(db: Catalog, id: number): Promise<string> {
  return one(await db.call<string>('cancel_run', { run: id }))
}

/**
 * Lets a failed or interrupted run continue in the queue. Returns false for a run in another state,
 * or when a newer run exists.
 */
export async function reopenRun(db: Catalog, id: number): Promise<boolean> {
  return one(await db.call<boolean>('reopen_run', { run: id }))
}

/** Ends a queued run that no worker will finish. A later sync can resume it. */
export async function interruptRun(db: Catalog, id: number, reason: string): Promise<void> {
  await db.call('interrupt_run', { run: id, reason })
}
