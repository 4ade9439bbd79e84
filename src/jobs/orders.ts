// Asking for runs: by hand over HTTP, or by schedule. Work never happens here; an order leaves a run in the database and its tasks in the
// queue, and the same order again finds the same run.

import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { findArtifact, findNewestArtifact } from '../db/artifacts.ts'
import type { Db } from '../db/pool.ts'
import { cancelRun, findActiveRun, findQueuedRun, startQueuedRun, type ActiveRun, type RunOptions, type RunRequest } from '../db/runs.ts'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import { isOwnerDead } from '../node/process-owner.ts'
import { connectorOf } from '../pipeline/connector-of.ts'
import { chooseRun, type ChosenRun } from '../pipeline/sync.ts'
import { emptyRun, fillRun } from './fill.ts'
import type { Queues } from './queues.ts'

/**
 * `auto`: what the schedule would do · `full`: everything from the supplier · `fetch-only`: archive it and leave it · `maintain-only`: apply
 * what was archived last, without asking the supplier. With `offset` or `limit` some lines of it only, and nothing is settled.
 */
export interface SyncOrder {
  /** Null: every active source. */
  readonly source: string | null
  readonly mode: 'auto' | 'full' | 'fetch-only' | 'maintain-only'
  readonly chunkSize: number | null
  readonly offset: number | null
  readonly limit: number | null
  readonly debug: boolean
}

export interface OrderedRun {
  readonly source: string
  readonly run: number
  /** False when it was under way already. */
  readonly started: boolean
}

export interface OrderTools {
  readonly db: Db
  readonly queues: Queues
  readonly connectors: ReadonlyMap<string, Connector>
}

export const AS_SCHEDULED: Omit<SyncOrder, 'source'> = { mode: 'auto', chunkSize: null, offset: null, limit: null, debug: false }

/**
 * Starts or finds the runs that the order asks for.
 *
 * @throws SyncError `source/unknown` · `source/paused` (by name only) · `run/no-artifact` · `usage/invalid`
 */
export async function orderSync(tools: OrderTools, order: SyncOrder, correlationId: string, after?: number): Promise<OrderedRun[]> {
  if (order.mode !== 'maintain-only' && (order.offset !== null || order.limit !== null)) {
    throw new SyncError('usage/invalid', 'offset and limit need the mode maintain-only: they choose lines of an artifact that is there')
  }
  const sources = order.source === null ? (await listSources(tools.db)).filter(({ state }) => state === 'active') : [await loadSource(tools.db, order.source)]
  const ordered: OrderedRun[] = []
  for (const source of sources) {
    if (source.state === 'paused') throw new SyncError('source/paused', `${source.name} is paused`)
    ordered.push({ source: source.name, ...(await orderRun(tools, source, order, correlationId, after)) })
  }
  return ordered
}

/** Ends the run whoever works on it, and takes its tasks out of the queue. Returns its state. @throws SyncError `run/unknown` */
export async function cancelOrder({ db, queues }: OrderTools, run: number): Promise<{ readonly run: number; readonly state: string }> {
  const state = await cancelRun(db, run)
  await emptyRun(queues, run)
  return { run, state }
}

async function orderRun(tools: OrderTools, source: Source, order: SyncOrder, correlationId: string, after: number | undefined): Promise<Omit<OrderedRun, 'source'>> {
  const { db, queues } = tools
  const connector = connectorOf(tools, source)
  const active = await findActiveRun(db, source.id)
  if (active && isUnderWay(active)) return { run: active.id, started: false }
  const chosen = await choose(db, source, connector, order, active)
  const request: RunRequest = {
    ...chosen, sourceId: source.id, normaliserVersion: connector.normaliserVersion, owner: 'queue', deadOwner: active?.owner ?? null, correlationId,
    options: optionsOf(order), ...(after === undefined ? {} : { after }),
  }
  // Its dead letters would end it again: a task has one job only, and theirs has failed.
  if (active?.state === 'interrupted') await emptyRun(queues, active.id)
  const run = await startQueuedRun(db, request)
  const open = await findQueuedRun(db, run.id)
  if (open) await fillRun(db, queues, open)
  return { run: run.id, started: open !== null }
}

/** Somebody works on it, or will as soon as the queue comes to it. */
function isUnderWay({ state, queued, leased, owner }: ActiveRun): boolean {
  return state === 'running' && (queued || (leased && !(owner !== null && isOwnerDead(owner))))
}

async function choose(db: Db, source: Source, connector: Connector, { mode, offset, limit }: SyncOrder, active: ActiveRun | null): Promise<ChosenRun> {
  if (mode !== 'maintain-only') {
    const request = { mode: mode === 'full' ? ('full' as const) : ('auto' as const), sinceAt: null, now: new Date() }
    return { ...chooseRun(source, connector, request), artifactRun: null, resumeAny: mode !== 'full' }
  }
  const partial = offset !== null || limit !== null
  // What was fetched and not applied yet is a run that only needs to go on: it may remove products and move the watermark, a replay may not.
  if (active && !partial && active.kind !== 'replay' && (await findArtifact(db, source.id, active.id))?.closed) {
    return { kind: active.kind, sinceAt: null, artifactRun: null, resumeAny: true }
  }
  const artifactRun = await findNewestArtifact(db, source.id)
  if (artifactRun === null) throw new SyncError('run/no-artifact', `${source.name} has no artifact to apply: fetch it first`)
  return { kind: 'replay', sinceAt: null, artifactRun, resumeAny: false }
}

function optionsOf({ mode, chunkSize, offset, limit, debug }: SyncOrder): RunOptions {
  return {
    ...(mode === 'fetch-only' ? { stages: 'fetch' as const } : {}),
    ...(chunkSize === null ? {} : { chunkSize }),
    ...(offset === null ? {} : { offset }),
    ...(limit === null ? {} : { limit }),
    ...(debug ? { debug } : {}),
  }
}
