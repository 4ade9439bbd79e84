// Warnings about a page whose product is known: what it leaves open, and what is unusual.

import { countAll, countSome } from '../../lib/count-words.ts'
import type { Verdict } from './compare-prices.ts'
import type { PageEvidence } from './evidence.ts'
import { itemsOf } from './items.ts'
import type { Copy } from './main-product.ts'
import { isOffered, type Sale } from './sales.ts'

const REASONS: Readonly<Record<NonNullable<Verdict['reason']>, string>> = {
  'no-price': 'have no price',
  unpriced: 'have the price 0, which counts as unknown',
  range: 'share one range of prices: the price of each is unknown',
  'several-offers': 'have several offers with different prices, of which none is chosen',
  'unit-price': 'have only a unit price',
  'unknown-currency': 'have a price without a known currency, which is left out',
  'other-currency': 'have a price whose sign is that of another currency than the stated one',
  'ambiguous-separator': 'have a price with a separator that has two readings',
  'several-amounts': 'have several amounts in one price',
  'too-precise': 'have a price with more decimals than the currency has',
  'no-amount': 'have a price that is not an amount of money',
  negative: 'have a negative price',
}

export function listPriceWarnings(verdicts: readonly Verdict[]): string[] {
  const counts = new Map<string, number>()
  const count = (text: string): unknown => counts.set(text, (counts.get(text) ?? 0) + 1)
  for (const { reason, disagreement, excludesTax } of verdicts) {
    if (reason !== null) count(REASONS[reason])
    if (disagreement !== null) count('have different prices in different places of the page')
    if (excludesTax) count('have a price without tax')
  }
  return [...counts].map(([text, affected]) =>
    countSome(affected, verdicts.length, 'variant', text),
  )
}

export function listLeftOut(count: number): string[] {
  return count === 0 ? [] : [countAll(count, 'variant', 'have no distinct key and are left out')]
}

export function listWarnings(
  { problems }: PageEvidence,
  copies: readonly Copy[],
  sales: readonly Sale[],
): string[] {
  const warnings = [...problems]
  const expired = sales.filter(({ isExpired }) => isExpired).length
  if (expired > 0)
    warnings.push(
      countSome(expired, sales.length, 'variant', 'have a price whose validity has ended'),
    )
  const [first] = copies
  const variants = first === undefined ? [] : itemsOf(first.item, 'hasvariant')
  const elsewhere = variants.filter((one) => !isOffered(one)).length
  if (elsewhere > 0)
    warnings.push(countAll(elsewhere, 'variant', 'have no offer here and may have separate pages'))
  return warnings
}
