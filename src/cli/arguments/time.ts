// Parses times and durations on the command line.

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

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000 } as const

/** Parses `30m`, `8h` or `2d` into milliseconds. */
export function parseDuration(text: string, daysMax: number): number {
  const [, digits = '', unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? []
  const unitMs = Object.entries(UNITS).find(([name]) => name === unit)?.[1] ?? 0
  const durationMs = Number(digits) * unitMs
  if (durationMs <= 0 || durationMs > daysMax * UNITS.d)
    throw new InvalidArgumentError(`It must be such as 30m, 8h or 2d, and at most ${daysMax}d.`)
  return durationMs
}

/** Formats what `parseDuration` returns, in its largest whole unit. */
export function toDurationArgument(durationMs: number): string {
  const [unit, unitMs] = Object.entries(UNITS).find(([, ms]) => durationMs % ms === 0) ?? [
    'm',
    UNITS.m,
  ]
  return `${durationMs / unitMs}${unit}`
}
