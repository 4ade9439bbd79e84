// The options that change when a source is synced, and which of its products are refreshed between
// the other runs.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import {
  FULL_ON,
  REFRESHED,
  type FullOn,
  type RefreshSchedule,
  type Schedule,
} from '../../core/schedule.ts'
import type { Source } from '../../db/sources.ts'
import { KEYS_MAX } from '../../pipeline/choose-run.ts'
import { loadConnector } from '../../sources/bound-source.ts'
import { faultOf } from '../../sources/due.ts'
import { parseCount } from '../arguments/numbers.ts'

/** Number of products of one refresh without --refresh-at-most. */
const REFRESH_AT_MOST = 500

export interface ScheduleFlags {
  readonly schedule?: string
  readonly zone?: string
  readonly fullOn?: FullOn
  readonly refresh?: string
  readonly refreshProducts?: RefreshSchedule['products']
  readonly refreshAtMost?: number
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
        'the weekday whose first run is full; every for each day, none for no scheduled full run',
      ).argParser(parseDay),
    )
    .option(
      '--refresh <cron>',
      'when to refresh some products between the other runs; none for never. The connector must fetch single products',
    )
    .addOption(
      new Option(
        '--refresh-products <products>',
        'which products: all in turn, or changing for those whose prices changed most in 30 days',
      ).choices(REFRESHED),
    )
    .addOption(
      new Option(
        '--refresh-at-most <number>',
        `the maximum number of products of one refresh (default: ${REFRESH_AT_MOST})`,
      ).argParser(parseAtMost),
    )
}

export function changesSchedule(flags: ScheduleFlags): boolean {
  const { schedule, zone, fullOn, refresh, refreshProducts, refreshAtMost } = flags
  const times = [schedule, zone, fullOn, refresh, refreshProducts, refreshAtMost]
  return times.some((time) => time !== undefined)
}

/** @throws SyncError `usage/invalid` */
export function toSchedule(tools: Tools, source: Source, flags: ScheduleFlags): Schedule {
  const { schedule: before } = source
  const { schedule: cron = before.cron, zone = before.zone, fullOn = before.fullOn } = flags
  const refresh = toRefresh(tools, source, flags)
  const schedule = { cron, zone, fullOn, ...(refresh && { refresh }) }
  const fault = faultOf(schedule) ?? (refresh && faultOf({ cron: refresh.cron, zone }))
  if (fault !== null) throw new SyncError('usage/invalid', fault)
  return schedule
}

/** @throws SyncError `usage/invalid` when the connector cannot fetch single products */
function toRefresh(
  tools: Tools,
  source: Source,
  { refresh: cron, refreshProducts, refreshAtMost }: ScheduleFlags,
): RefreshSchedule | null {
  const before = source.schedule.refresh ?? null
  if (cron === 'none') return null
  const chosen = cron ?? before?.cron
  if (chosen === undefined) {
    if ((refreshProducts ?? refreshAtMost) === undefined) return null
    throw new SyncError('usage/invalid', `${source.name} has no refreshes yet: give --refresh too`)
  }
  const connector = loadConnector(tools, source)
  if (!connector.scopes.includes('keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${connector.name} cannot fetch single products, so ${source.name} cannot have refreshes: let it sync more often with --schedule`,
    )
  return {
    cron: chosen,
    products: refreshProducts ?? before?.products ?? 'all',
    atMost: refreshAtMost ?? before?.atMost ?? REFRESH_AT_MOST,
  }
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
