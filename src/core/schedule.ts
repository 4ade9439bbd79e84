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

/** The days whose first run is full: one weekday, every day, or none. */
export const FULL_ON = [...WEEKDAYS, 'every', 'none'] as const
export type FullOn = (typeof FULL_ON)[number]

export interface Schedule {
  /** Cron: minute, hour, day of month, month, day of week. */
  readonly cron: string
  /** An IANA time zone, in which `cron` and `fullOn` are read. */
  readonly zone: string
  readonly fullOn: FullOn
  /** Runs between the others that fetch some products only; absent: none. */
  readonly refresh?: RefreshSchedule
}

/** `all`: the active products in turn · `changing`: those whose prices changed most in 30 days. */
export const REFRESHED = ['all', 'changing'] as const

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
}

/**
 * The schedule that a connector proposes. `nightly`: once a night, at a minute that depends on the
 * name of the source, so that hundreds of shops do not start together.
 */
export type DefaultSchedule = Schedule | 'nightly'
