// Applies the options of a source to the draft that its connector returns: first the domain pack,
// then the filters, which may name what the pack has read.

import type { Draft } from '../core/product.ts'
import { isPlain, type SourceOptions } from '../core/source-options.ts'
import { loadPack } from './domain-packs.ts'
import { createFilter } from './filters.ts'
import { unitPricePolicyOf } from './unit-price.ts'

/** Returns the draft as the options of its source want it. Pure. */
export type ApplyOptions = (draft: Draft) => Draft

/** Loads the pack of the source. Returns null for a source without options: its drafts stay as they are. */
export async function loadOptions(options: SourceOptions): Promise<ApplyOptions | null> {
  if (isPlain(options)) return null
  const pack = await loadPack(options.pack)
  const filter = createFilter(options.filters)
  const unit = toUnit(options)
  return (draft) => {
    const read = withUnit(pack === null ? draft : pack.read(draft, options), unit)
    const reason = filter?.(read) ?? null
    return reason === null ? read : toFiltered(read, reason)
  }
}

/** The weight that unit prices are for, as `api.prices` shows it. */
function toUnit({ unitPrice, pack }: SourceOptions): '1 kg' | '100 g' | null {
  if (pack === 'none') return null
  if (unitPrice === 'none') return '1 kg'
  if (unitPrice === '1 kg' || unitPrice === '100 g') return unitPrice
  return unitPricePolicyOf(unitPrice).massGrams === 100 ? '100 g' : '1 kg'
}

/** The view computes the price itself, so that a changed price changes nothing else. */
function withUnit(draft: Draft, unit: '1 kg' | '100 g' | null): Draft {
  const isWeighed = draft.variants.some(({ weightGrams }) => weightGrams !== null)
  return unit === null || !isWeighed || isSoldAsSeveral(draft)
    ? draft
    : { ...draft, attributes: { ...draft.attributes, unit_price_per: unit } }
}

/** The price of a subscription, a gift or a bundle is that of several packs of unknown number. */
function isSoldAsSeveral({ attributes }: Draft): boolean {
  const { kind, subscription, bundle, content_unclear: unclear } = attributes
  return (
    kind === 'subscription' || kind === 'gift' || [subscription, bundle, unclear].includes(true)
  )
}

/**
 * Keeps the product, because the shop has it: a product that disappears counts as removed by the
 * shop. Prices of zero, which are typical of such products, would each wait for a person.
 */
function toFiltered(draft: Draft, reason: string): Draft {
  return {
    ...draft,
    status: 'filtered',
    prices: draft.prices.filter(({ amountMinor }) => amountMinor !== 0),
    warnings: [...draft.warnings, `left out by the filters of the source: ${reason}`],
  }
}
