// Asking for runs: by hand over HTTP, or by schedule. Work never happens here; an order leaves a
// run in the database and its tasks in the queue, and the same order again finds the same run. A
// queue that is away holds nobody up: it is filled from the database later.

import type { Connector } from '../core/connector.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import {
  findArtifact,
  findNewestArtifact,
  findNewestWholeArtifact,
  listParts,
} from '../db/write/artifacts.ts'
import { toSyncError } from '../db/errors.ts'
import type { Db } from '../db/pool.ts'
import {
  cancelRun,
  findQueuedRun,
  loadQueuedRun,
  extendRun,
  type OpenRun,
} from '../db/write/queued-runs.ts'
import {
  findActiveRun,
  startQueuedRun,
  type ActiveRun,
  type RunOptions,
  type RunRequest,
} from '../db/write/runs.ts'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import { withTimeout } from '../lib/timeout.ts'
import { isOwnerDead } from '../node/process-owner.ts'
import { bindSource, type BoundSource } from '../sources/bound-source.ts'
import type { Log } from '../pipeline/context.ts'
import {
  chooseKeyedRun,
  chooseReplay,
  chooseRun,
  requireArtifact,
  type ChosenRun,
} from '../pipeline/choose-run.ts'
import { dequeueRun, enqueueRun } from './enqueue.ts'
import type { Queues } from './queues.ts'
import { isPartial } from '../pipeline/line-windows.ts'

/** How long an order waits for the queue: Redis may be away for any time. */
const QUEUE_MS = 2_000

/**
 * `auto`: what the schedule would do · `full`: everything from the supplier · `fetch-only`: the
 * same, archived and left · `maintain-only`: apply what was archived last, or by the run that
 * `artifact` names, without asking the supplier. With `offset` or `limit` some lines of it only,
 * and nothing is settled.
 */
export interface RunsRequest {
  /** Null: every active source. */
  readonly source: string | null
  readonly mode: 'auto' | 'full' | 'fetch-only' | 'maintain-only'
  /** Only these products, by their ids: with the mode `auto` and a source. */
  readonly keys: readonly string[] | null
  readonly artifact: number | null
  readonly chunkSize: number | null
  readonly offset: number | null
  readonly limit: number | null
  readonly debug: boolean
}

export interface RequestedRun {
  readonly source: string
  readonly run: number
  /** False when it was under way already. */
  readonly started: boolean
}

/** A source that no run could be started of, while others of the same order were. */
export interface RefusedRun {
  readonly source: string
  /** Without a code it is a bug, and the log has more. */
  readonly error: { readonly code: ErrorCode | null; readonly message: string }
}

export interface RequestTools {
  readonly db: Db
  readonly queues: Queues
  readonly connectors: ReadonlyMap<string, Connector>
  readonly log: Log
}

export const AS_SCHEDULED: Omit<RunsRequest, 'source'> = {
  mode: 'auto',
  keys: null,
  artifact: null,
  chunkSize: null,
  offset: null,
  limit: null,
  debug: false,
}

/**
 * Starts or finds the runs that the order asks for, one of each source. What one source refuses
 * keeps no other from its run.
 *
 * @throws SyncError `usage/invalid` · what the first source refused, when not one has a run:
 * `source/unknown` · `source/paused`
 *   · `run/no-artifact` · `run/active` · `db/…`
 */
export async function requestRuns(
  tools: RequestTools,
  order: RunsRequest,
  correlationId: string,
): Promise<readonly (RequestedRun | RefusedRun)[]> {
  if (order.mode !== 'maintain-only' && (wantsSlice(order) || order.artifact !== null)) {
    throw new SyncError(
      'usage/invalid',
      'artifact, offset and limit need the mode maintain-only: they choose what of the archive is applied',
    )
  }
  if (order.keys !== null && (order.source === null || order.mode !== 'auto')) {
    throw new SyncError('usage/invalid', 'keys need a source, and the mode auto')
  }
  const sources = await listOrdered(tools.db, order)
  const begun: StartedRun[] = []
  const refused: { readonly source: string; readonly error: unknown }[] = []
  for (const source of sources) {
    try {
      begun.push(await startOrFindRun(tools, source, order, correlationId))
    } catch (error) {
      refused.push({ source: source.name, error: toSyncError(error) })
    }
  }
  const [first] = refused
  if (begun.length === 0 && first) throw first.error
  await enqueueRuns(tools, begun)
  return [
    ...begun.map(({ source, run, started }) => ({ source, run, started })),
    ...refused.map((one) => describeRefusal(tools.log, one, correlationId)),
  ]
}

