// Generates products in the format of WooCommerce's Store API; the same seed and number give the
// same product. They have the oddities of real shops: entities in names, prices of "0", variations
// as stubs, products with a password.

import { createRandom, type Random } from '../support/random.ts'

interface Prices {
  price: string
  regular_price: string
  sale_price: string
  price_range: null
  currency_code: string
  currency_symbol: string
  currency_minor_unit: number
  currency_decimal_separator: string
  currency_thousand_separator: string
  currency_prefix: string
  currency_suffix: string
}

interface Term {
  id: number
  name: string
  slug: string
}

interface Option {
  name: string
  value: string | null
}

export interface WooProduct {
  id: number
  name: string
  slug: string
  parent: number
  type: string
  variation: string
  permalink: string
  sku: string
  short_description: string
  description: string
  on_sale: boolean
  prices: Prices
  price_html: string
  average_rating: string
  review_count: number
  images: {
    id: number
    src: string
    thumbnail: string
    srcset: string
    sizes: string
    name: string
    alt: string
  }[]
  categories: (Term & { link: string })[]
  tags: Term[]
  brands: Term[]
  attributes: {
    id: number
    name: string
    taxonomy: string | null
    has_variations: boolean
    terms: Term[]
  }[]
  variations: { id: number; attributes: Option[] }[]
  grouped_products: number[]
  has_options: boolean
  is_purchasable: boolean
  is_in_stock: boolean
  is_on_backorder: boolean
  low_stock_remaining: number | null
  stock_availability: { text: string; class: string }
  sold_individually: boolean
  add_to_cart: { text: string; url: string }
  weight: string
  formatted_weight: string
  is_password_protected: boolean
  extensions: Record<string, unknown>
}

/** A product of the list with the products of its variations, which the list does not contain. */
export interface Stocked {
  readonly product: WooProduct
  readonly variations: WooProduct[]
}

export interface Making {
  readonly seed: number
  readonly currency: string
  /** The number of decimals that the shop is set to. */
  readonly minorUnit: number
  /** The address of the shop. */
  readonly home: string
  /** Only one of this many products may have variations. */
  readonly variableEvery: number
}

type Words = readonly [string, ...string[]]

const PLACES: Words = ['Harbour', 'Ridge', 'Café', 'Öland', 'Juniper', 'Tidal', 'Smith &amp; Sons']
const THINGS: Words = ['Blend', 'Mug &#8211; large', 'Filter &#8220;02&#8221;', 'Tee', 'Gift Box']
const SIZES: readonly Term[] = [
  { id: 61, name: '250 g', slug: '250-g' },
  { id: 62, name: '1 kg', slug: '1-kg' },
]
const GRINDS: readonly Term[] = [
  { id: 43, name: 'Aero press', slug: 'aero-press' },
  { id: 49, name: 'Whole Beans &amp; more', slug: 'whole-beans' },
]

/** Makes product number `index` of a shop. */
export function makeProduct(index: number, making: Making): Stocked {
  const random = createRandom(making.seed, index)
  const id = 1_000 + index * 20
  const name = `${random.pick(PLACES)} ${random.pick(THINGS)} ${index}`
  const slug = `item-${index}`
  const kind = random.below(10)
  const product = makeBase(id, { name, slug, making, random })
  if (kind === 0) Object.assign(product, unpriced(product))
  if (kind === 1) Object.assign(product, { prices: reduced(product.prices), on_sale: true })
  return kind >= 6 && index % making.variableEvery === 0
    ? makeVariable(product, random)
    : { product, variations: [] }
}

interface Base {
  readonly name: string
  readonly slug: string
  readonly making: Making
  readonly random: Random
}

