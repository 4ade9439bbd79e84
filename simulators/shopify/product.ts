// Generates products in the format of Shopify's `/products.json`; the same seed and number give the
// same product. They have the oddities of real shops: slashes in option values, crossed-out prices
// below the price, hidden copies.

import { createRandom, type Random } from '../support/random.ts'

interface ShopVariant {
  id: number
  title: string
  option1: string | null
  option2: string | null
  option3: string | null
  sku: string | null
  requires_shipping: boolean
  taxable: boolean
  featured_image: null
  available: boolean
  price: string
  grams: number
  compare_at_price: string | null
  position: number
  product_id: number
  created_at: string
  updated_at: string
}

interface ShopImage {
  id: number
  created_at: string
  position: number
  updated_at: string
  product_id: number
  variant_ids: number[]
  src: string
  width: number
  height: number
}

export interface ShopProduct {
  id: number
  title: string
  handle: string
  body_html: string
  published_at: string
  created_at: string
  updated_at: string
  vendor: string
  product_type: string
  tags: string[]
  variants: ShopVariant[]
  images: ShopImage[]
  options: { name: string; position: number; values: string[] }[]
}

export interface Making {
  readonly seed: number
  /** Decimal digits of a price. */
  readonly decimals: number
}

type Words = readonly [string, ...string[]]
type Option = readonly [name: string, values: readonly string[]]

const PLACES: Words = [
  'Harbour',
  'Ridge',
  'Fennel',
  'Café',
  'Lantern',
  'Öland',
  'Juniper',
  'Quarry',
  'Saltbush',
  'Tidal',
]
const THINGS: Words = [
  'Blend',
  'Single Origin',
  'Mug',
  'Kettle',
  'Gift Box',
  'Filter “02”',
  'Tee & Tote',
  'Workshop',
]
const VENDORS: Words = ['Saltbush & Sons', 'Harbour Roastery', 'Öland Keramik']
const OPTIONS: readonly [Option[], ...Option[][]] = [
  [],
  [['Size', ['250g', '500g', '1kg']]],
  [
    ['Grind Size', ['Whole Beans', 'Inverted Aeropress / Pourover', 'Moka Pot']],
    ['Size', ['200g', '1 kg']],
  ],
  [
    ['Color', ['Sand', 'Ink / Night']],
    ['Size', ['S', 'M', 'L']],
    ['Pack', ['One', 'Two']],
  ],
]

/** Makes product number `index` of a shop, last touched at `at` (ISO 8601). */
export function makeProduct(index: number, { seed, decimals }: Making, at: string): ShopProduct {
  const random = createRandom(seed, index)
  // Ids have 13 or 14 digits today; the gaps leave room for the ids of variants and images.
  const id = (index % 7 === 0 ? 7_291_034_370_000 : 10_135_971_496_000) + index * 1_000
  const hidden = random.chance(0.02)
  const title = `${random.pick(PLACES)} ${random.pick(THINGS)} № ${index}`
  const options = random.pick(OPTIONS)
  const named: readonly Option[] = options.length > 0 ? options : [['Title', ['Default Title']]]
  const dates = { created_at: '2025-03-01T09:30:00+05:30', updated_at: at }
  return {
    id,
    title,
    handle: `item-${index}`,
    body_html: random.chance(0.05) ? '' : makeDescription(title, random),
    published_at: '2025-03-01T09:30:00+05:30',
    ...dates,
    vendor: random.pick(VENDORS),
    product_type: hidden ? 'SHOPSTORM_HIDDEN_PRODUCT' : random.pick(['', '', 'Coffee', 'Gifting']),
    tags: hidden
      ? ['hideproduct', String(id)]
      : ['not_express', 'TAX_18'].slice(0, random.below(3)),
    variants: combine(options).map((values, place) => ({
      ...makeVariant({ values, productId: id, place, decimals, isFree: hidden }, random),
      ...dates,
    })),
    images: Array.from({ length: random.chance(0.04) ? 0 : random.between(1, 4) }, (_, place) => ({
      id: id + 500 + place,
      ...dates,
      position: place + 1,
      product_id: id,
      variant_ids: [],
      src: `https://cdn.example/s/files/1/0738/item-${index}-${place}.jpg?v=1758090943`,
      width: 900,
      height: 1200,
    })),
    options: named.map(([name, values], place) => ({
      name,
      position: place + 1,
      values: [...values],
    })),
  }
}

function makeDescription(title: string, random: Random): string {
  const text = 'Made slowly. '.repeat(random.between(1, 60))
  return `<p>${title} &amp; more</p>\n<ul><li>${text}</li></ul>`
}

interface VariantFacts {
  readonly values: readonly string[]
  readonly productId: number
  readonly place: number
  readonly decimals: number
  readonly isFree: boolean
}

function makeVariant({ values, productId, place, decimals, isFree }: VariantFacts, random: Random) {
  const cents = isFree || random.chance(0.01) ? 0 : random.between(500, 250_000)
  const sale = random.below(10)
  return {
    id: productId + 1 + place,
    title: values.join(' / '),
    option1: values[0] ?? null,
    option2: values[1] ?? null,
    option3: values[2] ?? null,
    sku: random.pick([null, null, '', `SKU-${productId}-${place}`]),
    requires_shipping: true,
    taxable: true,
    featured_image: null,
    available: random.chance(0.8),
    price: formatDecimal(cents, decimals),
    grams: random.pick([0, 0, 340, 1_200]),
    // Two in ten are on sale; one in ten has a crossed-out price equal to the price, as in real
    // shops.
    compare_at_price:
      sale < 2
        ? formatDecimal(cents + 1_000, decimals)
        : sale === 2
          ? formatDecimal(cents, decimals)
          : null,
    position: place + 1,
    product_id: productId,
  }
}

function formatDecimal(cents: number, decimals: number): string {
  return (cents / 100).toFixed(decimals)
}

/** Returns every combination of one value per option; `Default Title` without options. */
function combine(options: readonly Option[]): string[][] {
  if (options.length === 0) return [['Default Title']]
  return options.reduce<string[][]>(
    (made, [, values]) => made.flatMap((before) => values.map((value) => [...before, value])),
    [[]],
  )
}
