// Loads the state that all lanes of a run share, and adds up the products that a run has seen.

import { listSeenAfter } from '../db/write/artifacts.ts'
import type { BatchRules } from '../db/write/batch-writer.ts'
import type { Source } from '../db/sources.ts'
import type { StoredCheckpoint } from '../db/write/checkpoints.ts'
import { shareLoad } from '../lib/share-load.ts'
import { Bitmap } from './apply/bitmap.ts'
import { HashedParts } from './apply/hashed-parts.ts'
import { KnownRecords } from './apply/known-records.ts'
import type { ApplyState } from './apply/lane.ts'
import { stagedIn } from './apply/part-position.ts'
import { TaxonomyWriter } from './apply/taxonomy-writer.ts'
import type { RunContext } from './context.ts'

/** Part of a run's context that the state keeps. It has no signal: several tasks share the state. */
type StateContext = Pick<
  RunContext,
  'db' | 'source' | 'run' | 'connector' | 'normaliserVersion' | 'options'
>

/**
 * Loads the state for a run with these checkpoints. The first call of `known` reads the hashes of all
 * known records, because a run without lines does not need them. After an error, the next call reads
 * them again.
 */
export async function loadApplyState(
  context: StateContext,
  checkpoints: readonly StoredCheckpoint[],
): Promise<ApplyState> {
  const known = shareLoad(() => readKnownRecords(context))
  return {
    known,
    hashed: new HashedParts(context, known),
    seenStaged: unionSeen(context.source, checkpoints).staged,
    rules: await loadRules(context),
    taxonomy: new TaxonomyWriter(),
  }
}

/**
 * Reads the hashes of all known records. For a refresh or an import it reads none: such a run is
 * small and may run beside a run that changes the hashes, so the database compares its records.
 */
async function readKnownRecords(context: StateContext): Promise<KnownRecords> {
  const { db, source, run, normaliserVersion, options } = context
  // After the normaliser has changed, a full run normalises every record again.
  const trusted =
    run.kind === 'incremental' ||
    source.normaliserVersion === null ||
    source.normaliserVersion === normaliserVersion
  // An unchanged record renews the licence of its product, so each record reaches the database.
  const expires = source.policy.expiresAfterHours !== null
  if (run.keys !== null || !trusted || expires || source.nextSeq === 0) return new KnownRecords(0)
  const known = new KnownRecords(Math.min(source.nextSeq, options.knownRecordsMax))
  await db.readKnownHashes(source.id, (hash, seq) => known.add(hash, seq))
  return known
}

async function loadRules(context: StateContext): Promise<BatchRules> {
  const { connector, source, run, normaliserVersion } = context
  return {
    normaliserVersion,
    volatilePaths: connector.volatilePaths,
    priceFactor: source.policy.priceFactor,
    seenLater: run.kind === 'replay' || run.keys !== null ? await loadSeenLater(context) : null,
  }
}

async function loadSeenLater({ db, source, run }: StateContext): Promise<Buffer> {
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

/** Adds up the checkpoints of a run. */
export function unionSeen(
  { nextSeq }: Pick<Source, 'nextSeq'>,
  checkpoints: readonly StoredCheckpoint[],
): Seen {
  const known = new Bitmap(nextSeq)
  const staged = new Bitmap(nextSeq)
  let repeats = 0
  for (const checkpoint of checkpoints) {
    const inPart = Bitmap.unpack(checkpoint.known)
    repeats += known.overlap(inPart)
    known.union(inPart)
    staged.union(stagedIn(checkpoint))
  }
  return { known, staged, repeats }
}
