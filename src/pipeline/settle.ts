// settle: closes a run whose parts are all archived and applied. The database decides about
// completeness, removals, prices and the watermark; this file gives it the set of seen products and
// writes the artifact's manifest.

import { toManifestKey, saveManifest } from '../artifacts/manifest.ts'
import { rateSuccess, type SuccessRates } from '../core/ledger.ts'
import { VERSION } from '../core/version.ts'
import { listOverwrittenProducts, type StoredPart } from '../db/write/artifacts.ts'
import { loadWorkDone, type WorkDone } from '../db/write/work-done.ts'
import { settleRun, type Settled } from '../db/write/runs.ts'
import { loadApplyState, unionSeen, type Seen } from './apply-state.ts'
import { compareDuplicates, type DisputedLines } from './apply/compare-duplicates.ts'
import { Lane } from './apply/lane.ts'
import type { RunContext } from './context.ts'
import { withRetry } from './retry.ts'

/** Number of written products from which the planner's statistics are refreshed at once. */
const ANALYZE_FROM_PRODUCTS = 10_000

/** Returns the result with the requests of the fetch. @throws SyncError `run/fenced` */
export async function settle(
  context: RunContext,
): Promise<{ readonly settled: Settled; readonly rates: SuccessRates }> {
  const { db, run, progress, source, log } = context
  progress.phase = 'settle'
  const beganMs = performance.now()
  const work = await withRetry(context, 'load', () => loadWorkDone(db, run))
  const overwritten = await withRetry(context, 'load', () =>
    listOverwrittenProducts(db, source.id, run.id),
  )
  const seen = unionSeen(source, work.checkpoints)
  await mergeWinners(context, { parts: work.parts, disputed: findDisputed(seen, overwritten) })
  seen.known.union(seen.staged)
  await withRetry(context, 'store', () => writeManifest(context, work))
  const settled = await withRetry(context, 'settle', () =>
    settleRun(
      db,
      run,
      {
        seen: seen.known.toBytes(),
        repeats: seen.repeats,
        ageMs: performance.now() - beganMs,
      },
      source.policy,
    ),
  )
  if (settled.ledger.created + settled.ledger.updated >= ANALYZE_FROM_PRODUCTS)
    await db.analyzeAfterLoad((reason) => log.debug({ reason }, 'a table was not analysed'))
  progress.phase = 'done'
  // A replay sends no request: its artifact belongs to another run.
  const isOwn = work.artifact !== null && run.artifactRun === run.id
  const count = isOwn ? work.artifact : { requests: 0, failedRequests: 0 }
  return { settled, rates: rateSuccess(settled.ledger, count) }
}

/**
 * Returns the products whose lines have to be compared once more: one line was unchanged by hash and
 * another was staged, or an older run overwrote the row after this run had compared it.
 */
function findDisputed({ known, staged }: Seen, overwritten: readonly number[]): number[] {
  const isSeen = (seq: number): boolean => known.has(seq) || staged.has(seq)
  return [...new Set([...known.common(staged), ...overwritten.filter(isSeen)])]
}

/** Within a run one line of each product wins. Merges the winning lines of the disputed products. */
async function mergeWinners(context: RunContext, lines: DisputedLines): Promise<void> {
  if (lines.disputed.length === 0) return
  const state = await loadApplyState(context, [])
  await withRetry(context, 'apply', () =>
    Lane.use(context, state, (lane) => compareDuplicates(context, lane, lines)),
  )
}

async function writeManifest(
  { store, source, run }: RunContext,
  { artifact, parts }: WorkDone,
): Promise<void> {
  if (run.kind === 'replay' || !artifact) return
  const sum = (of: (part: StoredPart) => number) =>
    parts.reduce((total, part) => total + of(part), 0)
  const place = { source: source.name, run: String(run.id) }
  await saveManifest(store, toManifestKey({ ...place, startedAt: run.startedAt }), {
    ...place,
    mode: run.kind,
    parts: parts.map(({ cursorAfter: _, createdAt: __, ...part }) => part),
    complete: artifact.complete,
    expected: artifact.expected,
    lines: sum(({ lineCount }) => lineCount),
    rawBytes: sum(({ rawBytes }) => rawBytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
    watermark: artifact.watermarkMs === null ? null : new Date(artifact.watermarkMs).toISOString(),
    startedAt: run.startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    shelfsync: VERSION,
  })
}
