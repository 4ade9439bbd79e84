// The REST API (wc/v3) of a simulated shop, for requests with its keys. Facts that differ between
// hosts are options.

import type { IncomingMessage } from 'node:http'
import type { WooProduct } from './product.ts'
import type { Content } from './responses.ts'
import type { Shop } from './shop.ts'

export interface RestSwitches {
  /** `consumer key:consumer secret`; null: the shop has no keys. */
  readonly keys?: string | null
  /** The web server removes the header `Authorization`. */
  readonly removesHeader?: boolean
  /** The key may not read settings. */
  readonly hidesSettings?: boolean
  /** The side of tax on which prices are stored and shown; null: the shop calculates no tax. */
  readonly tax?: { readonly stored: 'incl' | 'excl'; readonly shown: 'incl' | 'excl' } | null
  /** Versions before 5.8 ignore it. */
  readonly knowsModifiedAfter?: boolean
}

export const REST_DEFAULTS = {
  keys: null,
  removesHeader: false,
  hidesSettings: false,
  tax: null,
  knowsModifiedAfter: true,
} as const satisfies Required<RestSwitches>

export interface RestRequest {
  /** After `wc/v3/`. */
  readonly route: string
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly switches: Required<RestSwitches>
  readonly shop: Shop
}

/** Returns a page of a list, with its headers. */
export type ToPage = (all: readonly object[]) => Content

export function respondRest(asked: RestRequest, toPage: ToPage): Content {
  const { route, query, switches, shop } = asked
  if (!isAllowed(asked)) return refuse(401, 'woocommerce_rest_cannot_view')
  const group = /^settings\/(general|tax|products)$/.exec(route)?.[1]
  if (group !== undefined) {
    if (switches.hidesSettings) return refuse(403, 'woocommerce_rest_cannot_view')
    return { body: listSettings(group, switches, shop.products()[0]) }
  }
  const parent = /^products\/(\d+)\/variations$/.exec(route)?.[1]
  if (parent !== undefined) {
    const own = shop.variations().filter((one) => String(one.parent) === parent)
    return toPage(own.map((one) => pick(toVariation(one, shop), query)))
  }
  if (route !== 'products') return refuse(404, 'rest_no_route')
  const included = query.has('include') ? new Set(query.get('include')?.split(',')) : null
  const after = query.get('modified_after')
  const afterMs = after === null || !switches.knowsModifiedAfter ? 0 : Date.parse(`${after}Z`)
  const all = shop
    .products()
    .filter(({ id }) => included === null || included.has(String(id)))
    .filter(({ id }) => shop.modifiedAtMs(id) > afterMs)
  return toPage(all.map((product) => pick(toRest(product, shop), query)))
}

function isAllowed({ query, request, switches: { keys, removesHeader } }: RestRequest): boolean {
  if (keys === null) return false
  const header = removesHeader ? undefined : request.headers.authorization
  const given = `${query.get('consumer_key')}:${query.get('consumer_secret')}`
  return header === `Basic ${Buffer.from(keys).toString('base64')}` || given === keys
}

function refuse(status: number, code: string): Content {
  return { status, body: { code, message: 'Sorry.', data: { status } } }
}

function listSettings(
  group: string,
  { tax }: Required<RestSwitches>,
  product: WooProduct | undefined,
): object[] {
  const yes = (is: boolean): string => (is ? 'yes' : 'no')
  if (group === 'products') return [{ id: 'woocommerce_weight_unit', value: 'kg' }]
  if (group === 'tax')
    return [
      { id: 'woocommerce_prices_include_tax', value: yes(tax?.stored === 'incl') },
      { id: 'woocommerce_tax_display_shop', value: tax?.shown },
    ]
  return [
    { id: 'woocommerce_currency', value: product?.prices.currency_code ?? 'EUR' },
    { id: 'woocommerce_calc_taxes', value: yes(tax !== null) },
  ]
}

/** `_fields`. */
function pick(record: Record<string, unknown>, query: URLSearchParams): object {
  const fields = query.get('_fields')?.split(',')
  if (fields === undefined) return record
  return Object.fromEntries(
    fields.flatMap((name) => (name in record ? [[name, record[name]]] : [])),
  )
}

function toSold(product: WooProduct, shop: Shop): Record<string, unknown> {
  const { id, prices, is_in_stock, is_on_backorder, sku, on_sale } = product
  const stock = is_in_stock ? 'instock' : 'outofstock'
  return {
    id,
    sku,
    on_sale,
    price: toDecimal(prices, 'price'),
    regular_price: toDecimal(prices, 'regular_price'),
    sale_price: on_sale ? toDecimal(prices, 'sale_price') : '',
    stock_status: is_on_backorder ? 'onbackorder' : stock,
    manage_stock: true,
    stock_quantity: is_in_stock ? 3 : 0,
    status: 'publish',
    date_modified_gmt: new Date(shop.modifiedAtMs(id)).toISOString().slice(0, 19),
    meta_data: [{ id: 1, key: '_views', value: String(product.review_count) }],
  }
}

/** Digits in the shop's decimals become `12.50`; no price is an empty text. */
function toDecimal(
  prices: WooProduct['prices'],
  member: 'price' | 'regular_price' | 'sale_price',
): unknown {
  // A broken product has no amounts.
  if (typeof prices !== 'object') return 7
  const decimals = prices.currency_minor_unit
  const digits = prices[member].padStart(decimals + 1, '0')
  if (/^0*$/.test(digits)) return ''
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

function toRest(product: WooProduct, shop: Shop): Record<string, unknown> {
  const { name, slug, permalink, type, description, short_description, weight } = product
  return {
    ...toSold(product, shop),
    name,
    slug,
    permalink,
    type,
    catalog_visibility: 'visible',
    description,
    short_description,
    weight,
    images: product.images,
    categories: product.categories,
    tags: product.tags,
    brands: product.brands,
    attributes: product.attributes.map(({ id, name: label, has_variations, terms }) => ({
      id,
      name: label,
      visible: true,
      variation: has_variations,
      options: terms.map((term) => term.name),
    })),
    variations: product.variations.map((stub) => stub.id),
  }
}

function toVariation(variation: WooProduct, shop: Shop): Record<string, unknown> {
  const parent = shop.products().find(({ id }) => id === variation.parent)
  const stub = parent?.variations.find(({ id }) => id === variation.id)
  const attributes = (stub?.attributes ?? []).flatMap(({ name, value }) => {
    const terms = parent?.attributes.find((one) => one.name === name)?.terms ?? []
    const option = terms.find(({ slug }) => slug === value)?.name
    return option === undefined ? [] : [{ id: 1, name, option }]
  })
  return { ...toSold(variation, shop), attributes }
}
