// sync: takes a source's run, or resumes the interrupted one, and sees it through. Whatever
// happens, the run's row says it.

import type { ArtifactStore } from '../artifacts/store.ts'
import { isAbort, messageOf, SyncError, type ErrorCode } from '../core/errors.ts'
import { toLedger, type Ledger } from '../core/ledger.ts'
import { findArtifact, type ArtifactNote } from '../db/write/artifacts.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import { toSyncError } from '../db/errors.ts'
import {
  endRun,
  findActiveRun,
  LEASE_MS,
  startRun,
  type LeasedRun,
  type RunKind,
  type RunRequest,
} from '../db/write/runs.ts'
import type { Source } from '../db/sources.ts'
import type { Http } from '../core/http.ts'
import { wait } from '../lib/back-off.ts'
import { isOwnerDead, getOwnerName } from '../node/process-owner.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import type { Redactor } from '../telemetry/redact.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { PipelineOptions, Log, RunContext, RunControls } from './context.ts'
import { whileLeased } from './lease.ts'
import { outsideText } from './outside-text.ts'
import { carryOut } from './run.ts'
import { isFullDue } from '../sources/schedule.ts'

/**
 * An incremental run asks for a little more than what is new: clocks differ, and the supplier
 * writes late.
 */
export const OVERLAP_MS = 10 * 60_000

export const DEFAULT_OPTIONS: PipelineOptions = {
  lanes: 2,
  partBytesMax: 32 * 1024 * 1024,
  batchRecordsMax: 5000,
  batchBytesMax: 4 * 1024 * 1024,
  recordBytesMax: 8 * 1024 * 1024,
  knownRecordsMax: 1_000_000,
  attemptsMax: 6,
  retryWithinMs: 10 * 60_000,
  backOff: { baseMs: 1000, maxMs: 60_000 },
  wait,
}

/**
 * By the Data API a batch is a call: 256 KiB of lines come to about 0.7 MB of JSON, and a line that
 * alone passes 1 MiB is quarantined.
 */
export const DATA_API_OPTIONS: PipelineOptions = {
  ...DEFAULT_OPTIONS,
  batchRecordsMax: 500,
  batchBytesMax: 256 * 1024,
  recordBytesMax: 1024 * 1024,
}

/** Everything that a run needs and does not own. */
export interface PipelineTools {
  readonly db: PipelineDb
  readonly store: ArtifactStore
  readonly http: Http
  readonly credentials: CredentialReader
  readonly log: Log
  readonly redact: Redactor
  readonly options: PipelineOptions
  /** Ties the log lines of a command to the run's row. */
  readonly correlationId: string
}

export interface SyncRequest {
  /** `auto`: incremental when the supplier can and no full run is due. */
  readonly mode: 'auto' | 'full' | 'incremental'
  /** Incremental by hand: from here on. Null: from the watermark. */
  readonly sinceAt: Date | null
  readonly now: Date
}

export interface RunReport {
  readonly run: number
  readonly source: string
  readonly kind: RunKind
  readonly resumed: boolean
  readonly state: 'succeeded' | 'held' | 'failed'
  readonly reason: string | null
  readonly ledger: Ledger
  /** Of a full run: why it could not tell what is missing, so that nothing was removed. */
  readonly removalsOff: string | null
  readonly seconds: number
  /** What failed, for whoever prints it. */
  readonly error: unknown
}

/**
 * Brings a source up to date. Twice at once: the second throws. After a crash: the same call
 * resumes.
 *
 * @throws SyncError `source/paused` · `run/active` · `db/…` before a run exists; after that
 * failures are in the report
 */
export async function syncSource(
  tools: PipelineTools,
  bound: BoundSource,
  request: SyncRequest,
  controls: RunControls,
): Promise<RunReport> {
  const { source } = bound
  if (source.state === 'paused') throw new SyncError('source/paused', `${source.name} is paused`)
  const resumeAny = request.mode === 'auto' && request.sinceAt === null
  return carryThrough(
    tools,
    bound,
    { ...chooseRun(bound, request), artifactRun: null, resumeAny },
    controls,
  )
}

/**
 * Applies an archived artifact anew: after a correction of the normaliser, or of what was in
 * quarantine. Never removes a product.
 *
 * @throws SyncError `run/unknown` · `run/no-artifact` · `run/active`
 */
export async function replayRun(
  tools: PipelineTools,
  bound: BoundSource,
  artifactRun: number,
  controls: RunControls,
): Promise<RunReport> {
  await requireArtifact(tools.db, bound.source, artifactRun)
  return carryThrough(
    tools,
    bound,
    { kind: 'replay', sinceAt: null, artifactRun, resumeAny: false },
    controls,
  )
}

/**
 * Whether the artifact of that run can be applied. @throws SyncError `run/unknown` ·
 * `run/no-artifact`
 */
export async function requireArtifact(
  db: PipelineDb,
  source: Source,
  artifactRun: number,
): Promise<ArtifactNote> {
  const artifact = await findArtifact(db, source.id, artifactRun)
  if (!artifact)
    throw new SyncError(
      'run/unknown',
      `${source.name} has no run ${artifactRun} that fetched anything`,
    )
  if (artifact.purged)
    throw new SyncError(
      'run/no-artifact',
      `Run ${artifactRun} of ${source.name} has no artifact any more`,
    )
  if (!artifact.closed)
    throw new SyncError(
      'run/no-artifact',
      `The artifact of run ${artifactRun} is not closed: its fetch did not end`,
    )
  return artifact
}

