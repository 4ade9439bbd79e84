// What workers of the queue do: fetch a run's artifact, apply one part of it, settle it. Each task
// is claimed by a lease of its own in Postgres, so that a job that two workers hold by mistake is
// done by one of them, and the other writes nothing.

import type { ArtifactStore } from '../artifacts/store.ts'
import type { Connector } from '../core/connector.ts'
import { asks, isAbort, SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { countLines } from '../core/ledger.ts'
import { listParts } from '../db/write/artifacts.ts'
import { findCheckpoint } from '../db/write/checkpoints.ts'
import { toSyncError } from '../db/errors.ts'
import type { Db } from '../db/pool.ts'
import {
  claimTask,
  endRun,
  findQueuedRun,
  loadQueuedRun,
  releaseTask,
  type LeasedRun,
  type RunOptions,
  type Settled,
  type TaskName,
} from '../db/write/runs.ts'
import { loadSource, type Source } from '../db/sources.ts'
import { loadRunSummary } from '../db/read/run-summaries.ts'
import type { Log } from '../telemetry/log.ts'
import { isOwnerDead, getOwnerName } from '../node/process-owner.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { bindSource } from '../sources/bound-source.ts'
import {
  newProgress,
  type PipelineOptions,
  type Pause,
  type RunContext,
} from '../pipeline/context.ts'
import { whileLeased } from '../pipeline/lease.ts'
import { applyPart, fetchParts, settle } from '../pipeline/run.ts'
import { describeFailure } from '../pipeline/sync.ts'
import { enqueuePart } from './enqueue.ts'
import type { Queues, Task } from './queues.ts'
import type { RunStates } from './apply-state-cache.ts'
import { isPartial, windowsOf } from './line-windows.ts'

/**
 * When a task that cannot be begun is looked at again: another worker's lease may have run out by
 * then, or Postgres may have room.
 */
export const BUSY_MS = 3_000

/** Within which the database says how far a run has come. */
const STANDING_MS = 30_000

/** What happened, for whoever counts it. */
export interface TaskEvents {
  /** All of a run is archived. It is not applied yet, perhaps never will be. */
  archived(source: Source): Promise<void>
  settled(source: Source, run: LeasedRun, settled: Settled): Promise<void>
  /** `connector`: null before a task has begun. */
  paused(pause: Pause, connector: string | null): void
  /** Another worker has taken the task over. A run that ended under its workers is not counted. */
  leaseLost(): void
}

export interface TaskTools {
  readonly db: Db
  readonly store: ArtifactStore
  /** One client a connector, so that its requests can be counted apart. */
  readonly http: (connector: string) => Http
  readonly credentials: CredentialReader
  readonly log: Log
  readonly redact: Redactor
  readonly options: PipelineOptions
  readonly connectors: ReadonlyMap<string, Connector>
  readonly queues: Queues
  readonly states: RunStates
  readonly events: TaskEvents
}

/**
 * How a task ended for the queue: done (or nothing left to do), not to be begun just now, or
 * stopped and to be gone on with.
 */
export type TaskEnd = 'done' | 'busy' | 'stopped'

/**
 * Does one task, from wherever an earlier attempt left it.
 *
 * @throws SyncError what fetch, apply and settle throw. When `last` says that nobody will try
 * again, or trying again would not help, the
 *   run is ended first: as interrupted when a later sync can go on with it, else as failed.
 */
export async function executeTask(
  tools: TaskTools,
  name: TaskName,
  task: Task,
  last: boolean,
  signal: AbortSignal,
): Promise<TaskEnd> {
  let begun: BegunTask
  const askedMs = performance.now()
  try {
    begun = await beginTask(tools, name, task)
  } catch (thrown) {
    const error = toSyncError(thrown)
    if (!asks(error, 'retry')) return endOf(error, signal)
    // Nothing was begun, so it counts as no attempt: a Postgres that is away just now is asked
    // again soon.
    tools.log.warn(
      { code: error.code, run: task.run, source: task.source, task: name, waitMs: BUSY_MS },
      `the task cannot be begun: ${error.message}`,
    )
    tools.events.paused(
      { code: error.code, waitMs: BUSY_MS, triedMs: performance.now() - askedMs },
      null,
    )
    return 'busy'
  }
  const { source, held, options, log } = begun
  try {
    await whileLeased(tools.db, log, held, signal, (leased) =>
      carryTask(tools, name, task, options, openContext(tools, source, held, options, log, leased)),
    )
    return 'done'
  } catch (thrown) {
    const error = toSyncError(thrown)
    if (error instanceof SyncError && error.code === 'run/fenced') {
      log.warn({}, 'another worker has taken the task over; this one writes nothing more')
      tools.events.leaseLost()
    }
    if (isNotOurs(error) || (signal.aborted && isAbort(error))) return endOf(error, signal)
    if (last || !asks(error, 'retry')) await giveUp(tools, held, log, error)
    throw error
  } finally {
    await releaseTask(tools.db, held).catch((error: unknown) =>
      log.warn(
        { cause: String(error) },
        'the task could not be given back; its lease will run out',
      ),
    )
  }
}

interface BegunTask {
  readonly source: Source
  readonly held: LeasedRun
  readonly options: RunOptions
  readonly log: Log
}

async function beginTask({ db, log }: TaskTools, name: TaskName, task: Task): Promise<BegunTask> {
  const source = await loadSource(db, task.source)
  const { options, correlationId, ...run } = await loadQueuedRun(db, task.sourceId, task.run)
  const { takenFrom, ...held } = await claimTask(db, run, name, getOwnerName(), isOwnerDead)
  // A run that asked for it says more than its process does.
  const level = options.debug === true ? { level: 'debug' } : {}
  const own = log.child({ cid: correlationId, run: run.id, source: source.name, task: name }, level)
  if (takenFrom !== null)
    own.warn({ takenFrom }, 'the task is taken over from a worker that is gone')
  return { source, held, options, log: own }
}

async function carryTask(
  tools: TaskTools,
  name: TaskName,
  task: Task,
  options: RunOptions,
  context: RunContext,
): Promise<void> {
  if (name === 'fetch') return fetchTask(tools, task, options, context)
  if (name === 'settle') return settleTask(tools, options, context)
  const parts = await listParts(context.db, context.source.id, context.run.artifactRun)
  const part = parts.find(({ no }) => no === task.part)
  if (!part)
    throw new SyncError(
      'artifact/missing',
      `Part ${task.part} of run ${context.run.artifactRun} is not recorded`,
    )
  // Whoever applied it may have died before the queue was told.
  if ((await findCheckpoint(context.db, context.run, part.no))?.done) return
  const window = windowsOf(parts, options).get(part.no)
  if (!window) return
  await countOtherTasks(tools.db, context)
  await tools.states.use(context, (state) => applyPart(context, state, part, window))
}

/** The limit on what a run may quarantine counts what all of its tasks have done. */
async function countOtherTasks(db: Db, { run, progress }: RunContext): Promise<void> {
  const { expected, outcomes } = await loadRunSummary(db, run.id, STANDING_MS)
  progress.expected = expected
  progress.appliedLines = countLines(outcomes)
  Object.assign(progress.counts, outcomes)
}

/**
 * Every part goes to the queue as soon as it is recorded, so that it is applied while the next ones
 * are fetched.
 */
async function fetchTask(
  { db, queues, events }: TaskTools,
  task: Task,
  { stages }: RunOptions,
  context: RunContext,
): Promise<void> {
  const adding: Promise<void>[] = []
  await fetchParts(context, ({ no }) => {
    if (stages !== 'fetch') adding.push(enqueuePart(queues, task, no, context.log))
  })
  await Promise.all(adding)
  context.log.info(
    { lines: context.progress.fetchedLines, bytes: context.progress.fetchedBytes },
    'artifact archived',
  )
  await events.archived(context.source)
  if (stages === 'fetch')
    await endRun(
      db,
      context.run,
      'fetched',
      null,
      'fetched as asked, and not applied yet: the next sync, or maintain-only, goes on here',
    )
}

async function settleTask(
  { db, events }: TaskTools,
  options: RunOptions,
  context: RunContext,
): Promise<void> {
  const { run, source, log } = context
  if (isPartial(options)) {
    const windows = windowsOf(await listParts(db, source.id, run.artifactRun), options)
    const lines = [...windows.values()].reduce((sum, { from, to }) => sum + to - from, 0)
    return endRun(
      db,
      run,
      'partial',
      null,
      `${lines} lines after ${options.offset ?? 0} of artifact ${run.artifactRun} were applied; a partial run settles nothing`,
    )
  }
  // Whoever filled the queue may have known less than the rows say now; then it is filled again.
  const open = await findQueuedRun(db, run.id)
  if (!open?.fetched || open.partsLeft.length > 0) return
  const settled = await settle(context)
  log.info({ state: settled.state, reason: settled.reason, ledger: settled.ledger }, 'run settled')
  await events.settled(source, run, settled)
}

function openContext(
  tools: TaskTools,
  source: Source,
  run: LeasedRun,
  options: RunOptions,
  log: Log,
  signal: AbortSignal,
): RunContext {
  const bound = bindSource(tools, source)
  const { connector } = bound
  const { db, store, http, credentials, redact, events } = tools
  return {
    db,
    store,
    log,
    redact,
    ...bound,
    run,
    signal,
    http: http(connector.name),
    credentials,
    progress: newProgress(),
    options:
      options.chunkSize === undefined
        ? tools.options
        : { ...tools.options, batchRecordsMax: options.chunkSize },
    onPause: (pause) => events.paused(pause, connector.name),
  }
}

async function giveUp(tools: TaskTools, run: LeasedRun, log: Log, error: unknown): Promise<void> {
  const { state, code, reason } = describeFailure(tools, error)
  log.error({ state, code, err: code === null ? error : undefined }, reason)
  await endRun(tools.db, run, state, code, reason)
}

/**
 * The run ended, or the task is another worker's: nothing that this worker could do anything about.
 */
function isNotOurs(error: unknown): error is SyncError {
  return (
    error instanceof SyncError &&
    ['run/over', 'run/active', 'run/fenced', 'run/cancelled'].includes(error.code)
  )
}

function endOf(error: unknown, signal: AbortSignal): TaskEnd {
  if (signal.aborted && isAbort(error)) return 'stopped'
  if (!isNotOurs(error)) throw error
  return error.code === 'run/over' || error.code === 'run/cancelled' ? 'done' : 'busy'
}
