// Parses times on the command line.

import { InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'

const TIMES =
  'a day in UTC such as 2026-01-31, or a time with its zone such as 2026-01-31T12:00:00Z or 2026-01-31T22:00+10:00'
/** In zod, precision -1 means minutes: a time may omit the seconds. */
const Since = z.union([
  z.iso.date(),
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
])

/** The option --since; `description` says what it does. */
export function createSinceOption(description: string): Option {
  return new Option('--since <time>', `${description}: ${TIMES}`).argParser((text) =>
    parseSince(text, new Date()),
  )
}

/** `Date` alone would turn 2026-02-30 into 2 March, and read a time without a zone as local time. */
export function parseSince(text: string, now: Date): Date {
  const time = new Date(text)
  if (!Since.safeParse(text).success || time > now)
    throw new InvalidArgumentError(`It must be ${TIMES}, and must not be in the future.`)
  return time
}
