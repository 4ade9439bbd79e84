// Formats a source as JSON, and its schedule and limits as text.

import {
  HOT_AGE_MINUTES,
  REFRESH_AGE_MINUTES,
  type RefreshSchedule,
  type Schedule,
} from '../../core/schedule.ts'
import type { Json } from '../../core/json.ts'
import type { Source } from '../../db/sources.ts'
import { MATCH_RULES, type Succession, type Successions } from '../../db/successions.ts'
import { formatCount, formatQuantity } from '../../lib/words.ts'

export function toSourceJson(source: Source): Record<string, unknown> {
  return {
    source: source.name,
    connector: source.connector,
    state: source.state,
    schedule: source.schedule,
    policy: source.policy,
    settings: source.settings,
    options: source.options,
    watermarkAt: source.watermarkAt,
    latestRun: source.latestRun,
    lastFullAt: source.lastFullAt,
  }
}

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

export function formatPolicy({ policy }: Source): string {
  return Object.entries(policy)
    .map(([limit, value]) => `${limit} ${value}`)
    .join(' · ')
}

const RULE_NAMES = { gtin: 'GTIN', url: 'URL', sku: 'SKU', handle: 'the end of their URL' } as const

/** Describes what the source `name` continues, and what continues it; empty without either. */
export function describeSuccessions(name: string, { predecessor, successor }: Successions): string {
  return [
    ...(predecessor === null ? [] : [describeSuccession(predecessor.source, name, predecessor)]),
    ...(successor === null ? [] : [describeSuccession(name, successor.source, successor)]),
  ].join('\n')
}

function describeSuccession(from: string, to: string, { completed }: Succession): string {
  if (completed === null)
    return `${to} continues ${from}, which stays as it is until a complete run of ${to} has succeeded.`
  const { counts } = completed
  const matched = MATCH_RULES.filter((rule) => counts[rule] > 0)
  const sum = matched.reduce((all, rule) => all + counts[rule], 0)
  const rules = matched.map((rule) => `${formatCount(counts[rule])} by ${RULE_NAMES[rule]}`)
  const how = rules.length === 0 ? '' : ` (${rules.join(', ')})`
  return (
    `${to} continues ${from}, which is paused: ${formatCount(sum)} of its ${formatQuantity(counts.products, 'product')} ` +
    `${sum === 1 ? 'has a successor' : 'have successors'}${how}. To undo it: shelfsync sources resume ${from}`
  )
}
