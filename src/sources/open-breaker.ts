// The circuit breaker of a source as a request would find it now, for callers that do not start
// work that would only wait. It changes nothing: a breaker that may be tested counts as closed.

import { admit, BREAKER_POLICY } from '../core/breaker.ts'
import { SyncError } from '../core/errors.ts'
import { defaultRules, type RequestRules } from '../core/limits.ts'
import type { Catalog } from '../db/catalog.ts'
import { loadBreaker } from '../db/write/limits.ts'
import type { BoundSource } from './bound-source.ts'

/**
 * @throws SyncError `source/circuit-open`, with the time until when, while no request is sent to
 * the address of the source
 */
export async function refuseOpenBreaker(
  db: Catalog,
  bound: Pick<BoundSource, 'connector' | 'settings'>,
): Promise<void> {
  const rule = findRules(bound)?.breaker ?? null
  if (rule === null) return
  const { breaker, nowMs } = await loadBreaker(db, rule)
  const admission = admit(breaker, nowMs, { ...BREAKER_POLICY, ...rule.policy })
  if (admission.kind !== 'refuse') return
  const { retryAfterMs } = admission
  const until = new Date(nowMs + retryAfterMs).toISOString()
  throw new SyncError(
    'source/circuit-open',
    `${rule.key} has failed ${breaker.failures} times, so no request is sent to it until ${until}`,
    { retryAfterMs },
  )
}

/** Returns the rules of requests to the address of the source; null for one without an address. */
export function findRules({
  connector,
  settings,
}: Pick<BoundSource, 'connector' | 'settings'>): RequestRules | null {
  const url = URL.parse(connector.address(settings))
  if (url === null) return null
  return connector.rules?.({ url, settings, credentials: null }) ?? defaultRules(url)
}
