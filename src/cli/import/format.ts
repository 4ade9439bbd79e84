// The results of an import as text: a card for each product on a terminal, a line in a pipe. Texts
// of the supplier cannot start a line or control the terminal.

import type { FailedImport, ImportResult } from '../../core/import-result.ts'
import type { ImportedFacts } from '../../db/read/imported-products.ts'
import { formatInstant, formatPrice } from '../../format/format.ts'
import { formatQuantity } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'

const TITLE_CHARS_MAX = 200
const TEXT_CHARS_MAX = 500

export interface Card {
  readonly result: ImportResult
  /** Null for a product that failed, or that must not be shown any more. */
  readonly facts: ImportedFacts | null
  /** The price and the availability are those of this time. */
  readonly asOf: Date | null
}

/**
 * ```
 * B08DQQ8CBP created: ESP32-DevKitC-32UE Development Board
 *   price         USD 15.00 instead of USD 20.00, as of 2026-11-28 12:00:00 UTC
 *   availability  In Stock
 *   link          https://www.amazon.com/dp/B08DQQ8CBP?tag=my-shop-20
 *   missing       description, customer_review_count, star_rating
 * ```
 */
export function formatCard(output: Output, { result, facts, asOf }: Card): string {
  if (result.state === 'failed') return formatFailure(output, result)
  const { externalId, state, missing } = result
  const title = facts?.title ?? null
  const rows: (readonly [name: string, text: string])[] = [
    ['price', formatFacts(facts, asOf)],
    ['availability', output.short(facts?.availability ?? 'unknown', TEXT_CHARS_MAX)],
    ['link', output.short(facts?.url ?? 'none', TEXT_CHARS_MAX)],
    ['missing', missing.length === 0 ? 'nothing' : missing.join(', ')],
  ]
  return [
    `${output.short(externalId, TEXT_CHARS_MAX)} ${state}: ${title === null ? 'no title' : output.short(title, TITLE_CHARS_MAX)}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(13)} ${text}`),
  ].join('\n')
}

/** `B08DQQ8CBP created: imported title, brand; missing description`. */
export function formatLine(output: Output, result: ImportResult): string {
  if (result.state === 'failed') return formatFailure(output, result)
  const { externalId, state, imported, missing } = result
  const lists = [
    `imported ${imported.join(', ') || 'nothing'}`,
    ...(missing.length === 0 ? [] : [`missing ${missing.join(', ')}`]),
  ]
  return `${output.short(externalId, TEXT_CHARS_MAX)} ${state}: ${lists.join('; ')}`
}

/** `3 products: 1 created, 1 unchanged, 1 failed`. */
export function formatSummary(results: readonly ImportResult[]): string {
  const counts = (['created', 'updated', 'unchanged', 'failed'] as const)
    .map((state) => [state, results.filter((one) => one.state === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
  return `${formatQuantity(results.length, 'product')}: ${counts.join(', ')}`
}

function formatFailure(output: Output, { externalId, error }: FailedImport): string {
  return `${output.short(externalId, TEXT_CHARS_MAX)} failed: ${output.short(error.message, TEXT_CHARS_MAX)}`
}

function formatFacts(facts: ImportedFacts | null, asOf: Date | null): string {
  if (facts === null || facts.amountMinor === null) return 'none'
  const { compareAtMinor } = facts
  const before =
    compareAtMinor === null
      ? ''
      : ` instead of ${formatPrice({ ...facts, amountMinor: compareAtMinor })}`
  return `${formatPrice(facts)}${before}, as of ${formatInstant(asOf)}`
}
