// Reads values whose type may differ from the documented one: MediPim's documentation and its
// responses differ in many places.

import { isObject } from '../../lib/objects.ts'

/** Returns the string, or null for a blank string or another type. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}

/** Returns an id as text: MediPim writes product ids as strings and all other ids as integers. */
export function idOf(value: unknown): string | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : textOf(value)
}

/**
 * Returns the number, also when it is written as a string such as `"0.37"`. Returns null for 1e999,
 * which JavaScript reads as infinity.
 */
export function numberOf(value: unknown): number | null {
  const isText = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
  const number = isText ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/**
 * Returns the text of `"…"` or `{"en":"…"}`, in the first of `locales` that has one, otherwise in
 * any.
 */
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

/** Converts unix seconds to ISO 8601. Returns null for a value that is not an instant. */
export function isoOf(value: unknown): string | null {
  const ms = msOf(value)
  return ms === null ? null : new Date(ms).toISOString()
}

/** Converts unix seconds to epoch milliseconds. Returns null for a value that is not an instant. */
export function msOf(value: unknown): number | null {
  const seconds = numberOf(value)
  return seconds !== null && seconds >= 0 && seconds <= INSTANT_MAX_SECONDS
    ? Math.round(seconds * 1000)
    : null
}

// The end of the year 9999, the last that ISO 8601 and Postgres write with four digits.
const INSTANT_MAX_SECONDS = 253_402_300_799
