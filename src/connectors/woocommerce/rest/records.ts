// Converts a product of the REST API into the form of the Store API, so that both become the same
// draft, and keeps its state, which only the owner can see.

import { z } from 'zod'
import type { ProductStatus } from '../../../core/product.ts'
import { isObject } from '../../../lib/objects.ts'
import { checkRecord, Id } from '../records.ts'

/** Members that are requested. Others, such as `meta_data`, are large, change often or are private. */
const SOLD_FIELDS = 'id,sku,price,regular_price,on_sale,stock_status,status,attributes'
export const VARIATION_FIELDS = `${SOLD_FIELDS},date_modified_gmt`
export const PRODUCT_FIELDS = `${VARIATION_FIELDS},name,slug,permalink,type,catalog_visibility,description,short_description,weight,images,categories,tags,brands,variations`

/** The members that are added to a record. */
export const FACTS_MEMBER = 'shop_facts'

const Text = z.string().nullish()
const Sold = {
  id: Id,
  sku: Text,
  price: Text,
  regular_price: Text,
  on_sale: z.boolean().nullish(),
  stock_status: Text,
  status: Text,
}
const VariationNode = z.object({
  ...Sold,
  attributes: z.array(z.object({ name: Text, option: Text })).nullish(),
})
type VariationNode = z.infer<typeof VariationNode>

const ProductNode = z.object({
  ...Sold,
  name: Text,
  slug: Text,
  permalink: Text,
  type: Text,
  catalog_visibility: Text,
  description: Text,
  short_description: Text,
  weight: Text,
  images: z.array(z.object({ src: Text, alt: Text })).nullish(),
  categories: z.unknown().optional(),
  tags: z.unknown().optional(),
  brands: z.unknown().optional(),
  attributes: z
    .array(
      z.object({
        name: Text,
        visible: z.boolean().nullish(),
        variation: z.boolean().nullish(),
        options: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
  variations: z.array(Id).nullish(),
  variation_products: z.array(VariationNode).nullish(),
  shop_facts: z.object({ currency: Text, weightUnit: Text }).nullish(),
})
type ProductNode = z.infer<typeof ProductNode>

/** A product in the form of the Store API. */
export interface StoreForm {
  readonly product: Record<string, unknown>
  readonly status: ProductStatus
  readonly warnings: readonly string[]
}

/** True for a record of the REST API, whose prices are its own members. */
export function isRestRecord(record: unknown): boolean {
  return isObject(record) && !('prices' in record) && ('price' in record || FACTS_MEMBER in record)
}

/** @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function toStoreForm(record: unknown): StoreForm {
  const node = checkRecord(ProductNode, record)
  const currency = node.shop_facts?.currency ?? null
  // A variation that the owner has switched off is private.
  const isOff = ({ status }: VariationNode): boolean => status === 'private'
  const read = node.variation_products ?? []
  const off = new Set(read.filter(isOff).map(({ id }) => String(id)))
  const shown = read.filter((variation) => !isOff(variation))
  const stubs = (node.variations ?? []).filter((id) => !off.has(String(id)))
  const byId = new Map(shown.map((variation) => [String(variation.id), variation]))
  const warnings: string[] = []
  const product = {
    ...toSold(node, currency),
    name: node.name,
    slug: node.slug,
    type: node.type,
    permalink: node.permalink,
    description: node.description,
    short_description: node.short_description,
    formatted_weight: formatWeight(node),
    images: node.images,
    categories: node.categories,
    tags: node.tags,
    brands: node.brands,
    attributes: toAttributes(node),
    variations: stubs.map((id) => ({ id, attributes: toOptions(byId.get(String(id))) })),
    variation_products: shown.map((variation) => toSold(variation, currency)),
  }
  return { product, status: statusOf(node, warnings), warnings }
}

function toSold(
  { id, sku, on_sale, stock_status, ...stated }: Pick<VariationNode, keyof typeof Sold>,
  currency: string | null,
): Record<string, unknown> {
  const [price, regular] = [stated.price, stated.regular_price].map((text) => text?.trim() ?? '')
  const decimals = Math.max(countDecimals(price ?? ''), countDecimals(regular ?? ''))
  return {
    id,
    sku,
    on_sale,
    prices: {
      price: toDigits(price ?? '', decimals),
      regular_price: toDigits(regular ?? '', decimals),
      currency_code: currency,
      currency_minor_unit: Math.min(decimals, 8),
    },
    is_in_stock: stock_status == null ? null : stock_status !== 'outofstock',
    is_on_backorder: stock_status === 'onbackorder',
  }
}

const DECIMAL = /^(\d+)(?:\.(\d{0,8}))?$/

function countDecimals(text: string): number {
  return DECIMAL.exec(text)?.[2]?.length ?? 0
}

/** `12.5` with two decimals becomes `1250`. Any other text stays, and is then reported. */
function toDigits(text: string, decimals: number): string {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? []
  return whole === undefined ? text : whole + fraction.padEnd(decimals, '0')
}

/** The Store API lists the attributes that visitors see, and those of the variations. */
function toAttributes({ attributes }: ProductNode): unknown[] {
  return (attributes ?? [])
    .filter(({ visible, variation }) => visible !== false || variation === true)
    .map(({ name, options }) => ({
      name,
      terms: (options ?? []).map((option) => ({ name: option })),
    }))
}

function toOptions(variation: VariationNode | undefined): unknown[] {
  return (variation?.attributes ?? []).map(({ name, option }) => ({ name, value: option }))
}

function formatWeight({ weight, shop_facts }: ProductNode): string | null {
  const unit = shop_facts?.weightUnit ?? ''
  return weight == null || weight === '' || unit === '' ? null : `${weight} ${unit}`
}

function statusOf({ status, catalog_visibility }: ProductNode, warnings: string[]): ProductStatus {
  if (status != null && status !== 'publish') return 'draft'
  if (catalog_visibility !== 'hidden' && catalog_visibility !== 'search') return 'active'
  warnings.push('Not shown in the catalogue of the shop: it counts as a draft')
  return 'draft'
}
