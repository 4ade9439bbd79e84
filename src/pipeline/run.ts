// The line of one run: fetch, apply, settle. In one process they go side by side (`carryOut`); from
// the queue each is a task.

import { manifestKey, saveManifest } from '../artifacts/manifest.ts'
import { SyncError } from '../core/errors.ts'
import { addCounts } from '../core/ledger.ts'
import { VERSION } from '../core/version.ts'
import { findArtifact, listParts, listSeenAfter, type StoredPart } from '../db/write/artifacts.ts'
import type { BatchRules } from '../db/write/batch-writer.ts'
import { findCheckpoint, listCheckpoints } from '../db/write/checkpoints.ts'
import { settleRun, type Settled } from '../db/write/runs.ts'
import { Lane, type ApplyState } from './apply/lane.ts'
import { Bitmap } from './apply/bitmap.ts'
import type { RunContext } from './context.ts'
import { fetchArtifact } from './fetch.ts'
import { KnownRecords } from './apply/known-records.ts'
import { stagedIn, type LineWindow } from './apply/part-position.ts'
import { PartQueue } from './part-queue.ts'
import { withRetry } from './retry.ts'
import { compareDuplicates } from './apply/compare-duplicates.ts'
import { TaxonomyWriter } from './apply/taxonomy-writer.ts'

/** From so many written products on, the planner's statistics are refreshed at once. */
const ANALYZE_FROM_PRODUCTS = 10_000

/**
 * Brings the run to its end, from wherever an earlier attempt left it.
 *
 * @throws whatever fetch or apply throws; what was archived and applied until then stays, and the
 * run can be resumed
 */
export async function carryOut(context: RunContext): Promise<Settled> {
  const { progress } = context
  const state = await withRetry(context, () => prepareApply(context))
  await countEarlierWork(context)
  progress.phase = 'fetch'
  const queue = new PartQueue()
  await fetchAndApply(context, (fetching, applying) => [
    fetchParts(fetching, (part) => queue.push(part)).finally(() => {
      queue.close()
      if (progress.phase === 'fetch') progress.phase = 'apply'
    }),
    ...Array.from({ length: context.options.lanes }, () => applyFrom(applying, state, queue)),
  ])
  return settle(context)
}

/**
 * Archives what is left to archive, and calls `onPart` in order for every part that is not applied
 * to its end, old or new.
 *
 * @throws see fetchArtifact
 */
export async function fetchParts(
  context: RunContext,
  onPart: (part: StoredPart) => void,
): Promise<void> {
  const { db, run, progress, source } = context
  const [artifact, parts, checkpoints] = await withRetry(context, () =>
    Promise.all([
      findArtifact(db, source.id, run.artifactRun),
      listParts(db, source.id, run.artifactRun),
      listCheckpoints(db, source.id, run.id),
    ]),
  )
  const done = new Set(
    checkpoints.filter((checkpoint) => checkpoint.done).map(({ partNo }) => partNo),
  )
  for (const part of parts) if (!done.has(part.no)) onPart(part)
  if (artifact?.closed) {
    progress.expected = artifact.expected
    return
  }
  const start = {
    parts,
    expected: artifact?.expected ?? null,
    watermarkMs: artifact?.watermarkMs ?? null,
    warnings: artifact?.warnings ?? [],
  }
  await fetchArtifact(context, start, onPart)
}

/** What all lanes of a run share in this process. Reads the hashes of all that is known. */
export async function prepareApply(context: RunContext): Promise<ApplyState> {
  const { db, source, run, connector, options } = context
  // A normaliser that changed has to look at every record again.
  const trusted =
    run.kind === 'incremental' ||
    source.normaliserVersion === null ||
    source.normaliserVersion === connector.normaliserVersion
  const known = new KnownRecords(trusted ? Math.min(source.nextSeq, options.knownRecordsMax) : 0)
  if (trusted && source.nextSeq > 0)
    await db.readKnownHashes(source.id, (hash, seq) => known.add(hash, seq))
  const { staged } = await unionOfSeen(context)
  return {
    known,
    seenStaged: staged,
    rules: await prepareRules(context),
    taxonomy: new TaxonomyWriter(),
  }
}

/**
 * Applies one part, or a window of it, from its checkpoint on, however often Postgres is away
 * meanwhile.
 *
 * @throws SyncError `run/fenced` · `artifact/…`
 */
export async function applyPart(
  context: RunContext,
  state: ApplyState,
  part: StoredPart,
  window?: LineWindow,
): Promise<void> {
  await withRetry(context, () =>
    Lane.use(context, state, async (lane) =>
      lane.applyPart(part, await findCheckpoint(context.db, context.run, part.no), window),
    ),
  )
}

/**
 * Closes the run when everything is archived and applied: decides what was seen, writes the
 * manifest and asks the database to settle.
 *
 * @throws SyncError `run/fenced`
 */
