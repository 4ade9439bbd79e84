// Dates until which a price is valid. Shops write a date that moves every day, so the evidence only
// says whether it is past: it changes once.

import type { Item, Value } from './evidence.ts'

const DATES = ['pricevaliduntil', 'validthrough']

/** Returns the item with `expired` in the place of dates. `readAtMs` null: no date is past. */
export function withExpiry(item: Item, readAtMs: number | null): Item {
  const properties: Record<string, readonly Value[]> = {}
  let isExpired = false
  for (const [name, values] of Object.entries(item.properties))
    if (!DATES.includes(name))
      properties[name] = values.map((value) =>
        typeof value === 'object' ? withExpiry(value, readAtMs) : value,
      )
    else isExpired ||= values.some((date) => readAtMs !== null && isPast(date, readAtMs))
  if (isExpired) properties.expired = [true]
  return { ...item, properties }
}

/** A date without a time lasts until its end in every time zone. */
function isPast(date: Value, readAtMs: number): boolean {
  if (typeof date !== 'string' || !/^\d{4}-\d\d-\d\d/.test(date)) return false
  const isDay = date.length === 10
  const endMs = Date.parse(date) + (isDay ? 36 * 3_600_000 : 0)
  return endMs < readAtMs
}
