// Reads the number at a token: decimals with a point or a comma, thousands, and fractions. Shops
// write both separators for both purposes; the digits after a separator decide.

import type { Token } from './tokens.ts'

export interface NumberMatch {
  readonly value: number
  readonly from: number
  readonly to: number
}

/** Words for whole numbers that shops write before a unit or a pack. */
export const NUMBER_WORDS = [
  ['two', 2],
  ['three', 3],
  ['four', 4],
  ['five', 5],
  ['six', 6],
  ['ten', 10],
  ['twelve', 12],
] as const

const DENOMINATORS = new Set([2, 3, 4, 5, 8, 16])

/**
 * Returns the number that begins at a token, or null. `1 1/2`, `½`, `2,5` and `1.000` are numbers.
 */
export function matchNumber(tokens: readonly Token[], from: number): NumberMatch | null {
  const token = tokens[from]
  if (token?.kind !== 'number') return null
  const fraction = matchFraction(tokens, from)
  if (fraction) return fraction
  const value = toNumber(token.text)
  if (value === null) return null
  const rest = Number.isInteger(value) ? matchFraction(tokens, from + 1) : null
  if (rest && tokens[from + 1]?.before === ' ')
    return { value: value + rest.value, from, to: rest.to }
  return { value, from, to: from + 1 }
}

/** `3/4` without spaces: below one, with a denominator of kitchens and shops. */
function matchFraction(tokens: readonly Token[], from: number): NumberMatch | null {
  const [upper, slash, lower] = [tokens[from], tokens[from + 1], tokens[from + 2]]
  if (upper?.kind !== 'number' || slash?.text !== '/' || lower?.kind !== 'number') return null
  if (slash.before !== '' || lower.before !== '') return null
  const [above, below] = [Number(upper.text), Number(lower.text)]
  if (!(above > 0 && above < below && DENOMINATORS.has(below))) return null
  return { value: above / below, from, to: from + 3 }
}

/**
 * `1,600` → 1600, `2,5` → 2.5, `1.000` → 1000, `0.250` → 0.25, `1'000` → 1000. A separator before
 * exactly three digits separates thousands, unless the number begins with 0.
 */
export function toNumber(text: string): number | null {
  const parts = text.split(/[.,']/)
  const [first = '', ...rest] = parts
  const last = rest.at(-1) ?? ''
  if (rest.length === 0) return toFinite(first)
  const signs = new Set(text.replaceAll(/\d/g, ''))
  const isGrouped = rest.every((part) => part.length === 3)
  if (isGrouped && signs.size === 1 && first.length <= 3 && Number(first) > 0)
    return toFinite(parts.join(''))
  const isDecimal = parts.slice(1, -1).every((part) => part.length === 3) && !text.includes("'")
  const isTwoSigned = rest.length === 1 || signs.size === 2
  return isDecimal && isTwoSigned ? toFinite(`${parts.slice(0, -1).join('')}.${last}`) : null
}

function toFinite(digits: string): number | null {
  const value = digits.length > 15 ? NaN : Number(digits)
  return Number.isFinite(value) ? value : null
}
