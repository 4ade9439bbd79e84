// plan: what a sync or a replay would do, field by field, without doing it. It is a run that has no
// row: the same lane looks at the same lines, the same SQL judges them and says whether the run
// would be held. What cannot be previewed is an error, never an empty plan.

import { readPart } from '../artifacts/parts.ts'
import { SyncError } from '../core/errors.ts'
import { addCounts, emptyCounts, toLedger } from '../core/ledger.ts'
import { listParts } from '../db/write/artifacts.ts'
import { inSession } from '../db/catalog.ts'
import { listMissing, openPlan, planRun, type RunFacts } from '../db/write/plans.ts'
import type { Db } from '../db/pool.ts'
import type { DbClient } from '../db/transaction.ts'
import { scopeOf } from './fetch.ts'
import { findActiveRun, type RunKind, type Settled } from '../db/write/runs.ts'
import type { Source } from '../db/sources.ts'
import { Lane, toWriterOptions } from './apply/lane.ts'
import { Bitmap } from './apply/bitmap.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import type { RunContext, RunControls } from './context.ts'
import { PartPosition, type ArrivedPart } from './apply/part-position.ts'
import { PlanWriter, type PlannedChange } from './apply/plan-writer.ts'
import { prepareApply } from './run.ts'
import { chooseRun, requireArtifact, type PipelineTools, type SyncRequest } from './sync.ts'

/** Planning stages what it fetches: it needs a session. */
export type PlanTools = PipelineTools & { readonly db: Db }

export interface PlanControls extends RunControls {
  readonly onChange: (change: PlannedChange) => void
}

/** How the run would settle. `expected` and every count are those that its ledger would have. */
export type Plan = Settled & { readonly kind: RunKind }

/**
 * No run has these numbers: nothing is found under them, and whatever tried to write with them
 * would be fenced.
 */
const NO_RUN = { id: 0, token: 0, artifactRun: 0, resumed: false, firstLoad: false }

/**
 * Tells `onChange` every change that a sync of `source` would make now, in the supplier's order,
 * then what would be removed or missing for the first time, unless the run would be held. A product
 * that the supplier sends twice may be told twice. Writes nothing.
 *
 * @throws SyncError `source/…` when the supplier cannot be read to its end · `run/active` when the
 * sync would go on with a run that is there
 */
export async function planSource(
  tools: PlanTools,
  bound: BoundSource,
  request: SyncRequest,
  { onChange, ...controls }: PlanControls,
): Promise<Plan> {
  const { source } = bound
  await refuseUnended(tools.db, source)
  const chosen = chooseRun(bound, request)
  const run = { ...NO_RUN, ...chosen, sourceId: source.id, startedAt: request.now }
  const context: RunContext = {
    ...tools,
    ...bound,
    ...controls,
    run,
  }
  const fetched = { part: { no: 1, createdAt: request.now }, bytes: () => fetchAll(context) }
  return await planParts(
    { ...context, db: tools.db },
    [fetched],
    { complete: true, warning: null },
    onChange,
  )
}

/**
 * Tells `onChange` every change that a replay of that run's artifact would make now, in the order
 * of its lines. Writes nothing.
 *
 * @throws SyncError `run/unknown` · `run/no-artifact` · `artifact/…` · `run/active` when the replay
 * would have to wait for a run
 */
export async function planReplay(
  tools: PlanTools,
  bound: BoundSource,
  artifactRun: number,
  { onChange, ...controls }: PlanControls,
): Promise<Plan> {
  const { db, store } = tools
  const { source } = bound
  const { progress } = controls
  const active = await findActiveRun(db, source.id)
  if (active?.state === 'running')
    throw new SyncError(
      'run/active',
      `Run ${active.id} of ${source.name} is under way, and a replay waits for it. Plan when it has ended`,
    )
  const artifact = await requireArtifact(db, source, artifactRun)
  const run = {
    ...NO_RUN,
    kind: 'replay',
    sinceAt: null,
    artifactRun,
    sourceId: source.id,
    startedAt: new Date(),
  } as const
  const context = {
    ...tools,
    ...bound,
    ...controls,
    run,
  }
  const parts = await listParts(db, source.id, artifactRun)
  progress.expected = artifact.expected
  for (const { lineCount, rawBytes } of parts) {
    progress.fetchedLines += lineCount
    progress.fetchedBytes += rawBytes
  }
  const facts = { complete: artifact.complete, warning: artifact.warnings.at(-1) ?? null }
  return await planParts(
    context,
    parts.map((part) => ({ part, bytes: () => readPart(store, part) })),
    facts,
    onChange,
  )
}

