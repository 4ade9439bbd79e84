// Removes content whose licence has ended and old changes, for as long as a process runs. Content is
// hidden from the instant at which it ends, so this only has to be regular.

import { toSyncError } from '../db/errors.ts'
import { removeOldChanges } from '../db/write/feed.ts'
import { repeat } from '../lib/repeat.ts'
import { purgeExpired, type PurgeTools } from '../pipeline/purge.ts'
import { toErrorFacts } from '../telemetry/log.ts'
import type { Outages } from '../telemetry/outages.ts'

/** The longest time for which expired content stays after its end, while a maintainer runs. */
const PAUSE_MS = 60_000

/** Purges at once and every minute until `signal` is aborted. Any number of processes may do so. */
export function keepPurging(
  tools: PurgeTools & { readonly outages: Outages; readonly changesDays: number },
  signal: AbortSignal,
): Promise<void> {
  const { log, outages } = tools
  const purge = async (): Promise<void> => {
    await purgeExpired(tools)
    const changes = await removeOldChanges(tools.db, tools.changesDays)
    if (changes > 0) log.info({ changes }, 'old changes removed')
    outages.worked('purge')
  }
  const onError = (error: unknown): void => {
    if (outages.failed(toSyncError(error), { work: 'purge' })) return
    log.error(
      toErrorFacts(error),
      'expired content and old changes could not be purged; trying again',
    )
  }
  return repeat(purge, { pauseMs: PAUSE_MS, signal, onError })
}
