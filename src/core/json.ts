// JSON values, for cursors, settings and supplier data.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Parses a value that a person writes: JSON, or else text. */
export function parseJsonOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** Returns the text, or the texts of a list. */
export function listTexts(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
