// Text as Postgres can hold it. U+0000 and half a surrogate pair are legal in JSON and in
// JavaScript's strings, and in no text column and no jsonb: they become U+FFFD.

/** The text, or a copy in which what Postgres cannot hold is replaced. */
export function storableText(text: string): string {
  return text.isWellFormed() && !text.includes('\0')
    ? text
    : text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** The same for a whole document, as JSON in and out. */
export function storableJson(json: string): string {
  return /\\u(?:0000|d[89a-f])/i.test(json)
    ? JSON.stringify(mapTexts(JSON.parse(json), storableText))
    : json
}

/**
 * A copy of any JSON with every string and every member's name mapped. @throws RangeError when it
 * is nested too deeply
 */
export function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((element) => mapTexts(element, map))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [map(key), mapTexts(member, map)]),
  )
}