type PlanContext = RunContext & { readonly db: Db }

interface PlannedPart {
  readonly part: ArrivedPart
  bytes(): AsyncIterable<Buffer>
}

type FetchFacts = Pick<RunFacts, 'complete' | 'warning'>

async function planParts(
  context: PlanContext,
  parts: readonly PlannedPart[],
  facts: FetchFacts,
  onChange: (change: PlannedChange) => void,
): Promise<Plan> {
  const client = await context.db.connect()
  try {
    await openPlan(client)
    const state = { ...(await prepareApply(context)), taxonomy: null }
    const writer = new PlanWriter(client, toWriterOptions(context, state.rules), onChange)
    const lane = new Lane(context, state, writer)
    const total: Total = { counts: emptyCounts(), known: new Bitmap(), staged: new Bitmap() }
    for (const { part, bytes } of parts) {
      const at = new PartPosition(part, null)
      await lane.applyLines(at, bytes())
      addPart(total, at)
    }
    return await planSettle(context, client, total, facts, onChange)
  } finally {
    client.release(true)
  }
}

/** What all parts come to. */
type Total = Pick<PartPosition, 'counts' | 'known' | 'staged'>

/** Settle counts an unchanged record that came in two parts as a duplicate. */
function addPart({ counts, known, staged }: Total, at: PartPosition): void {
  const repeats = known.overlap(at.known)
  addCounts(counts, at.counts)
  counts.unchanged -= repeats
  counts.duplicate += repeats
  known.union(at.known)
  staged.union(at.staged)
}

/** A run that has not ended has archived and applied things that only it can go on with. */
async function refuseUnended(db: Db, source: Source): Promise<void> {
  const active = await findActiveRun(db, source.id)
  if (active === null) return
  const message = `Run ${active.id} of ${source.name} is ${active.state}: a sync would go on with that run, which cannot be planned. Plan when it has ended`
  throw new SyncError('run/active', message)
}

/** The supplier's bytes to their end. @throws SyncError `source/…` */
async function* fetchAll(context: RunContext): AsyncGenerator<Buffer, void> {
  const { connector, settings, run, http, log, progress, signal } = context
  const warn = (message: string): void => log.warn({}, message)
  const request = {
    settings,
    credentials: context.credentials(context),
    scope: scopeOf(run),
    cursor: null,
    http,
    warn,
  } as const
  let proved = false
  for await (const { bytes, lineCount, complete, expected } of connector.fetch(request, signal)) {
    proved = complete
    progress.expected ??= expected
    progress.fetchedLines += lineCount
    progress.fetchedBytes += bytes.length
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  if (!proved)
    throw new SyncError(
      'source/cut-short',
      'The answer ended without proof that nothing is missing, so it cannot be planned with',
    )
}

async function planSettle(
  { source, run, progress }: RunContext,
  client: DbClient,
  { counts, known, staged }: Total,
  facts: FetchFacts,
  onChange: (change: PlannedChange) => void,
): Promise<Plan> {
  const session = inSession(client)
  const { expected, fetchedLines: fetched } = progress
  known.union(staged)
  const seen = known.toBytes()
  const { reasons, whole, removalsOff } = await planRun(session, source.id, {
    facts: { ...facts, kind: run.kind, expected, fetched, counts },
    seen,
    policy: source.policy,
  })
  const held = reasons.length > 0
  const gone = { removed: 0, missing: 0 }
  for (const { externalId, title, missedBefore } of whole && !held
    ? await listMissing(session, source.id, seen)
    : []) {
    const kind = missedBefore ? 'removed' : 'missing'
    gone[kind] += 1
    onChange({ externalId, kind, detail: { title } })
  }
  const ledger = { ...toLedger(expected, fetched, counts), ...gone }
  return {
    kind: run.kind,
    state: held ? 'held' : 'succeeded',
    reason: held ? reasons.join('; ') : null,
    ledger,
    removalsOff,
  }
}
