// Converts a MediPim product into a draft. It runs for every changed record, so it reads single
// members instead of validating the whole record against a schema. An absent, null or empty value
// is left out, an unexpected one adds a warning, and only an unusable id or price throws.

import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Draft, Price, ProductStatus } from '../../core/product.ts'
import { gtinOf, identifiersOf } from './identifiers.ts'
import type { Market } from './market.ts'
import { gramsOf, millimetresOf } from './units.ts'
import { imagesOf, leafletsOf, websiteOf } from './media.ts'
import { termsOf } from './terms.ts'
import { isTouchedAt } from './touched-at.ts'
import { isObject, listObjects, type Members } from '../../lib/objects.ts'
import { idOf, isoOf, localizedOf, msOf, numberOf, textOf } from './values.ts'

const STATUSES = new Map<unknown, ProductStatus>([
  ['active', 'active'],
  ['inactive', 'unavailable'],
  ['replaced', 'unavailable'],
  ['no_selection', 'draft'],
])

/** The largest value of the catalogue's int4 column. */
const PACK_COUNT_MAX = 2 ** 31 - 1

/**
 * In cents. The public price includes VAT, the others do not: see the FAQ of
 * https://platform.au.medipim.com/docs/api/v4/
 */
const PRICES = [
  ['publicPrice', 'public'],
  ['manufacturerPrice', 'manufacturer'],
  ['pharmacistPrice', 'pharmacist'],
] as const

/**
 * Returns the record in a line: `{"result":{…}}`, or `{"results":[{…}]}`, which was observed as
 * well. @throws SyncError `record/invalid`
 */
export function unwrap(line: unknown): unknown {
  if (!isObject(line)) throw invalid('$', 'an object', line)
  const inner = line.result ?? line.results
  const record: unknown = Array.isArray(inner) && inner.length === 1 ? inner[0] : inner
  if (!isObject(record))
    throw invalid(
      'result' in line || !('results' in line) ? '$.result' : '$.results',
      'one product',
      record,
    )
  return record
}

/** Returns the id of a record, or null when it has no usable one. */
export function readId(record: unknown): string | null {
  return isObject(record) ? idOf(record.id) : null
}

/** Pure. @throws SyncError `record/invalid` · `record/no-id` */
export function normalise(record: unknown, { currency, locales }: Market): Draft {
  if (!isObject(record)) throw invalid('$', 'an object', record)
  const externalId = readId(record)
  if (externalId === null) {
    throw new SyncError(
      'record/no-id',
      `The product has no usable id at $.id: ${typeName(record.id)}`,
      { detail: { path: '$.id' } },
    )
  }
  const warnings: string[] = []
  const times = isObject(record.meta) ? record.meta : {}
  const identifiers = identifiersOf(record, warnings)
  return {
    externalId,
    status: statusOf(record.status, warnings),
    title: localizedOf(record.name, locales),
    description: descriptionOf(record.descriptions, locales),
    brand: firstName(listObjects(record.brands), locales),
    manufacturer: firstName(listObjects(record.organizations).filter(isMaker), locales),
    url: websiteOf(record.links),
    identifiers,
    attributes: attributesOf(record, times, locales, warnings),
    sourceUpdatedAtMs: touchedAtOf(times.updatedAt, warnings),
    successorId: idOf(record.replacement),
    expiresAtMs: null,
    variants: [
      {
        externalId,
        title: null,
        sku: idOf(record.supplierReference),
        gtin: gtinOf(identifiers),
        options: {},
        weightGrams: gramsOf(record.weightWithUnit, record.weight, warnings),
        packCount: packCountOf(record.packageQuantity, warnings),
        availability: null,
      },
    ],
    prices: pricesOf(record, externalId, currency, warnings),
    disagreements: [],
    images: imagesOf(record),
    terms: termsOf(record, locales),
    provenance: {},
    warnings,
  }
}

function statusOf(status: unknown, warnings: string[]): ProductStatus {
  const known = STATUSES.get(status)
  if (known !== undefined) return known
  warnings.push(
    `status: ${typeof status === 'string' ? `"${status}"` : typeName(status)} is unknown: the product counts as a draft`,
  )
  return 'draft'
}

function touchedAtOf(seconds: unknown, warnings: string[]): number | null {
  if (seconds === undefined || seconds === null || seconds === '') return null
  const epochMs = msOf(seconds)
  if (epochMs !== null && isTouchedAt(epochMs)) return epochMs
  warnings.push('meta.updatedAt: not a time in unix seconds; it counts as unknown')
  return null
}

/**
 * Returns the full description as unchanged HTML, in the preferred language that any of them has.
 */
function descriptionOf(descriptions: unknown, locales: readonly string[]): string | null {
  const full = listObjects(descriptions).filter(({ type }) => type === 'full_description')
  for (const locale of locales) {
    for (const { content } of full) {
      const text = isObject(content) ? textOf(content[locale]) : null
      if (text !== null) return text
    }
  }
  return (
    full.map(({ content }) => localizedOf(content, locales)).find((text) => text !== null) ?? null
  )
}

