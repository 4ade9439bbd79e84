// The members of a product of `/products.json` that the connector reads. The schema describes them
// and names the first fault of a record; the guards below accept the same records and copy nothing.
// Members that the connector does not read may have any value.

import { z } from 'zod'
import { checkValue, type Problem } from '../../core/check-value.ts'
import { isObject } from '../../lib/objects.ts'

const ID = /^[1-9]\d*$/

const Text = z.string().nullish()
/**
 * Currently up to 14 digits. Above 2^53 a parsed number may differ from the one that was sent, and
 * could be another product's id.
 */
const Id = z.union([z.int().positive(), z.string().regex(ID)])

const VariantRecord = z.object({
  id: Id,
  title: Text,
  option1: Text,
  option2: Text,
  option3: Text,
  sku: Text,
  available: z.boolean().nullish(),
  price: Text,
  compare_at_price: Text,
  grams: z.unknown().optional(),
  /** Only in records of the Admin API, as well as `alt` of an image. */
  barcode: z.unknown().optional(),
})
export type VariantRecord = z.infer<typeof VariantRecord>

export const ProductRecord = z.object({
  id: Id,
  title: Text,
  handle: Text,
  body_html: Text,
  vendor: Text,
  product_type: Text,
  tags: z.array(z.string()).nullish(),
  published_at: z.unknown().optional(),
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
  variants: z.array(VariantRecord),
  images: z.array(z.object({ src: Text, alt: z.unknown().optional() })).nullish(),
  options: z.array(z.object({ name: Text, position: z.unknown().optional() })).nullish(),
})
export type ProductRecord = z.infer<typeof ProductRecord>

/** Returns the id exactly as it was sent, or null when it is not valid. */
export function readId(id: unknown): string | null {
  return isId(id) ? String(id) : null
}

/** True for a record that `ProductRecord` accepts. */
export function isProductRecord(record: unknown): record is ProductRecord {
  return (
    isObject(record) &&
    isId(record.id) &&
    isText(record.title) &&
    isText(record.handle) &&
    isText(record.body_html) &&
    isText(record.vendor) &&
    isText(record.product_type) &&
    isListOrAbsent(record.tags, isString) &&
    isList(record.variants, isVariantRecord) &&
    isListOrAbsent(record.images, isImageRecord) &&
    isListOrAbsent(record.options, isOptionRecord)
  )
}

/** Returns the place and the description of the first fault of a record, or null without one. */
export function findFault(record: unknown): Problem | null {
  return checkValue(ProductRecord, record).problems?.[0] ?? null
}

function isVariantRecord(variant: unknown): boolean {
  return (
    isObject(variant) &&
    isId(variant.id) &&
    isText(variant.title) &&
    isText(variant.option1) &&
    isText(variant.option2) &&
    isText(variant.option3) &&
    isText(variant.sku) &&
    isFlag(variant.available) &&
    isText(variant.price) &&
    isText(variant.compare_at_price)
  )
}

function isImageRecord(image: unknown): boolean {
  return isObject(image) && isText(image.src)
}

function isOptionRecord(option: unknown): boolean {
  return isObject(option) && isText(option.name)
}

function isId(id: unknown): id is number | string {
  return typeof id === 'number' ? Number.isSafeInteger(id) && id > 0 : isString(id) && ID.test(id)
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string'
}

function isFlag(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'boolean'
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isListOrAbsent(list: unknown, isElement: (element: unknown) => boolean): boolean {
  return list === undefined || list === null || isList(list, isElement)
}

function isList(list: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(isElement)
}
