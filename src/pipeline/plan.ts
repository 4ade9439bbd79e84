// plan: reports the changes that a sync or a replay would make, field by field, without making
// them. A plan is a run without a row: the same lane reads the lines, and the same SQL judges them
// and decides whether the run would be held. A plan that cannot be complete fails.

import { readLines } from '../artifacts/line-batches.ts'
import { readPart } from '../artifacts/parts.ts'
import { SyncError } from '../core/errors.ts'
import { addCounts, emptyCounts, toLedger } from '../core/ledger.ts'
import { isTime } from '../core/source-time.ts'
import { inSession } from '../db/catalog.ts'
import type { Db } from '../db/pool.ts'
import type { DbClient } from '../db/transaction.ts'
import type { Source } from '../db/sources.ts'
import { listParts } from '../db/write/artifacts.ts'
import {
  listMissing,
  openPlan,
  planRun,
  type PlannedDiff,
  type RunFacts,
} from '../db/write/plans.ts'
import { findActiveRun, type LeasedRun, type RunKind, type Settled } from '../db/write/runs.ts'
import { loadOptions } from '../normalise/apply-options.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import { loadApplyState } from './apply-state.ts'
import { Bitmap } from './apply/bitmap.ts'
import { Lane, toWriterOptions } from './apply/lane.ts'
import { newIdFinder } from './apply/line-id.ts'
import { PartPosition, type ArrivedPart } from './apply/part-position.ts'
import { PlanWriter, type PlannedChange } from './apply/plan-writer.ts'
import {
  chooseReplay,
  chooseRun,
  requireArtifact,
  type ChosenRun,
  type SyncRequest,
} from './choose-run.ts'
import type { PipelineTools, RunContext, RunControls } from './context.ts'
import { requestPages } from './fetch.ts'

/** A plan stages records in temporary tables, so it needs a session. */
export type PlanTools = PipelineTools & { readonly db: Db }

export interface PlanControls extends RunControls {
  readonly onChange: (change: PlannedChange) => void
}

/** The result of settling the planned run. The ledger has the counts that the run would have. */
export type Plan = Settled & {
  readonly kind: RunKind
  /** The effect of approving the run; null unless it would be held. */
  readonly diff: PlannedDiff | null
}

/** No run has these numbers: nothing is found under them, and a write with them is fenced. */
const NO_RUN = { id: 0, token: 0, keys: null, resumed: false, firstLoad: false, options: {} }

/**
 * Calls `onChange` for every change that a sync of `source` would make now, in the supplier's
 * order; then for every product that would be removed or is missing: if the run would be held, all of
 * them are missing, and an approval would remove them at once. A product that the supplier sends
 * twice may be reported twice. Writes nothing.
 *
 * @throws SyncError `source/…` when the supplier cannot be read to its end · `run/active` when a
 * sync would resume an existing run
 */
export async function planSource(
  tools: PlanTools,
  bound: BoundSource,
  request: SyncRequest,
  controls: PlanControls,
): Promise<Plan> {
  await refuseOpenRun(tools.db, bound.source)
  const run = toPlannedRun(bound, chooseRun(bound, request), request.now)
  const applyOptions = await loadOptions(bound.sourceOptions)
  const context = { ...tools, ...bound, ...controls, run, applyOptions }
  let watermarkMs: number | null = null
  const bytes = () => fetchAll(context, (ms) => (watermarkMs = ms))
  const fetched = { part: { no: 1, createdAt: request.now }, bytes }
  const facts = { complete: true, warning: null, watermarkMs: () => watermarkMs }
  return await planParts(context, [fetched], facts)
}

/**
 * Calls `onChange` for every change that a replay of that run's artifact would make now, in the
 * order of its lines. Writes nothing.
 *
 * @throws SyncError `run/unknown` · `run/no-artifact` · `artifact/…` · `run/active` when the replay
 * would have to wait for another run
 */
export async function planReplay(
  tools: PlanTools,
  bound: BoundSource,
  artifactRun: number,
  controls: PlanControls,
): Promise<Plan> {
  const { db, store } = tools
  const { source } = bound
  const { progress } = controls
  await refuseRunningRun(db, source)
  const artifact = await requireArtifact(db, source, artifactRun)
  const run = toPlannedRun(bound, chooseReplay(artifactRun), new Date())
  const parts = await listParts(db, source.id, artifactRun)
  progress.expected = artifact.expected
  for (const { lineCount, rawBytes } of parts) {
    progress.fetchedLines += lineCount
    progress.fetchedBytes += rawBytes
  }
  return await planParts(
    { ...tools, ...bound, ...controls, run, applyOptions: await loadOptions(bound.sourceOptions) },
    parts.map((part) => ({ part, bytes: () => readPart(store, part) })),
    {
      complete: artifact.complete,
      warning: artifact.warnings.at(-1) ?? null,
      watermarkMs: () => artifact.watermarkMs,
    },
  )
}

