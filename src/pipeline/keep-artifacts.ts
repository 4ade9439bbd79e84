// What becomes of artifacts when a run has gone well: the plain copy for those who read that, and the end of those that are old.
// A run has not failed because one of these did.

import { asks } from '../core/errors.ts'
import { writeLatest } from '../artifacts/latest.ts'
import { listParts } from '../db/artifacts.ts'
import type { RunKind } from '../db/runs.ts'
import type { Source } from '../db/sources.ts'
import { type PurgeTools, purgeSource } from './purge.ts'

export interface KeepWish {
  /** How many good runs of the source keep their artifacts. */
  readonly artifactsKeep: number | 'all'
  /** Whether `latest.ndjson` is written: only a full run has all that is in it. */
  readonly artifactsLatest: boolean
}

export async function keepArtifacts(
  tools: PurgeTools,
  source: Source,
  run: { readonly id: number; readonly kind: RunKind },
  { artifactsKeep, artifactsLatest }: KeepWish,
): Promise<void> {
  const { db, store, log } = tools
  const facts = { source: source.name, run: run.id }
  try {
    if (artifactsLatest && run.kind === 'full') await writeLatest(store, source.name, await listParts(db, source.id, run.id))
  } catch (error) {
    log[asks(error, 'retry') ? 'warn' : 'error']({ ...facts, cause: String(error) }, 'latest.ndjson could not be written; the next full run tries again')
  }
  try {
    const { runs, storedBytes } = await purgeSource(tools, source, artifactsKeep)
    if (runs.length > 0) log.info({ ...facts, runs, storedBytes }, 'old artifacts purged')
  } catch (error) {
    log.warn({ ...facts, cause: String(error) }, 'old artifacts could not be purged; the next run tries again')
  }
}
