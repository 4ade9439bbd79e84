// What becomes of artifacts when a run is over: the plain copy for those who read that, and the end
// of those that are old. A run has not failed because one of these did.

import { writeLatest } from '../artifacts/latest.ts'
import { hasAction, messageOf, SyncError } from '../core/errors.ts'
import { findNewestWholeArtifact, listParts } from '../db/write/artifacts.ts'
import type { RunKind } from '../db/write/runs.ts'
import { loadSource, saveCopy, type Source } from '../db/sources.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { outsideText } from './outside-text.ts'
import { type PurgeTools, purgeSource } from './purge.ts'

export interface KeepTools extends PurgeTools {
  /** For what is stored: a store's words may quote a key. */
  readonly redact: Redactor
}

export interface KeepWish {
  /** How many good runs of the source keep their artifacts. */
  readonly artifactsKeep: number | 'all'
  /** Whether `latest.ndjson` is written: the newest artifact that has everything. */
  readonly artifactsLatest: boolean
}

/** `good`: the run succeeded. Of any other nothing is purged. */
export async function keepArtifacts(
  tools: KeepTools,
  source: Source,
  run: { readonly id: number; readonly kind: RunKind },
  wish: KeepWish,
  good: boolean,
): Promise<void> {
  await copyLatest(tools, source, wish)
  if (!good) return
  const facts = { source: source.name, run: run.id }
  try {
    const { runs, storedBytes } = await purgeSource(tools, source, wish.artifactsKeep)
    if (runs.length > 0) tools.log.info({ ...facts, runs, storedBytes }, 'old artifacts purged')
  } catch (error) {
    tools.log.warn(
      { ...facts, cause: String(error) },
      'old artifacts could not be purged; the next run tries again',
    )
  }
}

/**
 * Brings `latest.ndjson` to the source's newest whole artifact, whatever became of its run, unless
 * it holds that already. A failure is noted in the source's row, where `status` and the metrics
 * find it; every later run of the source tries again.
 */
export async function copyLatest(
  { db, store, log, redact }: KeepTools,
  { id, name }: Source,
  { artifactsLatest }: KeepWish,
): Promise<void> {
  let run: number | null = null
  try {
    const { copy } = await loadSource(db, name)
    if (!artifactsLatest) return copy === null ? undefined : await saveCopy(db, id, null)
    let held = copy?.error === null ? copy.run : null
    // Another worker may have written an older one over it, or a younger one may have come
    // meanwhile.
    while ((run = await findNewestWholeArtifact(db, id)) !== held && run !== null) {
      await writeLatest(store, name, await listParts(db, id, run))
      await saveCopy(db, id, { run, error: null })
      held = run
    }
  } catch (error) {
    const reason = error instanceof SyncError ? `${error.code}: ${error.message}` : messageOf(error)
    log[hasAction(error, 'retry') ? 'warn' : 'error'](
      { source: name, run, cause: reason },
      'latest.ndjson could not be written; the next run tries again',
    )
    await saveCopy(db, id, { run, error: outsideText({ redact }, reason) }).catch(
      (cause: unknown) =>
        log.warn({ source: name, cause: String(cause) }, 'and that could not be noted'),
    )
  }
}
