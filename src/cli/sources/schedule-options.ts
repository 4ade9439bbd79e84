// The options that change when a source is synced, and which of its products are refreshed between
// the other runs.

import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  AGE_WORDS,
  FULL_ON,
  KEYS_MAX,
  parseAge,
  REFRESHED,
  type FullOn,
} from '../../core/schedule.ts'
import { REFRESH_AT_MOST } from '../../sources/change-schedule.ts'
import { parseChoice } from '../arguments/choice.ts'
import { parseCount } from '../arguments/numbers.ts'

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
      ).argParser(parseAgeOption),
    )
    .addOption(
      new Option(
        '--hot-age <time>',
        'with due: that time for the products of --hot (default: 50m, for a run in each hour)',
      ).argParser(parseAgeOption),
    )
}

function parseAgeOption(text: string): number {
  const minutes = parseAge(text)
  if (minutes === null) throw new InvalidArgumentError(`It must be ${AGE_WORDS}.`)
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
  return parseChoice(text.toLowerCase(), FULL_ON)
}
