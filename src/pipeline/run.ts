// One run in this worker's hands: fetch and apply side by side, then settle. `sync` and `replay` differ in what they hand in.

import { manifestKey, saveManifest } from '../artifacts/manifest.ts'
import { addCounts } from '../core/ledger.ts'
import { findArtifact, listParts, listSeenAfter, type ArchivedPart, type ArtifactNote } from '../db/artifacts.ts'
import { listCheckpoints, type Checkpoint } from '../db/batches.ts'
import { readKnownHashes } from '../db/known-hashes.ts'
import { settleRun, type Settled } from '../db/runs.ts'
import { tidyAfterLoad } from '../db/tidy.ts'
import { VERSION } from '../core/version.ts'
import { Lane, type ApplyState } from './apply.ts'
import { Bitmap } from './bitmap.ts'
import type { RunContext } from './context.ts'
import { fetchArtifact } from './fetch.ts'
import { KnownRecords } from './known-records.ts'
import { PartQueue } from './part-queue.ts'
import { resolveDisputes } from './resolve.ts'
import { Terms } from './terms.ts'

/** Rows written from which on the planner's statistics are worth refreshing at once. */
const TIDY_FROM_ROWS = 10_000

/**
 * Brings the run to its end, from wherever an earlier attempt left it.
 *
 * @throws whatever fetch or apply throws; what was archived and applied until then stays, and the run can be resumed
 */
export async function carryOut(context: RunContext): Promise<Settled> {
  const { db, run, progress, source } = context
  const artifact = await findArtifact(db, source.id, run.artifactRun)
  const parts = await listParts(db, source.id, run.artifactRun)
  const checkpoints = new Map((await listCheckpoints(db, source.id, run.id)).map((checkpoint) => [checkpoint.partNo, checkpoint]))
  const state = await prepareApply(context, checkpoints)
  countEarlierWork(context, parts, checkpoints)

  progress.phase = 'fetch'
  const queue = new PartQueue()
  for (const part of parts) if (!checkpoints.get(part.no)?.done) queue.push(part)
  await fetchAndApply(context, (within) => [
    fetchInto(within, artifact, parts, queue),
    ...Array.from({ length: context.options.lanes }, () => applyFrom(within, state, queue, checkpoints)),
  ])

  progress.phase = 'settle'
  const all = await listParts(db, source.id, run.artifactRun)
  const seen = await unionOfSeen(context, state, all)
  if (run.kind !== 'replay') await describeArtifact(context, all)
  const settled = await settleRun(db, run, seen.toBytes(), source.policy)
  if (settled.ledger.created + settled.ledger.updated >= TIDY_FROM_ROWS) await tidyAfterLoad(db, (why) => context.log.debug({ why }, 'not tidied'))
  progress.phase = 'done'
  return settled
}

/** Lets all finish before it throws: a fetch that fails leaves the lanes to apply what has arrived, a lane that fails stops the others. */
async function fetchAndApply(context: RunContext, begin: (within: RunContext) => [Promise<void>, ...Promise<void>[]]): Promise<void> {
  const stop = new AbortController()
  const [fetching, ...lanes] = begin({ ...context, signal: AbortSignal.any([context.signal, stop.signal]) })
  for (const lane of lanes) lane.catch((error: unknown) => stop.abort(error))
  const results = await Promise.allSettled([...lanes, fetching])
  context.signal.throwIfAborted()
  for (const result of results) if (result.status === 'rejected') throw stop.signal.aborted ? stop.signal.reason : result.reason
}

async function prepareApply(context: RunContext, checkpoints: ReadonlyMap<number, Checkpoint>): Promise<ApplyState> {
  const { db, source, run, connector, options } = context
  const seenKnown = new Bitmap(source.nextSeq)
  const seenStaged = new Bitmap(source.nextSeq)
  for (const { known, staged } of checkpoints.values()) {
    seenKnown.union(Bitmap.unpack(known))
    seenStaged.union(Bitmap.unpack(staged))
  }
  const rules = {
    normaliserVersion: connector.normaliserVersion,
    volatilePaths: connector.volatilePaths,
    priceFactor: source.policy.priceFactor,
    seenLater: run.kind === 'replay' ? await seenLater(context) : null,
  }
  // A normaliser that changed has to look at every record again.
  const trusted = run.kind === 'incremental' || source.normaliserVersion === null || source.normaliserVersion === connector.normaliserVersion
  const known = new KnownRecords(trusted ? Math.min(source.nextSeq, options.knownRecordsMax) : 0)
  if (trusted && source.nextSeq > 0) await readKnownHashes(db, source.id, (hash, seq) => known.add(hash, seq))
  return { known, seenKnown, seenStaged, terms: new Terms(), rules }
}

