// Requests for runs, over HTTP or by schedule. A request writes a run to the database and its tasks
// to the queue, and does no other work; the same request again finds the same run. When the queue is
// unavailable, the scheduler fills it later from the database.

import { messageOf, SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import type { Db } from '../db/pool.ts'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import { findArtifact } from '../db/write/artifacts.ts'
import { cancelRun } from '../db/write/queued-runs.ts'
import { withTimeout } from '../lib/timeout.ts'
import type { Log } from '../pipeline/context.ts'
import { listDueKeys } from '../sources/limit-refresh.ts'
import { dequeueRun, enqueueRun } from './enqueue.ts'
import { findOutageCode, toQueueError } from './queue-errors.ts'
import type { Queues } from './queues.ts'
import {
  isSlice,
  type RefusedRun,
  type RequestedRun,
  type RequestTools,
  type RunsRequest,
  type StartedRun,
} from './requests.ts'
import { startOrFindRun } from './start-or-find-run.ts'

/** Time for which a request waits for the queue. Redis may be unavailable for longer. */
const QUEUE_MS = 2_000

/**
 * Starts or finds a run for each requested source. An error of one source does not stop the others;
 * a source in which nothing is due is left out.
 *
 * @throws SyncError `usage/invalid` · the error of the first source when none has a run:
 * `source/unknown` · `source/paused` · `run/no-artifact` · `run/active` · `run/nothing-due` · `db/…`
 */
export async function requestRuns(
  tools: RequestTools,
  request: RunsRequest,
  correlationId: string,
): Promise<readonly (RequestedRun | RefusedRun)[]> {
  requireValid(request)
  const started: StartedRun[] = []
  const refused: { readonly source: string; readonly error: unknown }[] = []
  for (const source of await listRequested(tools.db, request)) {
    try {
      const named = await nameDue(tools.db, source, request)
      started.push(await startOrFindRun(tools, source, named, { correlationId }))
    } catch (error) {
      refused.push({ source: source.name, error: toSyncError(error) })
    }
  }
  const [first] = refused
  if (started.length === 0 && first) throw first.error
  await enqueueRuns(tools, started)
  return [
    ...started.map(({ open: _, ...run }) => run),
    ...refused
      .filter(({ error }) => !isNothingDue(error))
      .map((one) => toRefusedRun(tools.log, one, correlationId)),
  ]
}

/** Among other sources, one without a product that is due needs no run. */
function isNothingDue(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'run/nothing-due'
}

/**
 * As the schedule would, a source that only has refreshes requests the products that are due.
 *
 * @throws SyncError `run/nothing-due`
 */
async function nameDue(db: Db, source: Source, request: RunsRequest): Promise<RunsRequest> {
  if (request.keys !== null || request.mode !== 'auto') return request
  const keys = await listDueKeys(db, source, new Date())
  if (keys === null) return request
  if (keys.length > 0) return { ...request, keys }
  throw new SyncError('run/nothing-due', `No product of ${source.name} is due`)
}

function requireValid(request: RunsRequest): void {
  const { source, mode, keys, artifact } = request
  if (mode !== 'maintain-only' && (isSlice(request) || artifact !== null))
    throw new SyncError(
      'usage/invalid',
      'artifact, offset and limit need the mode maintain-only: they select the archived lines to apply',
    )
  if (keys !== null && (source === null || mode !== 'auto'))
    throw new SyncError('usage/invalid', 'keys need a source and the mode auto')
}

/** A request that names an artifact may omit the source: an artifact belongs to one source. */
async function listRequested(
  db: Db,
  { source, artifact }: RunsRequest,
): Promise<readonly Source[]> {
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
    ? new SyncError('source/unknown', 'No source has been added yet')
    : new SyncError('source/paused', 'Every source is paused')
}

/**
 * Ends the run, also while workers have it, and removes its tasks from the queue. Returns its state.
 *
 * @throws SyncError `run/unknown`
 */
export async function cancelRequestedRun(
  tools: RequestTools,
  run: number,
): Promise<{ readonly run: number; readonly state: string }> {
  const { db, queues, log } = tools
  const state = await cancelRun(db, run)
  await waitForQueue(tools, dequeueRun(queues, run), (facts) =>
    log.warn(
      { run, ...facts },
      'the tasks of the cancelled run were not removed from the queue in time; workers skip them',
    ),
  )
  return { run, state }
}

/** Enqueues the runs if the queue is available; otherwise the scheduler does it later. */
export async function enqueueRuns(tools: RequestTools, runs: readonly StartedRun[]): Promise<void> {
  const { db, queues, log } = tools
  const open = runs.flatMap((run) => run.open ?? [])
  const [first] = open
  if (!first) return
  const enqueueAll = async (): Promise<void> => {
    for (const run of open) await enqueueRun(db, queues, run)
  }
  await waitForQueue(tools, enqueueAll(), (facts) =>
    log.warn(
      { run: first.id, runs: open.length, ...facts },
      'the queue did not accept all runs in time; the scheduler will enqueue them',
    ),
  )
}

/** A queue that does not respond in time is an outage, like one that is unreachable. */
async function waitForQueue(
  { queues, outages }: RequestTools,
  work: Promise<void>,
  onFailure: (facts: { readonly cause: string }) => void,
): Promise<void> {
  const startedMs = performance.now()
  try {
    await withTimeout(work, QUEUE_MS, () => createTimeoutError(queues))
    outages.worked('enqueue')
  } catch (error) {
    if (!outages.failed(toQueueError(queues, error), { work: 'enqueue', startedMs }))
      onFailure({ cause: messageOf(error) })
  }
}

function createTimeoutError(queues: Queues): SyncError {
  return new SyncError(
    findOutageCode(queues),
    `The queue did not respond within ${QUEUE_MS / 1000} s. The scheduler enqueues the runs later`,
  )
}

function toRefusedRun(
  log: Log,
  { source, error }: { readonly source: string; readonly error: unknown },
  cid: string,
): RefusedRun {
  if (error instanceof SyncError)
    return { source, error: { code: error.code, message: error.message } }
  log.error({ source, cid, err: error }, 'internal error')
  return { source, error: { code: null, message: 'internal error' } }
}
