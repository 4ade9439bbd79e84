// Changes the schedule of a source, from a command or a page. The connector decides which schedules are
// possible.

import { SyncError } from '../core/errors.ts'
import type { Connector } from '../core/connector.ts'
import type { FullOn, RefreshSchedule, Schedule } from '../core/schedule.ts'
import type { Source } from '../db/sources.ts'
import { loadConnector } from './bound-source.ts'
import { faultOf } from './due.ts'

/** Number of products of one refresh, if none is given. */
export const REFRESH_AT_MOST = 500

/** Absent members stay as they are. */
export interface ScheduleChanges {
  /** Cron: minute, hour, day of month, month, day of week. */
  readonly schedule?: string
  readonly zone?: string
  readonly fullOn?: FullOn
  /** Cron of the refreshes, or `none`. */
  readonly refresh?: string
  readonly refreshProducts?: RefreshSchedule['products']
  readonly refreshAtMost?: number
  /** Minutes. */
  readonly refreshAge?: number
  readonly hotAge?: number
}

interface Connectors {
  readonly connectors: ReadonlyMap<string, Connector>
}

export function changesSchedule(changes: ScheduleChanges): boolean {
  const { schedule, zone, fullOn, refresh } = changes
  return (schedule ?? zone ?? fullOn ?? refresh) !== undefined || changesRefreshes(changes)
}

/** True if a member changes which products are refreshed. */
function changesRefreshes(changes: Omit<ScheduleChanges, 'refresh'>): boolean {
  const { refreshProducts, refreshAtMost, refreshAge, hotAge } = changes
  return (refreshProducts ?? refreshAtMost ?? refreshAge ?? hotAge) !== undefined
}

/** @throws SyncError `usage/invalid` */
export function toSchedule(tools: Connectors, source: Source, changes: ScheduleChanges): Schedule {
  const { schedule: before } = source
  const { zone = before.zone, fullOn = before.fullOn } = changes
  // Without whole runs, both options mean the time of the refreshes.
  const chosen = changes.refresh ?? (fullOn === 'never' ? changes.schedule : undefined)
  const refresh = toRefresh(tools, source, { ...changes, ...(chosen && { refresh: chosen }) })
  const cron = fullOn === 'never' ? refresh?.cron : (changes.schedule ?? before.cron)
  checkWhole(tools, source, fullOn)
  if (cron === undefined)
    throw new SyncError(
      'usage/invalid',
      `Without refreshes, ${source.name} would have no runs: pause it`,
    )
  const schedule = { cron, zone, fullOn, ...(refresh && { refresh }) }
  const fault = faultOf(schedule) ?? (refresh && faultOf({ cron: refresh.cron, zone }))
  if (fault !== null) throw new SyncError('usage/invalid', fault)
  return schedule
}

/** @throws SyncError `usage/invalid` when the connector cannot fetch the whole source */
function checkWhole(tools: Connectors, source: Source, fullOn: FullOn): void {
  const { scopes, name } = loadConnector(tools, source)
  if (fullOn !== 'never' && scopes.every((scope) => scope === 'keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${name} cannot list its products, so no run of ${source.name} is full: ` +
        'leave its full runs at never',
    )
}

/** @throws SyncError `usage/invalid` when the connector cannot fetch single products */
function toRefresh(
  tools: Connectors,
  source: Source,
  { refresh: cron, ...changes }: ScheduleChanges,
): RefreshSchedule | null {
  const before = source.schedule.refresh ?? null
  if (cron === 'none') return null
  const chosen = cron ?? before?.cron
  if (chosen === undefined) {
    if (!changesRefreshes(changes)) return null
    throw new SyncError(
      'usage/invalid',
      `${source.name} has no refreshes yet: give their times too`,
    )
  }
  const connector = loadConnector(tools, source)
  if (!connector.scopes.includes('keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${connector.name} cannot fetch single products, so ${source.name} cannot have refreshes: let it sync more often`,
    )
  const ageMinutes = changes.refreshAge ?? before?.ageMinutes
  const hotMinutes = changes.hotAge ?? before?.hotMinutes
  return {
    cron: chosen,
    products: changes.refreshProducts ?? before?.products ?? 'all',
    atMost: changes.refreshAtMost ?? before?.atMost ?? REFRESH_AT_MOST,
    ...(ageMinutes !== undefined && { ageMinutes }),
    ...(hotMinutes !== undefined && { hotMinutes }),
  }
}