async function seenLater({ db, source, run }: RunContext): Promise<Buffer> {
  const later = new Bitmap()
  for (const bytes of await listSeenAfter(db, source.id, run.artifactRun)) later.union(Bitmap.of(bytes))
  return later.toBytes()
}

function countEarlierWork({ progress }: RunContext, parts: readonly ArchivedPart[], checkpoints: ReadonlyMap<number, Checkpoint>): void {
  for (const part of parts) {
    progress.fetchedLines += part.lineCount
    progress.fetchedBytes += part.rawBytes
  }
  for (const { linesDone, counts } of checkpoints.values()) {
    progress.appliedLines += linesDone
    addCounts(progress.counts, counts)
  }
}

async function fetchInto(context: RunContext, artifact: ArtifactNote | null, parts: readonly ArchivedPart[], queue: PartQueue): Promise<void> {
  try {
    if (artifact?.closed) {
      context.progress.claimed = artifact.claimed
      return
    }
    const start = { parts, claimed: artifact?.claimed ?? null, watermarkMs: artifact?.watermarkMs ?? null, warnings: artifact?.warnings ?? [] }
    const end = await fetchArtifact(context, start, (part) => queue.push(part))
    if (!end.complete) context.log.warn({}, `The fetch is incomplete: ${end.reason}`)
  } finally {
    queue.close()
    if (context.progress.phase === 'fetch') context.progress.phase = 'apply'
  }
}

async function applyFrom(context: RunContext, state: ApplyState, queue: PartQueue, checkpoints: ReadonlyMap<number, Checkpoint>): Promise<void> {
  const first = await queue.take()
  if (!first) return
  await Lane.use(context, state, async (lane) => {
    for (let part: ArchivedPart | null = first; part; part = await queue.take()) {
      await lane.applyPart(part, checkpoints.get(part.no))
    }
  })
}

/** Everything that the run saw, in all its parts, after the disputed products have been decided. */
async function unionOfSeen(context: RunContext, state: ApplyState, parts: readonly ArchivedPart[]): Promise<Bitmap> {
  const known = new Bitmap()
  const staged = new Bitmap()
  for (const checkpoint of await listCheckpoints(context.db, context.source.id, context.run.id)) {
    known.union(Bitmap.unpack(checkpoint.known))
    staged.union(Bitmap.unpack(checkpoint.staged))
  }
  if (!known.common(staged).next().done) {
    await Lane.use(context, state, (lane) => resolveDisputes(context, lane, known, staged, parts))
  }
  known.union(staged)
  return known
}

async function describeArtifact({ db, store, source, run }: RunContext, parts: readonly ArchivedPart[]): Promise<void> {
  const artifact = await findArtifact(db, source.id, run.artifactRun)
  if (!artifact || run.kind === 'replay') return
  const sum = (of: (part: ArchivedPart) => number) => parts.reduce((total, part) => total + of(part), 0)
  await saveManifest(store, manifestKey({ source: source.name, run: String(run.id), startedAt: run.startedAt }), {
    source: source.name,
    run: String(run.id),
    mode: run.kind,
    parts: parts.map(({ cursorAfter: _, ...part }) => part),
    complete: artifact.complete,
    claimed: artifact.claimed,
    lines: sum(({ lineCount }) => lineCount),
    rawBytes: sum(({ rawBytes }) => rawBytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
    watermark: artifact.watermarkMs === null ? null : new Date(artifact.watermarkMs).toISOString(),
    startedAt: run.startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    shelfsync: VERSION,
  })
}
