// The members of a product of the Store API that the connector reads. Older shops lack some of them,
// and other members may have any value.

import { z } from 'zod'
import { checkValue } from '../../core/check-value.ts'
import { SyncError } from '../../core/errors.ts'
import { toInvalidRecord } from '../../core/invalid-record.ts'
import { isObject } from '../../lib/objects.ts'

const Text = z.string().nullish()
/**
 * Above 2^53 a parsed number may differ from the one that was sent, and could be another product's
 * id.
 */
export const Id = z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)])
/** Most plugins send a flag or nothing. */
const Flag = z.boolean().nullish()

const Prices = z.object({
  price: Text,
  regular_price: Text,
  currency_code: Text,
  /** The number of decimals that the shop is set to, which is not that of the currency. */
  currency_minor_unit: z.int().min(0).max(8).nullish(),
})
export type Prices = z.infer<typeof Prices>

const Option = z.object({ name: Text, value: Text })
const Term = z.object({ id: z.unknown().optional(), name: Text, slug: Text })
export type Term = z.infer<typeof Term>

const Attribute = z.object({
  name: Text,
  taxonomy: Text,
  has_variations: Flag,
  terms: z.array(Term).nullish(),
})
export type Attribute = z.infer<typeof Attribute>

const Stub = z.object({ id: Id, attributes: z.array(Option).nullish() })
export type Stub = z.infer<typeof Stub>

const Sold = {
  id: Id,
  sku: Text,
  on_sale: Flag,
  prices: Prices.nullish(),
  is_in_stock: Flag,
  is_on_backorder: Flag,
}

const VariationRecord = z.object({
  ...Sold,
  /** `Size: 250g, Grind: Whole`. */
  variation: Text,
  attributes: z.unknown().optional(),
})
export type VariationRecord = z.infer<typeof VariationRecord>
export type SoldRecord = Omit<VariationRecord, 'variation' | 'attributes'>

export const ProductRecord = z.object({
  ...Sold,
  name: Text,
  slug: Text,
  type: Text,
  permalink: Text,
  description: Text,
  short_description: Text,
  formatted_weight: Text,
  is_purchasable: Flag,
  images: z.array(z.object({ src: Text, alt: Text })).nullish(),
  categories: z.array(Term).nullish(),
  tags: z.array(Term).nullish(),
  brands: z.array(Term).nullish(),
  attributes: z.array(Attribute).nullish(),
  variations: z.array(Stub).nullish(),
  /** Added by the connector. */
  variation_products: z.array(VariationRecord).nullish(),
})
export type ProductRecord = z.infer<typeof ProductRecord>

/** Returns the id exactly as it was sent, or null when it is not valid. */
export function readId(id: unknown): string | null {
  const { data } = Id.safeParse(id)
  return data === undefined ? null : String(data)
}

/**
 * Returns a record with the members of `schema`.
 *
 * @throws SyncError `record/no-id` · `record/invalid` with the path of the first error
 */
export function checkRecord<Row>(schema: z.ZodType<Row>, record: unknown): Row {
  if (!isObject(record) || record.id === undefined || record.id === null)
    throw new SyncError('record/no-id', 'The product has no id')
  const { data, problems } = checkValue(schema, record)
  if (problems !== null) throw toInvalidRecord(problems[0])
  return data
}
