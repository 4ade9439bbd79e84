// Formats a source as JSON, and its limits and successions as text.

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
