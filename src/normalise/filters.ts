// The filters of a source: values of the fields of a product, with `*` for any text.

import { listTexts } from '../core/json.ts'
import type { Draft } from '../core/product.ts'
import type { FilterFields, Filters } from '../core/source-options.ts'

type Field = keyof FilterFields

/** Returns the reason why the filters leave a product out, or null if they keep it. */
export type ProductFilter = (draft: Draft) => string | null

/** Prepares the filters; returns null if they keep every product. */
export function createFilter({ include, exclude }: Filters): ProductFilter | null {
  const wanted = toMatchers(include)
  const unwanted = toMatchers(exclude)
  if (wanted.length + unwanted.length === 0) return null
  return (draft) => {
    for (const { field, find } of unwanted) {
      const value = find(valuesOf(draft, field))
      if (value !== null) return `${field} ${JSON.stringify(value)} is excluded`
    }
    const missed = wanted.find(({ field, find }) => find(valuesOf(draft, field)) === null)
    return missed === undefined ? null : `its ${missed.field} is not included`
  }
}

interface Matcher {
  readonly field: Field
  /** Returns the first value that matches one of the patterns, or null. */
  find(values: readonly string[]): string | null
}

function toMatchers(fields: FilterFields): Matcher[] {
  return Object.entries(fields).flatMap(([field, patterns]): Matcher[] => {
    if (patterns === undefined) return []
    const tests = patterns.map(toTest)
    return [
      {
        field: field as Field,
        find: (values) => values.find((value) => tests.some((test) => test(fold(value)))) ?? null,
      },
    ]
  })
}

/** Matches the parts between the stars from left to right, in linear time. */
function toTest(pattern: string): (value: string) => boolean {
  const [first = '', ...rest] = fold(pattern).split('*')
  const last = rest.pop()
  if (last === undefined) return (value) => value === first
  return (value) => {
    if (!value.startsWith(first) || value.length < first.length + last.length) return false
    let at = first.length
    for (const part of rest) {
      const found = value.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return value.endsWith(last) && at <= value.length - last.length
  }
}

function fold(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase()
}

function valuesOf({ attributes, title, brand, terms }: Draft, field: Field): readonly string[] {
  switch (field) {
    case 'type':
      return listTexts(attributes['product_type'])
    case 'tag':
      return listTexts(attributes['tags'])
    case 'title':
      return listTexts(title)
    case 'vendor':
      return listTexts(brand)
    case 'category':
      return terms.flatMap(({ kind, name }) => (kind === 'category' ? [name] : []))
    case 'kind':
      return kindsOf(attributes)
  }
}

/** `coffee` and `other` stand for all kinds of each. A product of an unknown kind has none. */
function kindsOf({ kind, is_coffee: isCoffee }: Draft['attributes']): string[] {
  const group = isCoffee === true ? ['coffee'] : isCoffee === false ? ['other'] : ['unknown']
  return [...listTexts(kind), ...group]
}