/** A run has one source: an order that names its artifact need not name the source too. */
async function listOrdered(db: Db, { source, artifact }: RunsRequest): Promise<readonly Source[]> {
  if (source !== null) return [await loadSource(db, source)]
  const active = await listActive(db)
  if (artifact === null) return active
  for (const one of active) if (await findArtifact(db, one.id, artifact)) return [one]
  throw new SyncError('run/unknown', `No active source has a run ${artifact} that fetched anything`)
}

/** @throws SyncError `source/unknown` · `source/paused` */
async function listActive(db: Db): Promise<readonly Source[]> {
  const all = await listSources(db)
  const active = all.filter(({ state }) => state === 'active')
  if (active.length > 0) return active
  throw all.length === 0
    ? new SyncError('source/unknown', 'There is no source yet')
    : new SyncError('source/paused', 'Every source is paused')
}

/**
 * Ends the run whoever works on it, and takes its tasks out of the queue. Returns its state.
 * @throws SyncError `run/unknown`
 */
export async function cancelRequestedRun(
  { db, queues, log }: RequestTools,
  run: number,
): Promise<{ readonly run: number; readonly state: string }> {
  const state = await cancelRun(db, run)
  await promptly(
    log,
    { run },
    'the queue was not emptied in time; whoever gets a task of the cancelled run will find it over',
    dequeueRun(queues, run),
  )
  return { run, state }
}

/** A run in the database. `open`: what of it may not be in the queue yet. */
export interface StartedRun extends RequestedRun {
  readonly open: OpenRun | null
}

/**
 * Starts or finds the run of one source, in the database only.
 *
 * `after`: for a schedule's run, see `RunRequest`.
 *
 * @throws SyncError as `requestRuns`
 */
export async function startOrFindRun(
  tools: RequestTools,
  source: Source,
  order: RunsRequest,
  correlationId: string,
  after?: number,
): Promise<StartedRun> {
  if (source.state === 'paused') throw new SyncError('source/paused', `${source.name} is paused`)
  const { db } = tools
  const bound = bindSource(tools, source)
  const keyed = order.keys && (await chooseKeyedRun(db, bound, order.keys))
  const active = await findActiveRun(db, source.id, keyed?.keys)
  if (active && isUnderWay(active)) {
    if (!serves(active, order))
      throw new SyncError(
        'run/active',
        `${source.name} is busy with run ${active.id}, which is not what was asked for`,
      )
    const widened = wantsAll(order) && (await extendRun(db, source.id, active.id))
    return {
      source: source.name,
      run: active.id,
      started: false,
      open: widened ? await findQueuedRun(db, active.id) : null,
    }
  }
  const request: RunRequest = {
    ...(keyed ?? (await choose(db, bound, order, active))),
    sourceId: source.id,
    normaliserVersion: bound.connector.normaliserVersion,
    owner: 'queue',
    deadOwner: active?.owner ?? null,
    correlationId,
    options: optionsOf(order),
    ...(after === undefined ? {} : { after }),
  }
  const { id, started } = await startQueuedRun(db, request)
  // Somebody else's order was a moment earlier.
  if (!started && after === undefined) return startOrFindRun(tools, source, order, correlationId)
  return {
    source: source.name,
    run: id,
    started,
    open: started ? await findQueuedRun(db, id) : null,
  }
}

/**
 * Puts runs into the queue, if it takes them at once. What it does not take, the next look of a
 * scheduler brings.
 */
export async function enqueueRuns(
  { db, queues, log }: RequestTools,
  runs: readonly StartedRun[],
): Promise<void> {
  const open = runs.flatMap((run) => run.open ?? [])
  const filling = async (): Promise<void> => {
    for (const run of open) await enqueueRun(db, queues, run)
  }
  const [first] = open
  if (first)
    await promptly(
      log,
      { run: first.id, runs: open.length },
      'the queue did not take all runs in time; they will be put there later',
      filling(),
    )
}

async function promptly(
  log: Log,
  facts: object,
  otherwise: string,
  work: Promise<void>,
): Promise<void> {
  await withTimeout(work, QUEUE_MS).catch((error: unknown) =>
    log.warn({ ...facts, cause: messageOf(error) }, otherwise),
  )
}

