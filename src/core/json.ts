// JSON values, for cursors, settings and supplier data.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Returns the text, or the texts of a list. */
export function listTexts(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