function makeBase(id: number, { name, slug, making, random }: Base): WooProduct {
  const permalink = `${making.home}/product/${slug}/`
  const image = `${making.home}/wp-content/uploads/${slug}`
  const isThere = random.chance(0.8)
  return {
    id,
    name,
    slug,
    parent: 0,
    type: 'simple',
    variation: '',
    permalink,
    sku: random.chance(0.5) ? `W-${id}` : '',
    short_description: '<p>Made slowly, by hand &#8211; 漢字.</p>',
    description: `<p>Number ${id}.</p>\n<ul><li>One</li></ul>`.repeat(random.between(1, 4)),
    on_sale: false,
    prices: makePrices(String(random.between(500, 9_000)), making),
    price_html: '<span class="amount"><bdi>12.00</bdi></span>',
    average_rating: '4.50',
    review_count: 2,
    images: Array.from({ length: random.below(3) }, (_, at) => ({
      id: id + at,
      src: `${image}-${at}.jpg`,
      thumbnail: `${image}-${at}-300x300.jpg`,
      srcset: `${image}-${at}.jpg 600w`,
      sizes: '(max-width: 600px) 100vw, 600px',
      name: `Picture ${at}`,
      alt: at === 0 ? `The ${slug} &amp; its box` : '',
    })),
    categories: [
      { id: 7, name: 'Coffee &amp; Tea', slug: 'coffee', link: `${making.home}/c/coffee/` },
    ],
    tags: [{ id: 8, name: 'new', slug: 'new' }],
    brands: [{ id: 9, name: 'Öland Keramik', slug: 'oland' }],
    attributes: [],
    variations: [],
    grouped_products: [],
    has_options: false,
    is_purchasable: true,
    is_in_stock: isThere,
    is_on_backorder: false,
    low_stock_remaining: null,
    stock_availability: {
      text: isThere ? '' : 'Out of stock',
      class: isThere ? '' : 'out-of-stock',
    },
    sold_individually: false,
    add_to_cart: { text: 'Add to cart', url: `?add-to-cart=${id}` },
    weight: '0.3',
    formatted_weight: '0.3 kg',
    is_password_protected: false,
    extensions: {},
  }
}

function makePrices(price: string, { currency, minorUnit }: Making): Prices {
  return {
    price,
    regular_price: price,
    sale_price: price,
    price_range: null,
    currency_code: currency,
    currency_symbol: '¤',
    currency_minor_unit: minorUnit,
    currency_decimal_separator: ',',
    currency_thousand_separator: '.',
    currency_prefix: '',
    currency_suffix: ' ¤',
  }
}

/** The sale price of 80 %. */
function reduced(prices: Prices): Prices {
  const price = String(Math.round(Number(prices.price) * 0.8))
  return { ...prices, price, sale_price: price }
}

function unpriced({ prices }: WooProduct): Partial<WooProduct> {
  return {
    prices: { ...prices, price: '0', regular_price: '0', sale_price: '0' },
    is_purchasable: false,
    is_in_stock: false,
  }
}

function makeVariable(product: WooProduct, random: Random): Stocked {
  const choices = SIZES.flatMap((size) => GRINDS.map((grind) => [size, grind] as const))
  const variations = choices.map(([size, grind], at): WooProduct => {
    const price = String(Number(product.prices.price) * (at + 1))
    return {
      ...product,
      id: product.id + at + 1,
      parent: product.id,
      type: 'variation',
      variation: `Size: ${size.name}, Grind: ${grind.name}`,
      sku: `${product.sku || product.slug}-${at}`,
      prices: { ...product.prices, price, regular_price: price, sale_price: price },
      is_in_stock: random.chance(0.7),
      short_description: '',
      description: '',
      images: [],
      attributes: [],
      variations: [],
      categories: [],
      tags: [],
      brands: [],
    }
  })
  const attribute = { has_variations: true }
  Object.assign(product, {
    type: 'variable',
    has_options: true,
    attributes: [
      { id: 1, name: 'Size', taxonomy: 'pa_size', terms: [...SIZES], ...attribute },
      { id: 2, name: 'Grind', taxonomy: 'pa_grind', terms: [...GRINDS], ...attribute },
    ],
    variations: choices.map(([size, grind], at) => ({
      id: product.id + at + 1,
      attributes: [
        { name: 'Size', value: size.slug },
        { name: 'Grind', value: at % 4 === 3 ? '' : grind.slug },
      ],
    })),
  })
  return { product, variations }
}
