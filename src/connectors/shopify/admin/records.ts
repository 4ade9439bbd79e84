// Converts a product of the Admin API into the form of the public list, so that both become the same
// draft, and keeps what only the owner can see: the state of the product and its barcodes.

import { z } from 'zod'
import { checkValue } from '../../../core/check-value.ts'
import { SyncError } from '../../../core/errors.ts'
import { toInvalidRecord } from '../../../core/invalid-record.ts'
import type { ProductStatus } from '../../../core/product.ts'
import { isObject } from '../../../lib/objects.ts'

const PRODUCT_ID = /^gid:\/\/shopify\/Product\/([1-9]\d*)$/
const VARIANT_ID = /^gid:\/\/shopify\/ProductVariant\/([1-9]\d*)$/
/** A product has at most three options. */
const OPTIONS_MAX = 3
const GRAMS: Readonly<Record<string, number>> = {
  GRAMS: 1,
  KILOGRAMS: 1_000,
  OUNCES: 28.349523125,
  POUNDS: 453.59237,
}

const Text = z.string().nullish()
const Weight = z.object({ unit: Text, value: z.number().nullish() })

const VariantNode = z.object({
  id: z.string().regex(VARIANT_ID, 'is not the id of a variant'),
  title: Text,
  sku: Text,
  barcode: Text,
  price: Text,
  compareAtPrice: Text,
  availableForSale: z.boolean().nullish(),
  position: z.unknown().optional(),
  selectedOptions: z.array(z.object({ name: Text, value: Text })).nullish(),
  inventoryItem: z
    .object({ measurement: z.object({ weight: Weight.nullish() }).nullish() })
    .nullish()
    .catch(null),
})
type VariantNode = z.infer<typeof VariantNode>

const ProductNode = z.object({
  id: z.string().regex(PRODUCT_ID, 'is not the id of a product'),
  handle: Text,
  title: Text,
  descriptionHtml: Text,
  vendor: Text,
  productType: Text,
  tags: z.array(z.string()).nullish(),
  status: Text,
  createdAt: z.unknown().optional(),
  updatedAt: z.unknown().optional(),
  publishedAt: Text,
  options: z.array(z.object({ name: Text, position: z.unknown().optional() })).nullish(),
  variant_nodes: z.array(VariantNode),
  media_nodes: z.array(z.object({ alt: Text, image: z.object({ url: Text }).nullish() })).nullish(),
})
type ProductNode = z.infer<typeof ProductNode>

/** A product in the form of the public list, with `barcode` of its variants and `alt` of its images. */
export interface PublicForm {
  readonly product: Record<string, unknown>
  readonly status: ProductStatus
  readonly warnings: readonly string[]
}

/** True for a record of the Admin API, which names its products by a global id. */
export function isAdminRecord(record: unknown): record is Record<string, unknown> {
  if (!isObject(record)) return false
  const isNamed = typeof record.id === 'string' && record.id.startsWith('gid://')
  return isNamed || record['__typename'] === 'Product' || 'variant_nodes' in record
}

/** Returns the number in the global id, or null without a valid one. */
export function identifyAdmin({ id }: Record<string, unknown>): string | null {
  return typeof id === 'string' ? (PRODUCT_ID.exec(id)?.[1] ?? null) : null
}

/** @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function toPublicForm(record: Record<string, unknown>): PublicForm {
  const id = identifyAdmin(record)
  if (id === null) throw new SyncError('record/no-id', 'The product has no id')
  const { data: node, problems } = checkValue(ProductNode, record)
  if (problems !== null) throw toInvalidRecord(problems[0])
  const warnings: string[] = []
  const options = inOrder(node.options ?? [])
    .slice(0, OPTIONS_MAX)
    .map(({ name }) => ({ name }))
  const product = {
    id,
    handle: node.handle,
    title: node.title,
    body_html: node.descriptionHtml,
    vendor: node.vendor,
    product_type: node.productType,
    tags: node.tags,
    published_at: node.publishedAt,
    created_at: node.createdAt,
    updated_at: node.updatedAt,
    options,
    variants: inOrder(node.variant_nodes).map((variant) => toVariant(variant, options)),
    images: (node.media_nodes ?? []).flatMap(({ alt, image }) =>
      image?.url ? [{ src: image.url, alt }] : [],
    ),
  }
  return { product, status: statusOf(node, warnings), warnings }
}

function toVariant(
  variant: VariantNode,
  options: readonly { readonly name?: string | null | undefined }[],
): Record<string, unknown> {
  const values = new Map(variant.selectedOptions?.map(({ name, value }) => [name, value]))
  const [option1, option2, option3] = options.map(({ name }) => values.get(name) ?? null)
  const weight = variant.inventoryItem?.measurement?.weight
  const grams = (weight?.value ?? 0) * (GRAMS[weight?.unit ?? ''] ?? 0)
  return {
    id: VARIANT_ID.exec(variant.id)?.[1],
    title: variant.title,
    option1,
    option2,
    option3,
    sku: variant.sku,
    barcode: variant.barcode,
    available: variant.availableForSale,
    price: variant.price,
    compare_at_price: variant.compareAtPrice,
    grams: Math.round(grams),
  }
}

/** The lines of a file need not be in the order that the shop shows. */
function inOrder<Node extends { readonly position?: unknown }>(nodes: readonly Node[]): Node[] {
  const positionOf = ({ position }: Node): number =>
    typeof position === 'number' ? position : Number.MAX_SAFE_INTEGER
  return nodes.toSorted((a, b) => positionOf(a) - positionOf(b))
}

function statusOf({ status, publishedAt }: ProductNode, warnings: string[]): ProductStatus {
  if (status === 'ARCHIVED') return 'unavailable'
  if (status === 'ACTIVE') {
    if (publishedAt != null && publishedAt !== '') return 'active'
    warnings.push('Not published in the online store: it counts as a draft')
    return 'draft'
  }
  if (status !== 'DRAFT' && status !== 'UNLISTED')
    warnings.push('The product has an unknown state: it counts as a draft')
  return 'draft'
}
