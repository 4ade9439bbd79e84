// Formats the schedule and the settings of a source as one line of text.

import type { Json } from '../core/json.ts'
import {
  HOT_AGE_MINUTES,
  REFRESH_AGE_MINUTES,
  type RefreshSchedule,
  type Schedule,
} from '../core/schedule.ts'
import { formatCount } from '../lib/words.ts'

/**
 * `17 3 * * * Australia/Sydney, full on sunday, refresh 0 * * * * of at most 500 products in turn`.
 */
export function formatSchedule({ cron, zone, fullOn, refresh }: Schedule): string {
  const day = fullOn === 'every' ? 'every day' : fullOn
  const light = refresh === undefined ? '' : formatRefresh(refresh)
  if (fullOn === 'never') return `${light} (${zone})`
  return `${cron} ${zone}${fullOn === 'none' ? '' : `, full on ${day}`}${light === '' ? '' : `, ${light}`}`
}

function formatRefresh({ cron, products, atMost, ...ages }: RefreshSchedule): string {
  const { ageMinutes = REFRESH_AGE_MINUTES, hotMinutes = HOT_AGE_MINUTES } = ages
  const which = {
    all: 'in turn',
    changing: 'that change',
    due: `that were not read for ${formatAge(ageMinutes)}, or hot ones for ${formatAge(hotMinutes)}`,
  }
  return `refresh ${cron} of at most ${formatCount(atMost)} products ${which[products]}`
}

/** `20 h`, `50 min`. */
function formatAge(minutes: number): string {
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`
}

/** `currency=AUD`, as `sources set --set` takes it. */
export function formatSetting(name: string, value: unknown): string {
  return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
}

/** `url=https://some-shop.example · currency=AUD`. */
export function formatSettings(settings: Json): string {
  return Object.entries(settings ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => formatSetting(name, value))
    .join(' · ')
}
