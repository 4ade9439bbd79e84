// Text that Postgres can store. JSON and JavaScript strings allow U+0000 and half a surrogate pair,
// but text columns and jsonb do not; they become U+FFFD.

/** Returns `text`, or a copy with the characters replaced that Postgres cannot store. */
export function toStorableText(text: string): string {
  return text.isWellFormed() && !text.includes('\0')
    ? text
    : text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** Like `toStorableText`, for the strings and member names of a JSON document. */
export function toStorableJson(json: string): string {
  return /\\u(?:0000|d[89a-f])/i.test(json)
    ? JSON.stringify(mapTexts(JSON.parse(json), toStorableText))
    : json
}

/**
 * Returns a copy of a JSON value with every string and member name mapped.
 *
 * @throws RangeError when it is nested too deeply
 */
export function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((element) => mapTexts(element, map))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [map(key), mapTexts(member, map)]),
  )
}
