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

export function formatPolicy({ policy }: Source): string {
  return Object.entries(policy)
    .map(([limit, value]) => `${limit} ${value}`)
    .join(' · ')
}
