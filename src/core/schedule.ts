// The schedule of a source, as connectors propose it and sources store it.

export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const

/**
 * The days whose first run is full: one weekday, every day, or none. `never`: no run covers the whole
 * source, which only has refreshes.
 */
export const FULL_ON = [...WEEKDAYS, 'every', 'none', 'never'] as const
export type FullOn = (typeof FULL_ON)[number]

/** Maximum number of keys of one run: they are stored as one value in its row. */
export const KEYS_MAX = 10_000

export interface Schedule {
  /** Cron: minute, hour, day of month, month, day of week. */
  readonly cron: string
  /** An IANA time zone, in which `cron` and `fullOn` are read. */
  readonly zone: string
  readonly fullOn: FullOn
  /** Runs between the others that fetch some products only; absent: none. */
  readonly refresh?: RefreshSchedule
}

/**
 * `all`: the active products in turn · `changing`: those whose prices changed most in 30 days · `due`:
 * those that were not read for `ageMinutes`, the oldest first, as many as the supplier's quota allows.
 */
export const REFRESHED = ['all', 'changing', 'due'] as const

/**
 * A refresh fetches named products, so it never proves that one is missing. The connector must have
 * the scope `keys`.
 */
export interface RefreshSchedule {
  /** Cron, in the time zone of the schedule. */
  readonly cron: string
  readonly products: (typeof REFRESHED)[number]
  /** Maximum number of products of one run. */
  readonly atMost: number
  /** With `due`: the time after which a product is read again. Default: 20 hours. */
  readonly ageMinutes?: number
  /** With `due`: that time for hot products. Default: 50 minutes, for a run in each hour. */
  readonly hotMinutes?: number
}

/**
 * Leaves four hours until 24: for failed requests, and for an outage. See `load_refresh_ages` in
 * supabase/schemas/38_refreshes.sql.
 */
export const REFRESH_AGE_MINUTES = 20 * 60
export const HOT_AGE_MINUTES = 50

const AGE_MINUTES_MIN = 10
const AGE_MINUTES_MAX = 30 * 24 * 60
export const AGE_WORDS = 'a time from 10m to 720h, such as 20h or 90m'

/** Parses `20h` or `90m` into minutes. Returns null for anything but AGE_WORDS. */
export function parseAge(text: string): number | null {
  const [, count = '', unit] = /^(\d{1,5})([mh])$/.exec(text) ?? []
  const minutes = Number(count) * (unit === 'h' ? 60 : 1)
  return minutes < AGE_MINUTES_MIN || minutes > AGE_MINUTES_MAX ? null : minutes
}

/** Formats minutes as `parseAge` takes them. */
export function toAge(minutes: number): string {
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

/** A source with these refreshes has a time for each product. */
export function refreshesDue({ refresh }: Pick<Schedule, 'refresh'>): boolean {
  return refresh?.products === 'due'
}

/**
 * The schedule that a connector proposes. `nightly`: once a night, at a minute that depends on the
 * name of the source, so that hundreds of shops do not start together. `refresh`: once an hour, at
 * such a minute, the products that are due; for a connector that cannot list its products.
 */
export type DefaultSchedule = Schedule | 'nightly' | 'refresh'