function toPlannedRun({ source }: BoundSource, chosen: ChosenRun, startedAt: Date): LeasedRun {
  const { kind, sinceAt, artifactRun } = chosen
  return { ...NO_RUN, kind, sinceAt, artifactRun: artifactRun ?? 0, sourceId: source.id, startedAt }
}

/** An open run may have archived or applied records already, so a plan could not start from them. */
async function refuseOpenRun(db: Db, source: Source): Promise<void> {
  const active = await findActiveRun(db, source.id)
  if (active === null) return
  throw new SyncError(
    'run/active',
    `Run ${active.id} of ${source.name} is ${active.state}: a sync would resume that run, which cannot be planned. Plan when it has ended`,
  )
}

async function refuseRunningRun(db: Db, source: Source): Promise<void> {
  const active = await findActiveRun(db, source.id)
  if (active?.state !== 'running') return
  throw new SyncError(
    'run/active',
    `Run ${active.id} of ${source.name} is running, and a replay waits for it. Plan when it has ended`,
  )
}

/** `watermarkMs` is read when the parts are applied. */
type FetchFacts = Pick<RunFacts, 'complete' | 'warning'> & {
  readonly watermarkMs: () => number | null
}

type PlanContext = RunContext & PlanControls & { readonly db: Db }

interface PlannedPart {
  readonly part: ArrivedPart
  bytes(): AsyncIterable<Buffer>
}

/** Counts and seen products of all parts together. */
type Total = Pick<PartPosition, 'counts' | 'known' | 'staged'>

async function planParts(
  context: PlanContext,
  parts: readonly PlannedPart[],
  facts: FetchFacts,
): Promise<Plan> {
  const client = await context.db.connect()
  try {
    await openPlan(context.db, client)
    const state = { ...(await loadApplyState(context, [])), taxonomy: null }
    const writer = new PlanWriter(client, toWriterOptions(context, state.rules), context.onChange)
    const lane = new Lane(context, state, writer)
    const total: Total = { counts: emptyCounts(), known: new Bitmap(), staged: new Bitmap() }
    for (const { part, bytes } of parts) {
      const at = new PartPosition(part, null)
      await lane.applyLines(
        at,
        readLines(bytes(), context.options.recordBytesMax, () => newIdFinder(context.connector)),
      )
      addPart(total, at)
    }
    return await planSettle(context, client, total, facts)
  } finally {
    client.release(true)
  }
}

/** As in settle, an unchanged record that comes in two parts counts once as a duplicate. */
function addPart({ counts, known, staged }: Total, at: PartPosition): void {
  const repeats = known.overlap(at.known)
  addCounts(counts, at.counts)
  counts.unchanged -= repeats
  counts.duplicate += repeats
  known.union(at.known)
  staged.union(at.staged)
}

/** Yields the supplier's bytes to their end. @throws SyncError `source/…` */
async function* fetchAll(
  context: RunContext,
  onWatermark: (ms: number) => void,
): AsyncGenerator<Buffer, void> {
  const { log, progress } = context
  const pages = requestPages(context, { cursor: null, warn: (message) => log.warn({}, message) })
  let proved = false
  for await (const { bytes, lineCount, complete, expected, watermarkMs } of pages) {
    proved = complete
    if (watermarkMs !== null && isTime(watermarkMs)) onWatermark(watermarkMs)
    progress.expected ??= expected
    progress.fetchedLines += lineCount
    progress.fetchedBytes += bytes.length
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  if (!proved)
    throw new SyncError(
      'source/cut-short',
      'The response ended without proof that it is complete, so a plan from it would be incomplete',
    )
}

async function planSettle(
  context: PlanContext,
  client: DbClient,
  { counts, known, staged }: Total,
  facts: FetchFacts,
): Promise<Plan> {
  const { source, run, progress } = context
  const { expected, fetchedLines: fetched } = progress
  const session = inSession(client)
  known.union(staged)
  const seen = known.toBytes()
  const { complete, warning } = facts
  const watermarkMs = facts.watermarkMs()
  const { reasons, whole, removalsOff, diff } = await planRun(session, source.id, {
    facts: {
      complete,
      warning,
      kind: run.kind,
      expected,
      fetched,
      counts,
      since: run.sinceAt,
      startedAt: run.startedAt,
      watermark: watermarkMs === null ? null : new Date(watermarkMs),
    },
    seen,
    policy: source.policy,
  })
  const held = reasons.length > 0
  const gone = { removed: 0, missing: 0 }
  for (const product of whole ? await listMissing(session, source.id, seen) : []) {
    const { externalId, title, price, missedBefore } = product
    const kind = missedBefore && !held ? 'removed' : 'missing'
    gone[kind] += 1
    context.onChange({ externalId, kind, detail: { title, price }, title, currencies: {} })
  }
  return {
    kind: run.kind,
    state: held ? 'held' : 'succeeded',
    reason: held ? reasons.join('; ') : null,
    ledger: { ...toLedger(expected, fetched, counts), ...gone },
    removalsOff,
    diff: held ? diff : null,
  }
}
