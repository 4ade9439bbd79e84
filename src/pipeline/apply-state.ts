// Loads the state that all lanes of a run share, and the products that a run has seen.

import { listSeenAfter } from '../db/write/artifacts.ts'
import type { BatchRules } from '../db/write/batch-writer.ts'
import { listCheckpoints } from '../db/write/checkpoints.ts'
import { Bitmap } from './apply/bitmap.ts'
import { HashedParts } from './apply/hashed-parts.ts'
import { KnownRecords } from './apply/known-records.ts'
import type { ApplyState } from './apply/lane.ts'
import { stagedIn } from './apply/part-position.ts'
import { TaxonomyWriter } from './apply/taxonomy-writer.ts'
import type { RunContext } from './context.ts'

/**
 * Reads the hashes of all known records. For a refresh or an import it reads none: such a run is
 * small and may run beside a run that changes the hashes, so the database compares its records.
 */
export async function loadApplyState(context: RunContext): Promise<ApplyState> {
  const { db, source, run, connector, options } = context
  if (run.keys !== null) return loadEmptyState(context)
  // After the normaliser has changed, a full run normalises every record again.
  const trusted =
    run.kind === 'incremental' ||
    source.normaliserVersion === null ||
    source.normaliserVersion === connector.normaliserVersion
  const known = new KnownRecords(trusted ? Math.min(source.nextSeq, options.knownRecordsMax) : 0)
  if (trusted && source.nextSeq > 0)
    await db.readKnownHashes(source.id, (hash, seq) => known.add(hash, seq))
  const { staged } = await loadSeen(context)
  return {
    known,
    hashed: new HashedParts(context, known),
    seenStaged: staged,
    rules: await loadRules(context),
    taxonomy: new TaxonomyWriter(),
  }
}

/** A state without known hashes: every record is parsed and compared in the database. */
export async function loadEmptyState(context: RunContext): Promise<ApplyState> {
  const known = new KnownRecords(0)
  return {
    known,
    hashed: new HashedParts(context, known),
    seenStaged: new Bitmap(),
    rules: await loadRules(context),
    taxonomy: new TaxonomyWriter(),
  }
}

async function loadRules(context: RunContext): Promise<BatchRules> {
  const { connector, source, run } = context
  return {
    normaliserVersion: connector.normaliserVersion,
    volatilePaths: connector.volatilePaths,
    priceFactor: source.policy.priceFactor,
    seenLater: run.kind === 'replay' || run.keys !== null ? await loadSeenLater(context) : null,
  }
}

async function loadSeenLater({ db, source, run }: RunContext): Promise<Buffer> {
  const later = new Bitmap()
  for (const bytes of await listSeenAfter(db, source.id, run.artifactRun))
    later.union(Bitmap.of(bytes))
  return later.toBytes()
}

/** Products that a run has seen in all its parts so far. */
export interface Seen {
  /** Their records were unchanged by hash. */
  readonly known: Bitmap
  /** Their records went through staging. */
  readonly staged: Bitmap
  /** Number of unchanged records that came again in another part. */
  readonly repeats: number
}

export async function loadSeen({ db, source, run }: RunContext): Promise<Seen> {
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
