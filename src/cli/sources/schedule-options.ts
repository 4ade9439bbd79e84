// The options that change when a source is synced, and which of its products are refreshed between
// the other runs.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import {
  FULL_ON,
  KEYS_MAX,
  REFRESHED,
  type FullOn,
  type RefreshSchedule,
  type Schedule,
} from '../../core/schedule.ts'
import type { Source } from '../../db/sources.ts'
import { loadConnector } from '../../sources/bound-source.ts'
import { faultOf } from '../../sources/due.ts'
import { parseCount } from '../arguments/numbers.ts'

/** Number of products of one refresh without --refresh-at-most. */
const REFRESH_AT_MOST = 500
const AGE_MINUTES_MIN = 10
const AGE_MINUTES_MAX = 30 * 24 * 60

export interface ScheduleFlags {
  readonly schedule?: string
  readonly zone?: string
  readonly fullOn?: FullOn
  readonly refresh?: string
  readonly refreshProducts?: RefreshSchedule['products']
  readonly refreshAtMost?: number
  readonly refreshAge?: number
  readonly hotAge?: number
}

export function addScheduleOptions(command: Command): void {
  command
    .option('--schedule <cron>', 'when to sync: minute, hour, day, month, weekday')
    .addOption(
      new Option(
        '--zone <zone>',
        'the time zone of the schedule, such as Australia/Sydney',
      ).argParser(parseZone),
    )
    .addOption(
      new Option(
        '--full-on <day>',
        'the weekday whose first run is full; every for each day, none for no scheduled full run, never for refreshes only',
      ).argParser(parseDay),
    )
    .option(
      '--refresh <cron>',
      'when to refresh some products between the other runs; none for never. The connector must fetch single products',
    )
    .addOption(
      new Option(
        '--refresh-products <products>',
        'which products: all in turn, changing for those whose prices changed most in 30 days, ' +
          'or due for those that were not read for --refresh-age, the oldest first',
      ).choices(REFRESHED),
    )
    .addOption(
      new Option(
        '--refresh-at-most <number>',
        `the maximum number of products of one refresh (default: ${REFRESH_AT_MOST})`,
      ).argParser(parseAtMost),
    )
    .addOption(
      new Option(
        '--refresh-age <time>',
        'with due: the time after which a product is read again, such as 20h or 90m (default: 20h)',
      ).argParser(parseAge),
    )
    .addOption(
      new Option(
        '--hot-age <time>',
        'with due: that time for the products of --hot (default: 50m, for a run in each hour)',
      ).argParser(parseAge),
    )
}

export function changesSchedule(flags: ScheduleFlags): boolean {
  const { schedule, zone, fullOn, refresh } = flags
  return (schedule ?? zone ?? fullOn ?? refresh) !== undefined || changesRefreshes(flags)
}

/** True if an option changes which products are refreshed. */
function changesRefreshes(flags: Omit<ScheduleFlags, 'refresh'>): boolean {
  const { refreshProducts, refreshAtMost, refreshAge, hotAge } = flags
  return (refreshProducts ?? refreshAtMost ?? refreshAge ?? hotAge) !== undefined
}

/** @throws SyncError `usage/invalid` */
export function toSchedule(tools: Tools, source: Source, flags: ScheduleFlags): Schedule {
  const { schedule: before } = source
  const { zone = before.zone, fullOn = before.fullOn } = flags
  // Without whole runs, both options mean the time of the refreshes.
  const chosen = flags.refresh ?? (fullOn === 'never' ? flags.schedule : undefined)
  const refresh = toRefresh(tools, source, { ...flags, ...(chosen && { refresh: chosen }) })
  const cron = fullOn === 'never' ? refresh?.cron : (flags.schedule ?? before.cron)
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
function checkWhole(tools: Tools, source: Source, fullOn: FullOn): void {
  const { scopes, name } = loadConnector(tools, source)
  if (fullOn !== 'never' && scopes.every((scope) => scope === 'keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${name} cannot list its products, so no run of ${source.name} is full: ` +
        'leave --full-on at never',
    )
}

/** @throws SyncError `usage/invalid` when the connector cannot fetch single products */
function toRefresh(
  tools: Tools,
  source: Source,
  { refresh: cron, ...flags }: ScheduleFlags,
): RefreshSchedule | null {
  const before = source.schedule.refresh ?? null
  if (cron === 'none') return null
  const chosen = cron ?? before?.cron
  if (chosen === undefined) {
    if (!changesRefreshes(flags)) return null
    throw new SyncError('usage/invalid', `${source.name} has no refreshes yet: give --refresh too`)
  }
  const connector = loadConnector(tools, source)
  if (!connector.scopes.includes('keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${connector.name} cannot fetch single products, so ${source.name} cannot have refreshes: let it sync more often with --schedule`,
    )
  const ageMinutes = flags.refreshAge ?? before?.ageMinutes
  const hotMinutes = flags.hotAge ?? before?.hotMinutes
  return {
    cron: chosen,
    products: flags.refreshProducts ?? before?.products ?? 'all',
    atMost: flags.refreshAtMost ?? before?.atMost ?? REFRESH_AT_MOST,
    ...(ageMinutes !== undefined && { ageMinutes }),
    ...(hotMinutes !== undefined && { hotMinutes }),
  }
}

/** Parses `20h` or `90m` into minutes. */
function parseAge(text: string): number {
  const [, count = '', unit] = /^(\d{1,5})([mh])$/.exec(text) ?? []
  const minutes = Number(count) * (unit === 'h' ? 60 : 1)
  if (minutes < AGE_MINUTES_MIN || minutes > AGE_MINUTES_MAX)
    throw new InvalidArgumentError('It must be a time from 10m to 720h, such as 20h or 90m.')
  return minutes
}

function parseAtMost(text: string): number {
  const count = parseCount(text)
  if (count > KEYS_MAX) throw new InvalidArgumentError(`It must be at most ${KEYS_MAX}.`)
  return count
}

function parseZone(text: string): string {
  try {
    new Date().toLocaleString('en', { timeZone: text })
  } catch {
    throw new InvalidArgumentError('It must be an IANA time zone, such as Europe/Berlin or UTC.')
  }
  return text
}

function parseDay(text: string): FullOn {
  const day = FULL_ON.find((one) => one === text.toLowerCase())
  if (day === undefined) throw new InvalidArgumentError(`It must be one of ${FULL_ON.join(', ')}.`)
  return day
}
