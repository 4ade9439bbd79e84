// Reads the properties of items.

import { htmlToText } from '../../normalise/html/html-to-text.ts'
import type { Item, Value } from './evidence.ts'

export const NO_VALUES: readonly Value[] = []

export function valuesOf({ properties }: Item, ...names: readonly string[]): readonly Value[] {
  return names.flatMap((name) =>
    Object.hasOwn(properties, name) ? (properties[name] ?? NO_VALUES) : NO_VALUES,
  )
}

/** Returns the items among the values of the properties. */
export function itemsOf(item: Item, ...names: readonly string[]): Item[] {
  return valuesOf(item, ...names).filter((value) => typeof value === 'object')
}

/** Returns the texts and numbers among the values, as they are written. */
export function textsOf(item: Item, ...names: readonly string[]): string[] {
  return valuesOf(item, ...names).flatMap((value) =>
    typeof value === 'string' || typeof value === 'number' ? [String(value)] : [],
  )
}

export function firstText(item: Item, ...names: readonly string[]): string | null {
  return textsOf(item, ...names)[0] ?? null
}

export function hasType({ types }: Item, expected: ReadonlySet<string>): boolean {
  return types.some((type) => expected.has(type))
}

/** Returns a name as a reader sees it, or null. Texts in JSON-LD have entities, decoded here once. */
export function toName(text: string | null, isEncoded: boolean): string | null {
  if (text === null) return null
  const plain = isEncoded && /&#?\w+;|<\/?[a-z]/i.test(text) ? htmlToText(text) : text
  const words = plain.replaceAll(/\s+/g, ' ').trim()
  return words === '' ? null : words
}

/** Returns the item with other values of one property. */
export function withValues(item: Item, name: string, values: readonly Value[]): Item {
  return { ...item, properties: { ...item.properties, [name]: values } }
}
