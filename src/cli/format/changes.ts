// Formats the members of a change, as `plan`, `runs changes` and `explain` print them: in one fixed
// order, prices with their currency.

import { CHANGE_KINDS, parsePriceMember } from '../../core/change-message.ts'
import type { ChangeSummary } from '../../db/read/changes.ts'
import { type Amount, formatPrice, formatPriceChange } from '../../format/format.ts'
import { formatCount } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'

/** Maximum length of a value in the text; --json contains all of it. */
const VALUE_CHARS_MAX = 60
const TITLE_CHARS_MAX = 40

/** The member of a variant whose package became smaller, at the same price or a higher one. */
const WEIGHT = 'weight:'

/** The members that every product has, in the order in which they are printed. */
const FIRST_MEMBERS = [
  'status',
  'title',
  'price:',
  'brand',
  'manufacturer',
  'url',
  'successor',
  'description',
]

/** The kinds of changes in the order in which they are counted and grouped. A plan has two more. */
export const COUNTED_KINDS = [...CHANGE_KINDS, 'missing', 'quarantined'] as const

/** `created 12 · updated 188`, or null without a change. */
export function formatChangeCounts(counts: Readonly<Record<string, number>>): string | null {
  const known = COUNTED_KINDS.filter((kind) => (counts[kind] ?? 0) > 0)
  return known.map((kind) => `${kind} ${formatCount(counts[kind] ?? 0)}`).join(' · ') || null
}

/** A product's title for a line, or `untitled`. */
export function formatTitle(output: Output, title: string | null): string {
  return output.short(title ?? 'untitled', TITLE_CHARS_MAX)
}

/**
 * Returns a line for each member, [before, after] or, of a held price, [before, after, reason], such
 * as `title: "Old" → "New"` and `public price: AUD 12.50 → 13.00`, or `title: changed` once the
 * licence of its values has ended. `product`: its id, which a price of its only variant does not
 * repeat.
 */
export function formatMembers(
  output: Output,
  product: string,
  { detail, currencies }: Pick<ChangeSummary, 'detail' | 'currencies'>,
): string[] {
  return sortMembers(Object.keys(detail)).map((name) => {
    const value = detail[name]
    const price = parsePriceMember(name)
    if (Array.isArray(value) && value.length === 0) {
      const member =
        price === null
          ? output.short(name, VALUE_CHARS_MAX)
          : formatPriceLabel(output, product, price)
      return `${member}: changed`
    }
    if (name.startsWith(WEIGHT) && Array.isArray(value) && typeof value[2] === 'string')
      return formatPackageSize(output, product, name.slice(WEIGHT.length), value[2])
    if (price === null || !Array.isArray(value))
      return `${output.short(name, VALUE_CHARS_MAX)}: ${formatDifference(output, value)}`
    const [before = null, after = null] = currencies[name] ?? []
    const label = formatPriceLabel(output, product, price)
    return `${label}: ${formatPriceValue(output, value, [before, after])}`
  })
}

/** `weight: 250 g → 225 g at the same price: +11 % per 100 g`. */
function formatPackageSize(
  output: Output,
  product: string,
  variant: string,
  explanation: string,
): string {
  const of = variant === product ? '' : ` of ${output.short(variant, VALUE_CHARS_MAX)}`
  return `weight${of}: ${output.inLine(explanation)}`
}

export const CHANGE_HEADINGS = ['product', 'title', 'change', 'detail']

/** The cells under `CHANGE_HEADINGS`. A first load changes all products. */
export function toChangeCells(
  output: Output,
  change: Pick<ChangeSummary, 'product' | 'title' | 'kind' | 'detail' | 'currencies'>,
): (string | null)[] {
  const { product, title, kind } = change
  return [
    product ?? 'all products',
    product === null ? null : formatTitle(output, title),
    kind,
    formatMembers(output, product ?? '', change).join('; '),
  ]
}

/** `public price`, or `public price of V1` if its variant has another id than the product. */
export function formatPriceLabel(
  output: Output,
  product: string,
  { variant, priceType }: { readonly variant: string; readonly priceType: string },
): string {
  const name = `${output.short(priceType, VALUE_CHARS_MAX)} price`
  return variant === product ? name : `${name} of ${output.short(variant, VALUE_CHARS_MAX)}`
}

function sortMembers(names: readonly string[]): string[] {
  const rank = (name: string): number => {
    const first = FIRST_MEMBERS.indexOf(parsePriceMember(name) === null ? name : 'price:')
    return first === -1 ? FIRST_MEMBERS.length : first
  }
  return names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

function formatPriceValue(
  output: Output,
  value: readonly unknown[],
  [before, after]: readonly [string | null, string | null],
): string {
  const amount = (minor: unknown, currency: string | null): Amount => ({
    amountMinor: typeof minor === 'number' ? minor : null,
    currency,
  })
  const reason = value[2]
  // A price in disagreement is not stated: the last good one stays.
  const change =
    typeof reason === 'string' && value[1] === null
      ? formatPrice(amount(value[0], before ?? after))
      : formatPriceChange(amount(value[0], before ?? after), amount(value[1], after))
  return typeof reason === 'string'
    ? `${change} (held: ${output.short(reason, VALUE_CHARS_MAX)})`
    : change
}

function formatDifference(output: Output, value: unknown): string {
  if (!Array.isArray(value) || value.length < 2) return formatValue(output, value)
  return `${formatValue(output, value[0])} → ${formatValue(output, value[1])}`
}

function formatValue(output: Output, value: unknown): string {
  return output.short(JSON.stringify(value ?? null), VALUE_CHARS_MAX)
}
