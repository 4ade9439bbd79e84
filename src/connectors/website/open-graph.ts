// The product in the meta tags of a page (https://ogp.me/, and the extension for products that
// shops use): the last resort, without variants.

import type { Item, PageEvidence, Value } from './evidence.ts'

const TYPES = new Set(['product', 'og:product', 'product.item', 'product:item'])

/** The tags of a price and of the price before it, in the order of preference. */
const PRICES = [
  { amount: 'product:sale_price:amount', earlier: 'product:price:amount', isDisplayed: false },
  { amount: 'product:price:amount', earlier: 'product:original_price:amount', isDisplayed: false },
  // Shops write it as they display it.
  { amount: 'og:price:amount', earlier: 'og:price:standard_amount', isDisplayed: true },
]

/** Returns the product as an item, or null when the tags describe none. */
export function toOpenGraphItem({ meta }: PageEvidence): Item | null {
  const isProduct = meta['og:type']?.some((type) => TYPES.has(type.toLowerCase())) ?? false
  const offers = listOffers(meta)
  if (!isProduct && offers.length === 0) return null
  const codes = {
    name: meta['og:title'],
    description: meta['og:description'],
    url: meta['og:url'],
    image: meta['og:image:secure_url'] ?? meta['og:image'],
    brand: meta['product:brand'] ?? meta['og:brand'],
    sku: meta['product:retailer_item_id'] ?? meta['product:sku'],
    gtin: meta['product:gtin'] ?? meta['product:ean'] ?? meta['product:upc'],
    isbn: meta['product:isbn'],
    mpn: meta['product:mfr_part_no'],
    category: meta['product:category'],
  }
  const stated = Object.entries(codes).flatMap(([name, values]) =>
    values === undefined || values.length === 0 ? [] : [[name, values] as const],
  )
  return {
    types: ['product'],
    id: null,
    properties: {
      ...Object.fromEntries<readonly Value[]>(stated),
      ...(offers.length > 0 && { offers }),
    },
  }
}

/** A page in several currencies repeats the tags, the amount and its currency in turn. */
function listOffers(meta: PageEvidence['meta']): Item[] {
  const availability = meta['product:availability'] ?? meta['og:availability'] ?? []
  const price = PRICES.find((one) => (meta[one.amount]?.length ?? 0) > 0)
  if (price === undefined) return availability.length === 0 ? [] : [toOffer({ availability })]
  const currencies =
    meta[price.amount.replace('amount', 'currency')] ?? meta['product:price:currency'] ?? []
  const isOneCurrency = currencies.length === 1
  return (meta[price.amount] ?? []).map((amount, index) =>
    toOffer({
      [price.isDisplayed ? 'pricetext' : 'price']: [amount],
      pricecurrency: isOneCurrency ? currencies : currencies.slice(index, index + 1),
      availability,
      earlierprice: (meta[price.earlier] ?? []).slice(index, index + 1),
    }),
  )
}

function toOffer(properties: Record<string, readonly string[]>): Item {
  return { types: ['offer'], id: null, properties }
}
