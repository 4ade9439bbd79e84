// Executes one task from the queue. Each task has its own lease in Postgres: when two workers have
// the same job by mistake, one of them executes it and the other writes nothing.

import type { ArtifactStore } from '../artifacts/store.ts'
import type { Connector } from '../core/connector.ts'
import { hasAction, isAbort, SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { countLines } from '../core/ledger.ts'
import { toSyncError } from '../db/errors.ts'
import type { Db } from '../db/pool.ts'
import { loadRunSummary } from '../db/read/run-summaries.ts'
import { loadSource, type Source } from '../db/sources.ts'
import { listParts, type StoredPart } from '../db/write/artifacts.ts'
import { findCheckpoint } from '../db/write/checkpoints.ts'
import { claimTask, releaseTask, type TaskName } from '../db/write/leases.ts'
import { findQueuedRun, loadQueuedRun } from '../db/write/queued-runs.ts'
import { loadWorkDone } from '../db/write/work-done.ts'
import type { LeasedRun, Settled } from '../db/write/runs.ts'
import { getOwnerName, isOwnerDead } from '../node/process-owner.ts'
import { createProgress, type Pause, type RunContext } from '../pipeline/context.ts'
import {
  executeTasks,
  isLost,
  type FailedTasks,
  type TaskResult,
} from '../pipeline/execute-tasks.ts'
import { isPartial, listWindows } from '../pipeline/line-windows.ts'
import type { PipelineOptions } from '../pipeline/options.ts'
import { isRetried, withRetry } from '../pipeline/retry.ts'
import { applyTask, fetchTask, settleTask } from '../pipeline/tasks.ts'
import { loadOptions } from '../normalise/apply-options.ts'
import { bindSource } from '../sources/bound-source.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import type { RequestIntervals } from '../sources/request-turns.ts'
import type { Log } from '../telemetry/log.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { Redactor } from '../telemetry/redact.ts'
import type { ApplyStateCache } from './apply-state-cache.ts'
import { enqueuePart } from './enqueue.ts'
import type { TaskActivity } from './idle.ts'
import type { Queues, Task } from './queues.ts'

/**
 * Delay in milliseconds before a task that could not start is tried again: another worker's lease may
 * have expired by then, or Postgres may be available.
 */
export const BUSY_MS = 3_000
/** Time limit for reading the progress of a run. */
const SUMMARY_MS = 30_000

/** Callbacks for metrics and for work that follows a task. */
export interface TaskEvents {
  /** The fetch of a run has ended, and its artifact is archived. It may not be applied yet. */
  archived(source: Source): Promise<void>
  settled(source: Source, run: LeasedRun, settled: Settled): Promise<void>
  /** `connector`: null before the task has started. */
  paused(pause: Pause, connector: string | null): void
  /** The rows of a part are committed, `seconds` after its first page had arrived. */
  applied(seconds: number, connector: string): void
  /** Another worker took over the task. Not called when the run ended. */
  leaseLost(): void
}

export interface TaskTools {
  readonly db: Db
  readonly store: ArtifactStore
  /** One client for each connector, so that its requests are counted separately. */
  readonly http: (connector: string) => Http
  readonly requestIntervals: RequestIntervals
  readonly credentials: CredentialReader
  readonly log: Log
  readonly outages: Outages
  readonly redact: Redactor
  readonly options: PipelineOptions
  readonly connectors: ReadonlyMap<string, Connector>
  readonly queues: Queues
  readonly applyStates: ApplyStateCache
  readonly activity: TaskActivity
  /** True when this process applies parts too. Then it hashes their lines while it fetches them. */
  readonly appliesParts: boolean
  readonly events: TaskEvents
}

export interface QueuedTask {
  readonly name: TaskName
  readonly task: Task
  /** The queue does not retry after this attempt. */
  readonly isLastAttempt: boolean
}

/**
 * The result of an attempt for the queue. `done`: nothing is left to do · `busy`: it could not start
 * now · `stopped`: the process stops, and another worker resumes.
 */
export type TaskEnd = 'done' | 'busy' | 'stopped'

/**
 * Executes a task from the last commit of an earlier attempt. After the last attempt, and after an
 * error that a retry would repeat, the run ends before the error is thrown.
 *
 * @throws SyncError see the tasks in src/pipeline/tasks.ts
 */
export async function executeQueuedTask(
  tools: TaskTools,
  { name, task, isLastAttempt }: QueuedTask,
  signal: AbortSignal,
): Promise<TaskEnd> {
  const context = await startTask(tools, name, task, signal)
  if (typeof context === 'string') return context
  const { run, log } = context
  const stops = (error: unknown): boolean => signal.aborted && isAbort(error)
  try {
    const result = await executeTasks(
      context,
      (leased) => selectTask(tools, name, task, leased),
      (error) => stops(error) || (!isLastAttempt && isTriedAgain(context, error)),
    )
    if (result.end === 'settled') await tools.events.settled(context.source, run, result.settled)
    if (result.end !== 'failed') return 'done'
    const { error, code } = result
    logFailure(log, result)
    if (code === 'run/fenced') tools.events.leaseLost()
    if (stops(error)) return 'stopped'
    // The run has ended for good: no dead letter.
    if (hasAction(error, 'retry') && !isTriedAgain(context, error)) return 'done'
    return toTaskEnd(error)
  } finally {
    const startedMs = performance.now()
    await releaseTask(tools.db, run).catch((error: unknown) => {
      if (!tools.outages.failed(error, { work: 'release', startedMs }))
        log.warn(
          { cause: String(error) },
          'the lease of the task could not be released; it will expire',
        )
    })
  }
}

/** A refresh in batches has tried again already, and its products are in the next one. */
function isTriedAgain({ run, connector }: RunContext, error: unknown): boolean {
  const isSupplier = error instanceof SyncError && error.code.startsWith('source/')
  const hasNext = run.kind === 'refresh' && connector.batches !== undefined
  return isRetried(run, error) && !(isSupplier && hasNext)
}

/** A task that the queue delivers again is not logged: the outage that it waits for is. */
function logFailure(
  log: RunContext['log'],
  { error, lost, ended, state, code, reason, rates }: FailedTasks,
): void {
  const facts = { state, code, ...rates, err: error instanceof SyncError ? undefined : error }
  if (lost) log.warn({ code }, `this worker stops: ${reason}`)
  else if (ended) log[isAbort(error) ? 'info' : 'error'](facts, reason)
}

/** Returns a `TaskEnd` when the task cannot start. */
async function startTask(
  tools: TaskTools,
  name: TaskName,
  task: Task,
  signal: AbortSignal,
): Promise<RunContext | TaskEnd> {
  const startedMs = performance.now()
  try {
    const context = await claimContext(tools, name, task, signal)
    tools.outages.worked('claim')
    return context
  } catch (thrown) {
    const error = toSyncError(thrown)
    if (signal.aborted && isAbort(error)) return 'stopped'
    if (!hasAction(error, 'retry')) return toTaskEnd(error)
    // The task did not start, so this is not an attempt: it is tried again soon.
    tools.outages.failed(error, { work: 'claim', startedMs })
    tools.log.debug(
      { code: error.code, run: task.run, source: task.source, task: name, waitMs: BUSY_MS },
      'the task cannot start',
    )
    const triedMs = performance.now() - startedMs
    tools.events.paused({ code: error.code, waitMs: BUSY_MS, triedMs }, null)
    return 'busy'
  }
}

async function claimContext(
  tools: TaskTools,
  name: TaskName,
  task: Task,
  signal: AbortSignal,
): Promise<RunContext> {
  const { db, store, credentials, redact, events, http, requestIntervals, outages } = tools
  const source = await loadSource(db, task.source)
  const bound = bindSource(tools, source)
  const { correlationId, ...queued } = await loadQueuedRun(db, task.sourceId, task.run)
  const claimant = { owner: getOwnerName(), isDead: isOwnerDead }
  const { previousOwner, ...run } = await claimTask(db, queued, name, claimant)
  const { chunkSize, debug } = run.options
  // The run may request more detail than the process logs.
  const log = tools.log.child(
    { cid: correlationId, run: run.id, source: source.name, task: name },
    debug === true ? { level: 'debug' } : {},
  )
  if (previousOwner !== null)
    log.warn({ previousOwner }, 'the task is taken over from a worker that died')
  const options =
    chunkSize === undefined ? tools.options : { ...tools.options, batchRecordsMax: chunkSize }
  const applyOptions = await loadOptions(bound.sourceOptions)
  return {
    ...bound,
    applyOptions,
    db,
    store,
    credentials,
    redact,
    log,
    outages,
    run,
    signal,
    options,
    http: http(bound.connector.name),
    requestIntervals,
    progress: createProgress(),
    onPause: (pause) => events.paused(pause, bound.connector.name),
    onApplied: (seconds) => events.applied(seconds, bound.connector.name),
  }
}

async function selectTask(
  tools: TaskTools,
  name: TaskName,
  task: Task,
  context: RunContext,
): Promise<TaskResult> {
  if (name === 'fetch') return fetchAndEnqueue(tools, task, context)
  if (name !== 'settle') return applyPart(tools, task, context)
  const { run } = context
  // The queue may have been filled before some parts were recorded. The scheduler adds them later.
  const open = isPartial(run.options) ? null : await findQueuedRun(tools.db, run.id)
  if (open && (!open.fetched || open.partsLeft.length > 0)) return { end: 'open' }
  return settleTask(context)
}

/** Enqueues each part as soon as it is recorded, so that it is applied during the fetch. */
async function fetchAndEnqueue(
  tools: TaskTools,
  task: Task,
  context: RunContext,
): Promise<TaskResult> {
  const { events, applyStates, appliesParts } = tools
  const adding: Promise<void>[] = []
  const earlier = await withRetry(context, 'load', () => loadWorkDone(context.db, context.run))
  const onPart = ({ no }: StoredPart): void =>
    void adding.push(enqueuePart({ ...tools, log: context.log }, task, no))
  const { keys, options } = context.run
  const hashes = appliesParts && keys === null && options.stages !== 'fetch' && !isPartial(options)
  const result = hashes
    ? await applyStates.use(context, ({ hashed }) => fetchTask(context, earlier, onPart, hashed))
    : await fetchTask(context, earlier, onPart, null)
  await Promise.all(adding)
  await events.archived(context.source)
  return result
}

async function applyPart(
  { db, applyStates }: TaskTools,
  task: Task,
  context: RunContext,
): Promise<TaskResult> {
  const { run, source } = context
  const parts = await listParts(db, source.id, run.artifactRun)
  const part = parts.find(({ no }) => no === task.part)
  if (!part)
    throw new SyncError(
      'artifact/missing',
      `Part ${task.part} of run ${run.artifactRun} is not recorded`,
    )
  const window = listWindows(parts, run.options).get(part.no)
  if (!window) return { end: 'open' }
  // The worker that applied it may have died before it could remove the job.
  const checkpoint = await findCheckpoint(db, run, part.no)
  if (checkpoint?.done) return { end: 'open' }
  await countOtherTasks(db, context)
  return applyStates.use(context, (state) =>
    applyTask(context, state, { part, checkpoint, window }),
  )
}

/** The limit of quarantined records applies to all tasks of the run together. */
async function countOtherTasks(db: Db, { run, progress }: RunContext): Promise<void> {
  const { expected, outcomes } = await loadRunSummary(db, run.id, SUMMARY_MS)
  progress.expected = expected
  progress.appliedLines = countLines(outcomes)
  Object.assign(progress.counts, outcomes)
}

/** @throws any error after which the queue has to act */
function toTaskEnd(error: unknown): TaskEnd {
  if (!isLost(error)) throw error
  return error.code === 'run/over' || error.code === 'run/cancelled' ? 'done' : 'busy'
}