function isMaker({ type }: Members): boolean {
  return type === 'supplier' || type === 'marketing'
}

function firstName(items: readonly Members[], locales: readonly string[]): string | null {
  for (const { name } of items) {
    const text = localizedOf(name, locales)
    if (text !== null) return text
  }
  return null
}

function packCountOf(quantity: unknown, warnings: string[]): number | null {
  const count = numberOf(quantity)
  if (count !== null && Number.isInteger(count) && count > 0 && count <= PACK_COUNT_MAX)
    return count
  const isStated = quantity !== undefined && quantity !== null && quantity !== ''
  if (isStated)
    warnings.push('packageQuantity: not a whole number from 1 to 2,147,483,647, left out')
  return null
}

function pricesOf(
  record: Members,
  variantId: string,
  currency: string,
  warnings: string[],
): Price[] {
  const prices: Price[] = []
  for (const [member, type] of PRICES) {
    const value = record[member]
    if (value === undefined || value === null || value === '') continue
    const isText = typeof value === 'string' && /^\d+$/.test(value)
    const amountMinor = isText ? Number(value) : value
    if (typeof amountMinor !== 'number' || !Number.isSafeInteger(amountMinor) || amountMinor < 0) {
      throw invalid(`$.${member}`, 'a whole number of cents', value)
    }
    if (isText) warnings.push(`${member}: written as a string`)
    prices.push({ variantId, type, amountMinor, currency, compareAtMinor: null })
  }
  return prices
}

/** Values without a separate column. Descriptions other than the full one stay in raw. */
function attributesOf(
  record: Members,
  times: Members,
  locales: readonly string[],
  warnings: string[],
): Record<string, Json> {
  const attributes: Record<string, Json> = {}
  put(attributes, 'supplier_status', textOf(record.status))
  put(attributes, 'vat_rate', numberOf(record.vat))
  put(attributes, 'conservation', textOf(record.conservation))
  put(attributes, 'conservation_min_celsius', celsiusOf(record.conservationMin))
  put(attributes, 'conservation_max_celsius', celsiusOf(record.conservationMax))
  put(attributes, 'width_mm', millimetresOf('width', record.widthWithUnit, record.width, warnings))
  put(
    attributes,
    'length_mm',
    millimetresOf('length', record.lengthWithUnit, record.length, warnings),
  )
  put(attributes, 'depth_mm', millimetresOf('depth', record.depthWithUnit, record.depth, warnings))
  put(attributes, 'package_content', idOf(record.packageContent))
  put(attributes, 'packaging_unit', textOf(record.packagingUnit))
  put(attributes, 'requires_legal_text', booleanOf(record.requiresLegalText))
  put(attributes, 'biocide', booleanOf(record.biocide))
  put(attributes, 'category_ids', idsOf(record.publicCategories))
  put(attributes, 'brand_ids', idsOf(record.brands))
  put(attributes, 'organization_ids', idsOf(record.organizations))
  put(attributes, 'active_ingredients', namedOf(record.activeIngredients, locales))
  put(attributes, 'product_families', namedOf(record.productFamilies, locales))
  put(attributes, 'characteristics', characteristicsOf(record.attributes, locales))
  put(attributes, 'leaflets', leafletsOf(record.leaflets, locales))
  put(attributes, 'official_deletion_at', isoOf(record.officialDeletionAt))
  put(attributes, 'created_at', isoOf(times.createdAt))
  return attributes
}

/** Sets a member unless the value is null or an empty list. */
function put(attributes: Record<string, Json>, name: string, value: Json): void {
  if (value !== null && !(Array.isArray(value) && value.length === 0)) attributes[name] = value
}

function booleanOf(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null
}

function celsiusOf(temperature: unknown): number | null {
  return isObject(temperature) && isObject(temperature.celsius)
    ? numberOf(temperature.celsius.value)
    : null
}

function idsOf(list: unknown): string[] {
  const ids: string[] = []
  for (const item of listObjects(list)) {
    const id = idOf(item.id)
    if (id !== null) ids.push(id)
  }
  return ids
}

function namedOf(list: unknown, locales: readonly string[]): Json[] {
  return listObjects(list).map(({ id, name }) => ({
    id: idOf(id),
    name: localizedOf(name, locales),
  }))
}

/** `attributes[]`: names by type, `{"type":"galenic_shape","name":"Capsule"}`. */
function characteristicsOf(list: unknown, locales: readonly string[]): Json[] {
  return listObjects(list).map(({ type, name }) => ({
    type: textOf(type),
    name: localizedOf(name, locales),
  }))
}

function invalid(path: string, expected: string, value: unknown): SyncError {
  const actual = typeof value === 'number' ? `the number ${value}` : typeName(value)
  const detail = { path, type: typeName(value) }
  return new SyncError('record/invalid', `${path} is ${actual} where ${expected} is expected`, {
    detail,
  })
}

function typeName(value: unknown): string {
  if (value === undefined) return 'absent'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
