// The line of `status` about a source whose products must stay fresh.

import { refreshesDue, type Schedule } from '../../core/schedule.ts'
import type { Catalog } from '../../db/catalog.ts'
import { measureFreshness, type Freshness } from '../../db/write/refreshes.ts'
import { Calendar } from '../../sources/due.ts'
import { formatCount, formatQuantity } from '../../lib/words.ts'

/** Returns null unless the source refreshes due products. */
export async function findFreshness(
  db: Catalog,
  { source, schedule }: { readonly source: string; readonly schedule: Schedule },
  now: Date,
): Promise<Freshness | null> {
  const { refresh, zone } = schedule
  if (refresh === undefined || !refreshesDue(schedule)) return null
  const intervalMs = new Calendar().intervalMs({ cron: refresh.cron, zone }, now)
  return measureFreshness(db, source, intervalMs)
}

/**
 * `12 of 50,000 products are late, 2,310 are due; the quota keeps 51,840 fresh (6,912 requests …`
 */
export function formatFreshness(freshness: Freshness): string {
  const { products, hot, due, late, capacity, perDay, leftToday, sharing } = freshness
  const lateCount = late === 0 ? 'none' : formatCount(late)
  const warm = hot === 0 ? '' : `, ${formatCount(hot)} ${hot === 1 ? 'is' : 'are'} hot`
  const state =
    `${lateCount} of ${formatQuantity(products, 'product')} ${late > 1 ? 'are' : 'is'} late, ` +
    `${formatCount(due)} ${due === 1 ? 'is' : 'are'} due${warm}`
  if (capacity === null || perDay === null) return `${state}; no run has recorded a daily quota`
  const shared = sharing !== null && sharing > 1 ? `, shared by ${sharing} sources` : ''
  const left = `${formatCount(leftToday ?? 0)} left today${shared}`
  const quota = `${formatCount(perDay)} requests a day, ${left}`
  const advice =
    capacity < products ? ': set requestsPerDay if the supplier allows more, or keep fewer' : ''
  return `${state}; the quota keeps ${formatCount(Math.max(capacity, 0))} fresh (${quota})${advice}`
}
