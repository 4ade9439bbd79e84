// Products of the catalogue in the form of the Universal Commerce Protocol.

import type {
  CatalogueImage,
  CataloguePrice,
  CatalogueProduct,
  CatalogueVariant,
} from '../../db/read/catalogue-products.ts'
import type { UcpProduct, UcpVariant } from './ucp-schemas.ts'

/** The types that a shopper pays come before those between companies. */
const SHOWN_TYPES = ['public', 'list']
const IMAGES_MAX = 10
/** The protocol's name for categories that belong to no public taxonomy. */
const SUPPLIERS_TAXONOMY = 'merchant'

type Money = UcpVariant['price']

export interface TextLimits {
  /** Longer descriptions are cut, so that a page fits into the context of a model. */
  readonly descriptionChars: number
}

/** Unique in the catalogue: the product's id, and the supplier's id of the variant. */
export function toVariantId(product: CatalogueProduct, variant: CatalogueVariant): string {
  return `${product.id}:${variant.id}`
}

/** Splits the id of a product or of a variant. Returns null for any other text. */
export function parseId(
  id: string,
): { readonly product: string; readonly variant: string | null } | null {
  const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?::(.+))?$/is.exec(id)
  return match ? { product: (match[1] ?? '').toLowerCase(), variant: match[2] ?? null } : null
}

/** Returns null for a product without a variant that has a price: the protocol requires one. */
export function toUcpProduct(
  product: CatalogueProduct,
  variants: readonly CatalogueVariant[],
  { descriptionChars }: TextLimits,
): UcpProduct | null {
  const shown = variants.flatMap((variant) => toUcpVariant(product, variant) ?? [])
  const [featured] = shown
  if (!featured) return null
  const { id, title, brand, manufacturer, description, url, images } = product
  const maker = brand ?? manufacturer
  const options = listOptions(variants)
  const categories = listCategories(product)
  const lists = shown.flatMap(({ list_price }) => list_price ?? [])
  const listRange = toRange(lists, featured.price.currency)
  return {
    id,
    title: title ?? product.product,
    ...(maker !== null && { brand: maker }),
    description: { plain: cut(description ?? '', descriptionChars) },
    ...(isWebAddress(url) && { url }),
    ...(categories.length > 0 && { categories }),
    price_range: toRange(
      shown.map(({ price }) => price),
      featured.price.currency,
    ) ?? {
      min: featured.price,
      max: featured.price,
    },
    ...(listRange && { list_price_range: listRange }),
    ...(images.length > 0 && { media: images.slice(0, IMAGES_MAX).map(toMedia) }),
    ...(options.length > 0 && { options }),
    variants: shown,
    metadata: {
      source: product.source,
      external_id: product.product,
      status: product.status,
      changed_at: product.changedAt.toISOString(),
    },
  }
}

function toUcpVariant(product: CatalogueProduct, variant: CatalogueVariant): UcpVariant | null {
  const price = choosePrice(variant.prices)
  const money = toUcpPrice(variant)
  if (!price || !money) return null
  const listPrice =
    price.compareAtMinor === null ? null : toMoney(price.compareAtMinor, price.currency)
  const { sku, gtin, availability } = variant
  const title = variant.title ?? product.title ?? product.product
  const options = toSelected(variant)
  return {
    id: toVariantId(product, variant),
    ...(sku !== null && { sku }),
    ...(gtin !== null && { barcodes: [{ type: 'GTIN', value: gtin }] }),
    title,
    description: { plain: title },
    price: money,
    ...(listPrice && { list_price: listPrice }),
    ...(availability !== null && {
      availability: { available: isAvailable(variant), status: availability },
    }),
    ...(options.length > 0 && { options }),
    seller: { name: product.source },
  }
}

export function isAvailable({ availability }: Pick<CatalogueVariant, 'availability'>): boolean {
  return availability === 'in_stock' || availability === 'preorder'
}

export function toSelected({ options }: Pick<CatalogueVariant, 'options'>) {
  return Object.entries(options).map(([name, value]) => ({ name, label: String(value) }))
}

/** The price that the protocol shows. Null without one. */
export function toUcpPrice({ prices }: Pick<CatalogueVariant, 'prices'>): Money | null {
  const price = choosePrice(prices)
  return price ? toMoney(price.minor, price.currency) : null
}

function choosePrice(prices: readonly CataloguePrice[]): CataloguePrice | undefined {
  const shown = SHOWN_TYPES.flatMap((type) => prices.find((price) => price.type === type) ?? [])
  return shown[0] ?? prices[0]
}

/** Null for an amount that JSON readers cannot represent. */
function toMoney(minor: string, currency: string): Money | null {
  const amount = Number(minor)
  return Number.isSafeInteger(amount) ? { amount, currency } : null
}

/** The lowest and the highest of the prices in this currency. */
function toRange(prices: readonly Money[], currency: string): UcpProduct['price_range'] | null {
  const sorted = prices
    .filter((price) => price.currency === currency)
    .toSorted((a, b) => a.amount - b.amount)
  const [min, max] = [sorted[0], sorted.at(-1)]
  return min && max ? { min, max } : null
}

/** The protocol matches its filter `categories` with these values, so they are ids and not names. */
function listCategories({ attributes }: CatalogueProduct) {
  const ids = attributes['category_ids']
  return Array.isArray(ids)
    ? ids.map((id) => ({ value: String(id), taxonomy: SUPPLIERS_TAXONOMY }))
    : []
}

function listOptions(variants: readonly CatalogueVariant[]) {
  const labels = new Map<string, Set<string>>()
  for (const { name, label } of variants.flatMap(toSelected))
    labels.set(name, (labels.get(name) ?? new Set<string>()).add(label))
  return Array.from(labels, ([name, values]) => ({
    name,
    values: Array.from(values, (label) => ({ label })),
  }))
}

function toMedia({ url, copyUrl, alt, width, height }: CatalogueImage) {
  return {
    type: 'image' as const,
    url: copyUrl ?? url,
    ...(alt !== null && { alt_text: alt }),
    ...(width !== null && { width }),
    ...(height !== null && { height }),
  }
}

function isWebAddress(url: string | null): url is string {
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url)
}

function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`
}