export type ChosenRun = Pick<RunRequest, 'kind' | 'sinceAt' | 'artifactRun' | 'resumeAny'>

/** Which kind of run a request comes to, and from when it asks. */
export function chooseRun(
  { source, connector }: BoundSource,
  { mode, sinceAt, now }: SyncRequest,
): { kind: RunKind; sinceAt: Date | null } {
  if (sinceAt) return { kind: 'incremental', sinceAt }
  const since = source.watermarkAt && new Date(source.watermarkAt.getTime() - OVERLAP_MS)
  const changedNormaliser =
    source.normaliserVersion !== null && source.normaliserVersion !== connector.normaliserVersion
  const full =
    mode === 'full' ||
    !connector.scopes.includes('since') ||
    !since ||
    (mode === 'auto' && (changedNormaliser || isFullDue(source.schedule, source.lastFullAt, now)))
  return full ? { kind: 'full', sinceAt: null } : { kind: 'incremental', sinceAt: since }
}

async function carryThrough(
  tools: PipelineTools,
  bound: BoundSource,
  chosen: ChosenRun,
  controls: RunControls,
): Promise<RunReport> {
  const { source } = bound
  const { progress, signal } = controls
  const startedMs = performance.now()
  const run = await takeRun(tools, bound, chosen, controls)
  const log = tools.log
  log.info(
    { source: source.name, run: run.id, kind: run.kind, resumed: run.resumed },
    'run started',
  )
  const report = (
    state: RunReport['state'],
    reason: string | null,
    ledger: Ledger,
    { removalsOff = null, error = null }: Partial<Pick<RunReport, 'removalsOff' | 'error'>> = {},
  ): RunReport => {
    const seconds = Math.round(performance.now() - startedMs) / 1000
    return {
      run: run.id,
      source: source.name,
      kind: run.kind,
      resumed: run.resumed,
      state,
      reason,
      ledger,
      removalsOff,
      seconds,
      error,
    }
  }
  try {
    const settled = await whileLeased(tools.db, tools.log, run, signal, (held) => {
      const context: RunContext = {
        ...tools,
        ...bound,
        run,
        progress,
        signal: held,
      }
      return carryOut(context)
    })
    log.info(
      {
        source: source.name,
        run: run.id,
        state: settled.state,
        reason: settled.reason,
        ledger: settled.ledger,
        removalsOff: settled.removalsOff,
      },
      'run settled',
    )
    return report(settled.state, settled.reason, settled.ledger, settled)
  } catch (thrown) {
    const error = toSyncError(thrown)
    const { state, code, reason } = describeFailure(tools, error)
    await endRun(tools.db, run, state, code, reason).catch((cause: unknown) => {
      log.warn(
        { cause: String(cause) },
        'the run could not be marked as ended; its lease will run out',
      )
    })
    log[isAbort(error) ? 'info' : 'error'](
      { source: source.name, run: run.id, state, code },
      reason,
    )
    return report(
      'failed',
      reason,
      toLedger(progress.expected, progress.fetchedLines, progress.counts),
      { error },
    )
  }
}

/**
 * Starts or resumes the run. A worker that died on this machine is not waited for; one elsewhere
 * is, until its lease is over.
 */
async function takeRun(
  { db, correlationId, options, log }: PipelineTools,
  { source, connector }: BoundSource,
  chosen: ChosenRun,
  { progress, signal }: RunControls,
): Promise<LeasedRun> {
  for (let waitedMs = 0; ; waitedMs += 1000) {
    const active = await findActiveRun(db, source.id)
    const request: RunRequest = {
      ...chosen,
      sourceId: source.id,
      normaliserVersion: connector.normaliserVersion,
      correlationId,
      options: {},
      owner: getOwnerName(),
      deadOwner: active?.owner && isOwnerDead(active.owner) ? active.owner : null,
      // Where somebody asks for everything, what was ordered to be fetched only and left is no
      // interrupted attempt at that.
      anew: !chosen.resumeAny && active?.options.stages === 'fetch',
    }
    try {
      const run = await startRun(db, request)
      if (active && active.id !== run.id)
        log.warn(
          { source: source.name, run: active.id },
          `run ${active.id} was ${active.state === 'fetched' ? 'fetched only' : 'interrupted'} and is given up: run ${run.id} asks for something else`,
        )
      return run
    } catch (error) {
      if (
        !(error instanceof SyncError) ||
        error.code !== 'run/active' ||
        waitedMs >= LEASE_MS ||
        active?.owner === getOwnerName()
      )
        throw error
      progress.waiting = `another worker holds this source; waiting in case its lease runs out (${Math.ceil((LEASE_MS - waitedMs) / 1000)} s)`
      await options.wait(1000, signal)
      progress.waiting = null
    }
  }
}

/**
 * What a run that ended so is called, and why: a retry goes on with one that is `interrupted`. A
 * bug would only come again.
 */
export function describeFailure(
  tools: Pick<PipelineTools, 'redact'>,
  error: unknown,
): { state: 'interrupted' | 'failed'; code: ErrorCode | null; reason: string } {
  const code = error instanceof SyncError ? error.code : null
  if (isAbort(error))
    return { state: 'interrupted', code, reason: 'cancelled; the next sync resumes here' }
  if (error instanceof SyncError)
    return {
      state: error.action === 'retry' ? 'interrupted' : 'failed',
      code,
      reason: outsideText(tools, error.message),
    }
  return {
    state: 'failed',
    code,
    reason: `internal error: ${outsideText(tools, messageOf(error))}`,
  }
}
