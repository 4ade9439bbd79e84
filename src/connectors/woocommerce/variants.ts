// The things of a product that can be bought: the product itself, or its variations. A product lists
// its variations with their options, and the variations themselves have the prices and the stock.

import type { Variant } from '../../core/product.ts'
import type { Attribute, ProductRecord, SoldRecord, Stub, VariationRecord } from './records.ts'
import { textOf } from './texts.ts'

/** More attributes are not searched for in the text of a variation. */
const NAMES_MAX = 20

/** One variant with its record; null when the shop lists it but does not send it. */
export interface Sale {
  readonly id: string
  readonly options: Readonly<Record<string, string>>
  readonly record: SoldRecord | null
}

/** Lists the variants of a product in the shop's order, each once. */
export function toSales(product: ProductRecord, warnings: string[]): Sale[] {
  const stubs = product.variations ?? []
  const read = product.variation_products ?? []
  if (stubs.length === 0 && read.length === 0) {
    if (isBundle(product)) {
      warnings.push(`A product of type "${product.type}" is sold by its parts, so it has no price`)
      return [{ id: String(product.id), options: {}, record: { id: product.id } }]
    }
    return [{ id: String(product.id), options: {}, record: product }]
  }
  const labels = new OptionLabels(product.attributes ?? [])
  const records = new Map(read.map((record) => [String(record.id), record]))
  const sales = new Map<string, Sale>()
  const add = (id: string, stub: Stub | null): void => {
    const record = records.get(id) ?? null
    if (!sales.has(id)) sales.set(id, { id, options: optionsOf(stub, record, labels), record })
  }
  for (const stub of stubs) add(String(stub.id), stub)
  for (const id of records.keys()) add(id, null)
  return [...sales.values()]
}

export function toVariant({ id, options, record }: Sale): Variant {
  const title = Object.values(options).join(' / ')
  return {
    externalId: id,
    title: title === '' ? null : title,
    sku: textOf(record?.sku),
    gtin: null,
    options,
    weightGrams: null,
    packCount: null,
    availability: availabilityOf(record),
  }
}

/** A variable product without variations and a group show the lowest price of others. */
function isBundle({ type }: ProductRecord): boolean {
  return type === 'grouped' || (type?.startsWith('variable') ?? false)
}

function availabilityOf(record: SoldRecord | null): Variant['availability'] {
  if (record?.is_on_backorder === true) return 'preorder'
  if (typeof record?.is_in_stock !== 'boolean') return null
  return record.is_in_stock ? 'in_stock' : 'out_of_stock'
}

function optionsOf(
  stub: Stub | null,
  record: VariationRecord | null,
  labels: OptionLabels,
): Record<string, string> {
  // A map, because an option may be called `__proto__` or `constructor`.
  const options = new Map<string, string>()
  for (const { name, value } of stub?.attributes ?? []) {
    const label = labels.nameOf(name ?? '')
    // Without a value, the variation is sold in each of them.
    const text = labels.valueOf(name ?? '', value ?? '')
    if (label !== null && text !== null) options.set(label, text)
  }
  if (options.size === 0 && record !== null) labels.readAll(record.variation ?? '', options)
  return Object.fromEntries(options)
}

/** The names of options and of their values. A variation has the slug of a value: `aero-press`. */
class OptionLabels {
  readonly #names = new Map<string, string>()
  readonly #values = new Map<string, ReadonlyMap<string, string>>()

  constructor(attributes: readonly Attribute[]) {
    for (const { name, taxonomy, terms } of attributes) {
      const label = textOf(name)
      if (label === null) continue
      const values = new Map<string, string>()
      for (const term of terms ?? []) {
        const text = textOf(term.name)
        if (text !== null && term.slug != null) values.set(term.slug, text)
      }
      for (const key of [name, taxonomy]) {
        if (key == null || this.#names.has(key)) continue
        this.#names.set(key, label)
        this.#values.set(key, values)
      }
    }
  }

  nameOf(key: string): string | null {
    return this.#names.get(key) ?? textOf(key)
  }

  valueOf(key: string, value: string): string | null {
    return this.#values.get(key)?.get(value) ?? textOf(value)
  }

  /** Reads `Size: 250g, Grind: Whole, medium`, in which a value may contain a comma. */
  readAll(variation: string, options: Map<string, string>): void {
    const text = textOf(variation)
    if (text === null) return
    const places = [...new Set(this.#names.values())]
      .slice(0, NAMES_MAX)
      .map((name) => ({ name, at: findName(text, name) }))
      .filter(({ at }) => at !== -1)
      .sort((a, b) => a.at - b.at)
    for (const [index, { name, at }] of places.entries()) {
      const end = places[index + 1]?.at ?? text.length
      const value = text
        .slice(at + name.length + 1, end)
        .replace(/,\s*$/, '')
        .trim()
      if (value !== '') options.set(name, value)
    }
  }
}

/** The position of `Name:` at the beginning of the text or after a comma, or -1. */
function findName(text: string, name: string): number {
  if (text.startsWith(`${name}:`)) return 0
  const at = text.indexOf(`, ${name}:`)
  return at === -1 ? -1 : at + 2
}
