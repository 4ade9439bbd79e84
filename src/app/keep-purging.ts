// Removes content whose licence has ended, for as long as a process runs. It is hidden from the instant
// at which it ends, so this only has to be regular.

import { toSyncError } from '../db/errors.ts'
import { repeat } from '../lib/repeat.ts'
import { purgeExpired, type PurgeTools } from '../pipeline/purge.ts'
import type { Outages } from '../telemetry/outages.ts'

/** The longest time for which expired content stays after its end, while a maintainer runs. */
const PAUSE_MS = 60_000

/** Purges at once and every minute until `signal` is aborted. Any number of processes may do so. */
export function keepPurging(
  tools: PurgeTools & { readonly outages: Outages },
  signal: AbortSignal,
): Promise<void> {
  const { log, outages } = tools
  const purge = async (): Promise<void> => {
    await purgeExpired(tools)
    outages.worked('purge')
  }
  const onError = (error: unknown): void => {
    if (outages.failed(toSyncError(error), { work: 'purge' })) return
    log.warn({ cause: String(error) }, 'expired content could not be purged; trying again')
  }
  return repeat(purge, { pauseMs: PAUSE_MS, signal, onError })
}
