// The products of the next refresh: those that are due, within their share of the supplier's quota.

import { refreshesDue } from '../core/schedule.ts'
import type { Catalog } from '../db/catalog.ts'
import { listRefreshKeys, type Source } from '../db/sources.ts'
import { planRefresh } from '../db/write/refreshes.ts'
import { Calendar } from './due.ts'

/** Returns how many products a refresh may cover now: due products share the quota of the day. */
export async function limitRefresh(
  db: Catalog,
  calendar: Calendar,
  { id, schedule }: Pick<Source, 'id' | 'schedule'>,
  now: Date,
): Promise<number> {
  const { refresh, zone } = schedule
  if (refresh === undefined) return 0
  if (!refreshesDue(schedule)) return refresh.atMost
  const intervalMs = calendar.intervalMs({ cron: refresh.cron, zone }, now)
  return planRefresh(db, id, { intervalMs, atMost: refresh.atMost })
}

/** Lists the products that a source which only has refreshes would request now; null for any other. */
export async function listDueKeys(
  db: Catalog,
  source: Source,
  now: Date,
): Promise<string[] | null> {
  const { id, schedule } = source
  const { refresh } = schedule
  if (refresh === undefined || schedule.fullOn !== 'never' || !refreshesDue(schedule)) return null
  const atMost = await limitRefresh(db, new Calendar(), source, now)
  return listRefreshKeys(db, id, { ...refresh, atMost }, '')
}