function describeRefusal(
  log: Log,
  { source, error }: { readonly source: string; readonly error: unknown },
  cid: string,
): RefusedRun {
  if (error instanceof SyncError)
    return { source, error: { code: error.code, message: error.message } }
  log.error({ source, cid, err: error }, 'internal error')
  return { source, error: { code: null, message: 'internal error' } }
}

/** Somebody works on it, or will as soon as the queue comes to it. */
function isUnderWay({ state, queued, leased, owner }: ActiveRun): boolean {
  return state === 'running' && (queued || (leased && !(owner !== null && isOwnerDead(owner))))
}

/** Whether the run that is under way does what is asked for, or more. */
function serves({ kind, options, artifactRun }: ActiveRun, order: RunsRequest): boolean {
  if (order.artifact !== null && order.artifact !== artifactRun) return false
  if (wantsSlice(order) || isPartial(options))
    return (
      options.offset === (order.offset ?? undefined) && options.limit === (order.limit ?? undefined)
    )
  if (order.keys !== null || order.mode === 'maintain-only') return true
  return order.mode === 'auto' ? kind !== 'replay' : kind === 'full'
}

function wantsSlice({ offset, limit }: RunsRequest): boolean {
  return offset !== null || limit !== null
}

/** Not only to be fetched, and not only some lines of what is. */
function wantsAll(order: RunsRequest): boolean {
  return order.mode !== 'fetch-only' && !wantsSlice(order)
}

type Choice = ChosenRun & Pick<RunRequest, 'refetch'>

async function choose(
  db: Db,
  bound: BoundSource,
  order: RunsRequest,
  active: ActiveRun | null,
): Promise<Choice> {
  const { source } = bound
  const now = new Date()
  if (order.mode === 'auto') return chooseRun(bound, { mode: 'auto', sinceAt: null, now })
  if (order.mode !== 'maintain-only') {
    return { ...chooseRun(bound, { mode: 'full', sinceAt: null, now }), refetch: true }
  }
  // What was fetched and not applied yet is a run that only needs to go on: it may remove products
  // and move the watermark, a replay may not.
  const named = order.artifact === null || order.artifact === active?.id
  if (
    active &&
    named &&
    wantsAll(order) &&
    active.kind !== 'replay' &&
    (await findArtifact(db, source.id, active.id))?.closed
  ) {
    return { kind: active.kind, sinceAt: null, artifactRun: null, resumeAny: true }
  }
  const artifactRun = order.artifact ?? (await findNewestArtifact(db, source.id))
  if (artifactRun === null)
    throw new SyncError(
      'run/no-artifact',
      `${source.name} has no artifact to apply: fetch it first`,
    )
  await requireArtifact(db, source, artifactRun)
  if (wantsSlice(order)) await requireSlice(db, source, order, artifactRun)
  return chooseReplay(artifactRun)
}

/**
 * @throws SyncError `request/invalid` when the slice is of a delta that nobody named, or has no
 * line
 */
async function requireSlice(
  db: Db,
  source: Source,
  { artifact, offset }: RunsRequest,
  artifactRun: number,
): Promise<void> {
  const [{ kind }, parts, whole] = await Promise.all([
    loadQueuedRun(db, source.id, artifactRun),
    listParts(db, source.id, artifactRun),
    findNewestWholeArtifact(db, source.id),
  ])
  const lines = parts.reduce((sum, { lineCount }) => sum + lineCount, 0)
  if (kind === 'incremental' && artifact === null) {
    const instead = whole === null ? '' : `${whole}, the newest whole one, or `
    throw new SyncError(
      'request/invalid',
      `The newest artifact of ${source.name} is a delta: run ${artifactRun} fetched only the ${lines} records that had changed. ` +
        `offset and limit choose lines of the artifact that \`artifact\` names: name ${instead}${artifactRun}`,
    )
  }
  if ((offset ?? 0) >= lines) {
    throw new SyncError(
      'request/invalid',
      `The artifact of run ${artifactRun} (${kind}) has ${lines} lines: there is none after the first ${offset ?? 0}`,
    )
  }
}

function optionsOf({ mode, chunkSize, offset, limit, debug }: RunsRequest): RunOptions {
  return {
    ...(mode === 'fetch-only' ? { stages: 'fetch' as const } : {}),
    ...(chunkSize === null ? {} : { chunkSize }),
    ...(offset === null ? {} : { offset }),
    ...(limit === null ? {} : { limit }),
    ...(debug ? { debug } : {}),
  }
}