export async function settle(context: RunContext): Promise<Settled> {
  const { db, run, progress, source, log } = context
  progress.phase = 'settle'
  const [parts, { known, staged, repeats }] = await withRetry(context, () =>
    Promise.all([listParts(db, source.id, run.artifactRun), unionOfSeen(context)]),
  )
  if (!known.common(staged).next().done) {
    const state = {
      known: new KnownRecords(0),
      seenStaged: new Bitmap(),
      rules: await prepareRules(context),
      taxonomy: new TaxonomyWriter(),
    }
    await withRetry(context, () =>
      Lane.use(context, state, (lane) =>
        compareDuplicates(context, lane, { parts, known, staged }),
      ),
    )
  }
  known.union(staged)
  if (run.kind !== 'replay') await withRetry(context, () => describeArtifact(context, parts))
  const settled = await withRetry(context, () =>
    settleRun(db, run, known.toBytes(), repeats, source.policy),
  )
  if (settled.ledger.created + settled.ledger.updated >= ANALYZE_FROM_PRODUCTS)
    await db.analyzeAfterLoad((reason) => log.debug({ reason }, 'a table was not analysed'))
  progress.phase = 'done'
  return settled
}

/**
 * Lets all finish before it throws: a fetch that fails leaves the lanes to apply what has arrived.
 * A lane that fails stops the others, and the fetch too, unless it is the records that are at
 * fault: then all of them are archived, so that they can be replayed.
 */
async function fetchAndApply(
  context: RunContext,
  begin: (fetching: RunContext, applying: RunContext) => [Promise<void>, ...Promise<void>[]],
): Promise<void> {
  const stopLanes = new AbortController()
  const stopFetch = new AbortController()
  const within = (stop: AbortController): RunContext => ({
    ...context,
    signal: AbortSignal.any([context.signal, stop.signal]),
  })
  const [fetching, ...lanes] = begin(within(stopFetch), within(stopLanes))
  for (const lane of lanes) {
    lane.catch((error: unknown) => {
      if (stopLanes.signal.aborted) return
      stopLanes.abort(error)
      if (!(error instanceof SyncError) || error.code !== 'run/too-many-quarantined')
        stopFetch.abort(error)
      else
        context.log.warn(
          { code: error.code },
          `${error.message}: nothing more is applied, and the rest is archived`,
        )
    })
  }
  const results = await Promise.allSettled([...lanes, fetching])
  context.signal.throwIfAborted()
  for (const result of results)
    if (result.status === 'rejected')
      throw stopLanes.signal.aborted ? stopLanes.signal.reason : result.reason
}

async function applyFrom(context: RunContext, state: ApplyState, queue: PartQueue): Promise<void> {
  for (let part = await queue.take(); part; part = await queue.take())
    await applyPart(context, state, part)
}

async function prepareRules(context: RunContext): Promise<BatchRules> {
  const { connector, source, run } = context
  return {
    normaliserVersion: connector.normaliserVersion,
    volatilePaths: connector.volatilePaths,
    priceFactor: source.policy.priceFactor,
    seenLater: run.kind === 'replay' ? await seenLater(context) : null,
  }
}

async function seenLater({ db, source, run }: RunContext): Promise<Buffer> {
  const later = new Bitmap()
  for (const bytes of await listSeenAfter(db, source.id, run.artifactRun))
    later.union(Bitmap.of(bytes))
  return later.toBytes()
}

async function countEarlierWork(context: RunContext): Promise<void> {
  const { db, source, run, progress } = context
  const [parts, checkpoints] = await withRetry(context, () =>
    Promise.all([
      listParts(db, source.id, run.artifactRun),
      listCheckpoints(db, source.id, run.id),
    ]),
  )
  for (const part of parts) {
    progress.fetchedLines += part.lineCount
    progress.fetchedBytes += part.rawBytes
  }
  for (const { linesDone, counts } of checkpoints) {
    progress.appliedLines += linesDone
    addCounts(progress.counts, counts)
  }
}

/**
 * What the run has seen in all its parts so far, and how many records came in a second part
 * unchanged.
 */
async function unionOfSeen({ db, source, run }: RunContext): Promise<{
  readonly known: Bitmap
  readonly staged: Bitmap
  readonly repeats: number
}> {
  const known = new Bitmap(source.nextSeq)
  const staged = new Bitmap(source.nextSeq)
  let repeats = 0
  for (const checkpoint of await listCheckpoints(db, source.id, run.id)) {
    const inPart = Bitmap.unpack(checkpoint.known)
    repeats += known.overlap(inPart)
    known.union(inPart)
    staged.union(stagedIn(checkpoint))
  }
  return { known, staged, repeats }
}

async function describeArtifact(
  { db, store, source, run }: RunContext,
  parts: readonly StoredPart[],
): Promise<void> {
  const artifact = await findArtifact(db, source.id, run.artifactRun)
  if (!artifact || run.kind === 'replay') return
  const sum = (of: (part: StoredPart) => number) =>
    parts.reduce((total, part) => total + of(part), 0)
  await saveManifest(
    store,
    manifestKey({ source: source.name, run: String(run.id), startedAt: run.startedAt }),
    {
      source: source.name,
      run: String(run.id),
      mode: run.kind,
      parts: parts.map(({ cursorAfter: _, createdAt: __, ...part }) => part),
      complete: artifact.complete,
      expected: artifact.expected,
      lines: sum(({ lineCount }) => lineCount),
      rawBytes: sum(({ rawBytes }) => rawBytes),
      storedBytes: sum(({ storedBytes }) => storedBytes),
      watermark:
        artifact.watermarkMs === null ? null : new Date(artifact.watermarkMs).toISOString(),
      startedAt: run.startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      shelfsync: VERSION,
    },
  )
}
