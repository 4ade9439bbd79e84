// Formats numbers, money and times for a terminal: every command uses these spellings. Pure:
// the current time is an argument.

import { formatMoney } from '../core/money.ts'

/** Decimal units, as disks and suppliers use them: `812 B`, `5.6 KB`, `601 MB`. */
export function formatBytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const step = value < 1000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), units.length - 1)
  const scaled = value / 1000 ** step
  return `${scaled.toFixed(step === 0 || scaled >= 100 ? 0 : 1)} ${units[step]}`
}

/** `2026-01-31 03:17:02 UTC`, or `-` for null. */
export function formatInstant(value: Date | null): string {
  return value === null ? '-' : value.toISOString().slice(0, 19).replace('T', ' ').concat(' UTC')
}

/** An amount in minor units with its currency; the amount is null when the supplier states none. */
export interface Amount {
  readonly amountMinor: number | null
  /** Null when it is unknown. */
  readonly currency: string | null
}

/** `AUD 12.50`, or `no price`. */
export function formatPrice({ amountMinor, currency }: Amount): string {
  return amountMinor === null ? 'no price' : formatMoney(amountMinor, currency ?? 'XXX')
}

/** `AUD 12.50 → 13.00`; with two currencies `EUR 12.50 → AUD 13.00`. */
export function formatPriceChange(before: Amount, after: Amount): string {
  const [from, to] = [formatPrice(before), formatPrice(after)]
  const isSameCurrency =
    before.currency === after.currency && before.amountMinor !== null && after.amountMinor !== null
  return `${from} → ${isSameCurrency ? to.slice(to.indexOf(' ') + 1) : to}`
}

/** An argument of a command to copy: in quotes if a shell would divide or expand it. */
export function formatArgument(text: string): string {
  return /^[\w.:/@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
