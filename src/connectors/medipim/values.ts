// Reads values that only probably have the documented type: MediPim's documentation and its
// responses differ in many places.

import { isObject } from '../../lib/objects.ts'

/** The string, or null when it is none or blank. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}

/** An id as text: MediPim writes its own as strings and those of everything else as integers. */
export function idOf(value: unknown): string | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : textOf(value)
}

/**
 * The number, also when it is written as a string such as `"0.37"`. Null for 1e999, which
 * JavaScript reads as infinity.
 */
export function numberOf(value: unknown): number | null {
  const isText = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
  const number = isText ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** A text that is `"…"` or `{"en":"…"}`, in the first of `locales` that has one, else in any. */
export function localizedOf(value: unknown, locales: readonly string[]): string | null {
  if (!isObject(value)) return textOf(value)
  for (const locale of locales) {
    const text = textOf(value[locale])
    if (text !== null) return text
  }
  return (
    Object.values(value)
      .map(textOf)
      .find((text) => text !== null) ?? null
  )
}

/** Unix seconds as ISO 8601, or null when they do not denote an instant. */
export function isoOf(value: unknown): string | null {
  const ms = msOf(value)
  return ms === null ? null : new Date(ms).toISOString()
}

/** Unix seconds as epoch milliseconds, or null when they do not denote an instant. */
export function msOf(value: unknown): number | null {
  const seconds = numberOf(value)
  return seconds !== null && seconds >= 0 && seconds <= INSTANT_MAX_SECONDS
    ? Math.round(seconds * 1000)
    : null
}

// The year 9999: what Postgres and ISO 8601 can both write with four digits.
const INSTANT_MAX_SECONDS = 253_402_300_799
