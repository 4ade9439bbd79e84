// Formats a source as JSON, and its schedule and limits as text.

import type { Schedule } from '../../core/schedule.ts'
import type { Source } from '../../db/sources.ts'

export function toSourceJson({
  name,
  connector,
  state,
  schedule,
  policy,
  settings,
  watermarkAt,
  latestRun,
  lastFullAt,
}: Source): Record<string, unknown> {
  return {
    source: name,
    connector,
    state,
    schedule,
    policy,
    settings,
    watermarkAt,
    latestRun,
    lastFullAt,
  }
}

/** `17 3 * * * Australia/Sydney, full on sunday`. */
export function formatSchedule({ cron, zone, fullOn }: Schedule): string {
  const day = fullOn === 'every' ? 'every day' : fullOn
  return `${cron} ${zone}${fullOn === 'none' ? '' : `, full on ${day}`}`
}

/** `url=https://some-shop.example · currency=AUD`, as `sources set --set` takes them. */
export function formatSettings({ settings }: Source): string {
  return Object.entries(settings ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ')
}

export function formatPolicy({ policy }: Source): string {
  return Object.entries(policy)
    .map(([limit, value]) => `${limit} ${value}`)
    .join(' · ')
}
