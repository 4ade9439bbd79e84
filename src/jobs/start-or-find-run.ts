// Starts the run of one source for the queue, or finds the active run that already does what is
// requested. It changes only the database; the caller enqueues the tasks.

import { SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import type { Source } from '../db/sources.ts'
import { extendRun, findQueuedRun } from '../db/write/queued-runs.ts'
import { findActiveRun, startQueuedRun, type ActiveRun } from '../db/write/runs.ts'
import { isOwnerDead } from '../node/process-owner.ts'
import { chooseImport, chooseKeyedRun, type KeyedRun } from '../pipeline/choose-run.ts'
import { isPartial } from '../pipeline/line-windows.ts'
import { bindSource, type BoundSource } from '../sources/bound-source.ts'
import { chooseQueuedRun } from './choose-queued-run.ts'
import {
  isSlice,
  settles,
  toRunOptions,
  type RequestTools,
  type RunsRequest,
  type StartedRun,
} from './requests.ts'

export interface RequestOrigin {
  readonly correlationId: string
  /** Set for scheduled runs: see `RunRequest`. */
  readonly after?: number
  /** Set for scheduled refreshes: see `RunOptions`. */
  readonly refreshTo?: string
}

/** @throws SyncError see `requestRuns` */
export async function startOrFindRun(
  tools: RequestTools,
  source: Source,
  request: RunsRequest,
  origin: RequestOrigin,
): Promise<StartedRun> {
  if (source.state === 'paused') throw new SyncError('source/paused', `${source.name} is paused`)
  const { db } = tools
  const { refreshTo, ...startedBy } = origin
  const bound = bindSource(tools, source)
  const keyed = request.keys && (await chooseNamed(db, bound, request, request.keys))
  const active = await findActiveRun(db, source.id, keyed?.keys, request)
  if (active && isUnderWay(active)) return joinRun(tools, source, request, active)
  const { id, started } = await startQueuedRun(db, {
    ...(keyed ?? (await chooseQueuedRun(db, bound, request, active))),
    ...startedBy,
    sourceId: source.id,
    normaliserVersion: bound.normaliserVersion,
    owner: 'queue',
    deadOwner: active?.owner ?? null,
    options: { ...toRunOptions(request), ...(refreshTo !== undefined && { refreshTo }) },
  })
  // Another request started a run in the meantime.
  if (!started && origin.after === undefined) return startOrFindRun(tools, source, request, origin)
  const open = started ? await findQueuedRun(db, id) : null
  return { source: source.name, run: id, started, open }
}

async function chooseNamed(
  db: Db,
  bound: BoundSource,
  request: RunsRequest,
  keys: readonly string[],
): Promise<KeyedRun> {
  return request.import ? chooseImport(bound, keys) : chooseKeyedRun(db, bound, keys)
}

/** @throws SyncError `run/active` when the active run does something else */
async function joinRun(
  { db }: RequestTools,
  source: Source,
  request: RunsRequest,
  active: ActiveRun,
): Promise<StartedRun> {
  if (!serves(active, request))
    throw new SyncError(
      'run/active',
      `${source.name} is busy with run ${active.id}, which does not do what was requested`,
    )
  const extended = settles(request) && (await extendRun(db, source.id, active.id))
  const open = extended ? await findQueuedRun(db, active.id) : null
  return { source: source.name, run: active.id, started: false, open }
}

/** True when a worker executes the run, or will take it from the queue. */
function isUnderWay({ state, queued, leased, owner }: ActiveRun): boolean {
  return state === 'running' && (queued || (leased && !(owner !== null && isOwnerDead(owner))))
}

/** True when the active run does what is requested, or more. */
function serves({ kind, options, artifactRun }: ActiveRun, request: RunsRequest): boolean {
  const { mode, keys, artifact, offset, limit } = request
  if (artifact !== null && artifact !== artifactRun) return false
  if (isSlice(request) || isPartial(options))
    return options.offset === (offset ?? undefined) && options.limit === (limit ?? undefined)
  if (keys !== null || mode === 'maintain-only') return true
  return mode === 'auto' ? kind !== 'replay' : kind === 'full'
}
