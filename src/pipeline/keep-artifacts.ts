// Work on artifacts after a run: writes the plain copy `latest.ndjson`, and purges old artifacts and
// content whose licence has ended. An error here does not fail the run.

import { writeLatest } from '../artifacts/latest-file.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import { findNewestWholeArtifact, listParts } from '../db/write/artifacts.ts'
import { loadSource, saveCopy, type Source } from '../db/sources.ts'
import { toSyncError } from '../db/errors.ts'
import { purgeExpiredRows } from '../db/write/retention.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { sanitizeText } from './sanitize-text.ts'
import { type PurgeTools, purgeSource } from './purge.ts'

export interface KeepTools extends PurgeTools {
  /** Applied to error messages before they are stored: a store may quote a key. */
  readonly redact: Redactor
  readonly outages: Outages
}

export interface KeepOptions {
  /** Number of successful runs of the source whose artifacts are kept. */
  readonly artifactsKeep: number | 'all'
  /** True to write `latest.ndjson`, a copy of the newest complete artifact. */
  readonly artifactsLatest: boolean
}

/**
 * Copies the newest complete artifact, and purges old ones if the run succeeded. Expired content is
 * purged after every run.
 */
export async function keepArtifacts(
  tools: KeepTools,
  source: Source,
  run: { readonly id: number; readonly succeeded: boolean },
  options: KeepOptions,
): Promise<void> {
  await copyLatest(tools, source, options)
  const expires = source.policy.expiresAfterHours !== null
  if (!run.succeeded && !expires) return
  const facts = { source: source.name, run: run.id }
  try {
    const keep = run.succeeded ? options.artifactsKeep : 'all'
    const { runs, storedBytes } = await purgeSource(tools, source, keep)
    if (expires) await purgeExpiredRows(tools.db)
    tools.outages.worked('purge')
    if (runs.length > 0) tools.log.info({ ...facts, runs, storedBytes }, 'old artifacts purged')
  } catch (error) {
    if (!tools.outages.failed(toSyncError(error), { work: 'purge' }))
      tools.log.warn(
        { ...facts, cause: String(error) },
        'old artifacts could not be purged; the next run tries again',
      )
  }
}

/**
 * Writes `latest.ndjson` from the newest complete artifact of the source, of a run in any state,
 * unless the copy has it already. An error is recorded in the source's row, for `status` and the
 * metrics; every later run of the source tries again. A source whose content expires has no copy.
 */
export async function copyLatest(
  { db, store, log, redact, outages }: KeepTools,
  { id, name, copy: before, policy }: Source,
  { artifactsLatest }: KeepOptions,
): Promise<void> {
  if (policy.expiresAfterHours !== null) return
  if (!artifactsLatest && before === null) return
  let run: number | null = null
  try {
    const { copy } = await loadSource(db, name)
    if (!artifactsLatest) return copy === null ? undefined : await saveCopy(db, id, null)
    let copied = copy?.error === null ? copy.run : null
    // Another worker may have written an older copy over it, or a newer artifact may be complete.
    while ((run = await findNewestWholeArtifact(db, id)) !== copied && run !== null) {
      const beganMs = performance.now()
      await writeLatest(store, name, await listParts(db, id, run))
      await saveCopy(db, id, { run, error: null }, performance.now() - beganMs)
      copied = run
    }
    outages.worked('copy')
  } catch (error) {
    const reason = error instanceof SyncError ? `${error.code}: ${error.message}` : messageOf(error)
    if (!outages.failed(toSyncError(error), { work: 'copy' }))
      log.error(
        { source: name, run, cause: reason },
        'latest.ndjson could not be written; the next run tries again',
      )
    await saveCopy(db, id, { run, error: sanitizeText({ redact }, reason) }).catch(
      (cause: unknown) => {
        if (!outages.failed(toSyncError(cause), { work: 'copy' }))
          log.warn(
            { source: name, cause: String(cause) },
            'the error of latest.ndjson could not be recorded',
          )
      },
    )
  }
}
