// The health of all sources: the facts of the database, judged by the calendar of each source and
// the circuit breaker of its supplier. Every report of a source's state uses this: commands, pages,
// metrics and alerts.

import type { Connector } from '../core/connector.ts'
import { judgeSource, type SourceHealth } from '../core/source-health.ts'
import type { Catalog } from '../db/catalog.ts'
import { listLimits, type LimitState, type OpenBreaker } from '../db/read/limits.ts'
import { listSourceFacts, type SourceFacts } from '../db/read/source-healths.ts'
import type { Calendar, Due } from './due.ts'
import { listHealthParts } from './health-parts.ts'
import { findRules } from './open-breaker.ts'

/** A pause that a supplier demands is named from this duration on. */
const WAIT_MS_MIN = 60_000

export interface JudgedSource {
  readonly facts: SourceFacts
  /** Null while the source is paused. */
  readonly due: Due | null
  /** The circuit breaker of its supplier; null while that is closed. */
  readonly breaker: OpenBreaker | null
  readonly health: SourceHealth
}

export interface HealthTools {
  readonly db: Catalog
  readonly connectors: ReadonlyMap<string, Connector>
  /** Kept between calls, because it remembers what it has computed. */
  readonly calendar: Calendar
}

export interface HealthRequest {
  /** Named sources, or null for all. Those that do not exist are left out. */
  readonly sources?: readonly string[] | null
  readonly now: Date
  readonly timeoutMs?: number
}

/**
 * Returns the sources by name, each with its health at `now`.
 *
 * @throws SyncError `db/unreachable`, also after `timeoutMs`
 */
export async function listSourceHealths(
  { db, connectors, calendar }: HealthTools,
  { sources = null, now, timeoutMs }: HealthRequest,
): Promise<JudgedSource[]> {
  const [facts, limits] = await Promise.all([
    listSourceFacts(db, { sources, timeoutMs }),
    listLimits(db, timeoutMs),
  ])
  const findLimits = matchLimits(connectors, limits, now)
  return facts.map((source) => {
    const due = source.state === 'paused' ? null : calendar.dueOf(source, now)
    const { breaker, waitsUntil } = findLimits(source)
    const parts = listHealthParts({ facts: source, due, breaker, waitsUntil, now })
    return { facts: source, due, breaker, health: judgeSource(parts) }
  })
}

interface SupplierLimits {
  readonly breaker: OpenBreaker | null
  readonly waitsUntil: Date | null
}

const UNLIMITED: SupplierLimits = { breaker: null, waitsUntil: null }

/**
 * Returns a function that finds the limits of a source. Only the rules of its connector know their names, and
 * reading the settings of hundreds of sources takes longer than all the rest: without an open breaker and
 * without a pause, none are read.
 */
function matchLimits(
  connectors: HealthTools['connectors'],
  limits: readonly LimitState[],
  now: Date,
): (facts: SourceFacts) => SupplierLimits {
  const pausedAtMs = now.getTime() + WAIT_MS_MIN
  const relevant = new Map(
    limits
      .filter(({ state, nextAt }) => state !== 'closed' || (nextAt?.getTime() ?? 0) > pausedAtMs)
      .map((limit) => [`${limit.scope} ${limit.key}`, limit]),
  )
  if (relevant.size === 0) return () => UNLIMITED
  return ({ connector: name, settings: stored }) => {
    const connector = connectors.get(name)
    const settings = connector?.settings.safeParse(stored)
    if (connector === undefined || settings?.success !== true) return UNLIMITED
    const rules = findRules({ connector, settings: settings.data })
    if (rules === null) return UNLIMITED
    const find = ({ scope, key }: { readonly scope: string; readonly key: string }) =>
      relevant.get(`${scope} ${key}`)
    const breaker = rules.breaker === null ? null : toOpenBreaker(find(rules.breaker))
    const waits = rules.limits.flatMap((limit) => find(limit)?.nextAt ?? [])
    const waitsUntil =
      breaker === null ? (waits.toSorted((a, b) => Number(b) - Number(a))[0] ?? null) : null
    return { breaker, waitsUntil }
  }
}

function toOpenBreaker(limit: LimitState | undefined): OpenBreaker | null {
  if (limit === undefined || limit.state === 'closed' || limit.openedAt === null) return null
  const { scope, key, state, failures, openedAt, nextAt, reason } = limit
  return { scope, key, state, failures, openedAt, retryAt: nextAt ?? openedAt, reason }
}
