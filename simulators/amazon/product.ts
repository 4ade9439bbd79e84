// The items of a simulated marketplace, in the form of the Creators API. No success body of a real
// account was available: shapes are those of the documentation and of Amazon's own program (SDK
// 1.2.0).

import type { Random } from '../support/random.ts'

/** The offers of an item, in the forms that differ. */
export const OFFERS = [
  'one',
  'discounted',
  'deal',
  'several',
  'out-of-stock',
  'violates-map',
  'unavailable',
  'none',
] as const
export type OfferKind = (typeof OFFERS)[number]

export interface AmazonItem {
  readonly asin: string | null
  title: unknown
  brand: string
  priceMinor: number
  offer: OfferKind
  salesRank: number
}

/** The item of the example in the earlier documents. */
export const ESP32: AmazonItem = {
  asin: 'B08DQQ8CBP',
  title: 'ESP32-DevKitC-32UE Development Board, Wi-Fi and Bluetooth',
  brand: 'Espressif Systems',
  priceMinor: 1_500,
  offer: 'discounted',
  salesRank: 1_234,
}

const BRANDS = ['Nordlicht', 'Kōhī Works', 'Café Été', 'Øresund Tools'] as const
const THINGS = ['Development Board', 'Grinder', 'Desk Lamp', 'Screwdriver Set', 'Kettle'] as const

/** The ASIN of the item at `index`; they sort in this order. */
export function toAsin(index: number): string {
  return index === 0 ? (ESP32.asin ?? '') : `B1${String(index).padStart(8, '0')}`
}

export function makeItem(index: number, random: Random): AmazonItem {
  if (index === 0) return { ...ESP32 }
  const brand = random.pick(BRANDS)
  return {
    asin: toAsin(index),
    title: `${brand} ${random.pick(THINGS)} № ${index}`,
    brand,
    priceMinor: random.between(500, 20_500),
    offer: OFFERS[index % OFFERS.length] ?? 'one',
    salesRank: random.between(1, 100_000),
  }
}

export interface Rendering {
  readonly marketplace: string
  readonly currency: string
  readonly tag: string
  readonly resources: ReadonlySet<string>
  /** Containers that were not requested are null, as in the official example, or absent. */
  readonly nulls: boolean
  /** The member of an image that the SDK names `hiRes`. */
  readonly largest: 'hiRes' | 'highRes'
}

type Members = Record<string, unknown>
/** True when a resource with this beginning was requested. */
type Asks = (prefix: string) => boolean

export function renderItem(item: AmazonItem, rendering: Rendering): Members {
  const { marketplace, tag, resources, nulls } = rendering
  const asks: Asks = (prefix) =>
    [...resources].some((name) => name === prefix || name.startsWith(`${prefix}.`))
  const containers: Members = {
    browseNodeInfo: asks('browseNodeInfo') ? renderNodes(item) : null,
    customerReviews: null,
    images: asks('images') ? renderImages(item, rendering, asks) : null,
    itemInfo: asks('itemInfo') ? renderInfo(item, asks) : null,
    offersV2: asks('offersV2')
      ? { listings: renderListings(item, rendering).map((one) => keepAsked(one, asks)) }
      : null,
    parentASIN: asks('parentASIN') ? 'B0PARENT01' : null,
  }
  const url = `https://${marketplace}/dp/${item.asin}?tag=${tag}&linkCode=ogi&th=1&psc=1`
  const shown = Object.entries(containers).filter(([, value]) => nulls || value !== null)
  return { asin: item.asin, detailPageURL: url, ...Object.fromEntries(shown) }
}

const display = (displayValue: unknown, label = 'Label') => ({
  displayValue,
  label,
  locale: 'en_US',
})
const displays = (...displayValues: unknown[]) => ({
  displayValues,
  label: 'Label',
  locale: 'en_US',
})

function renderInfo(item: AmazonItem, asks: Asks): Members {
  const number = Number((item.asin ?? '').slice(-6)) || 7
  const all: Members = {
    byLineInfo: {
      brand: display(item.brand),
      contributors: [{ name: 'A. Author', role: 'Author', roleType: 'author', locale: 'en_US' }],
      manufacturer: display(item.brand),
    },
    classifications: { binding: display('Electronics'), productGroup: display('CE') },
    contentInfo: {
      edition: display('2'),
      languages: { displayValues: [{ displayValue: 'English', type: 'Published' }] },
      pagesCount: display(12),
      publicationDate: display('2024-03-01T00:00:01Z'),
    },
    contentRating: { audienceRating: display('Everyone') },
    externalIds: {
      eans: displays(withCheckDigit(`590${String(number).padStart(9, '0')}`)),
      isbns: null,
      upcs: displays(withCheckDigit(`0360002${String(number % 10_000).padStart(4, '0')}`)),
    },
    features: displays('Wi-Fi and Bluetooth', 'Ready for breadboards — “plug & play”'),
    manufactureInfo: {
      itemPartNumber: display(`PN-${number}`),
      model: display(`M${number}`),
      warranty: display('2 years'),
    },
    productInfo: {
      color: display('Black'),
      isAdultProduct: display(false),
      itemDimensions: {
        height: { ...display(0.5), unit: 'inches' },
        weight: { ...display(0.04), unit: 'pounds' },
      },
      releaseDate: display('2024-03-01T00:00:01Z'),
      size: display('M'),
      unitCount: display(1),
    },
    technicalInfo: { formats: displays('Kit'), energyEfficiencyClass: display('A') },
    title: item.title === null ? null : display(item.title),
    tradeInInfo: { isEligibleForTradeIn: false, price: null },
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, asks(`itemInfo.${name}`) ? value : null]),
  )
}

function renderImages({ asin }: AmazonItem, { largest }: Rendering, asks: Asks): Members {
  const picture = (name: string, size: number) => ({
    url: `https://m.media-amazon.com/images/I/${name}._SL${size}_.jpg`,
    height: size,
    width: size,
  })
  const sizes = (which: string, name: string): Members => {
    const asked = (size: string, width: number) =>
      asks(`images.${which}.${size}`) ? picture(name, width) : null
    return {
      small: asked('small', 75),
      medium: asked('medium', 160),
      large: asked('large', 500),
      // The resource has another name than the member.
      [largest]: asked('highRes', 1500),
    }
  }
  return {
    primary: asks('images.primary') ? sizes('primary', `${asin}-0`) : null,
    variants: asks('images.variants')
      ? [sizes('variants', `${asin}-1`), { ...sizes('variants', `${asin}-2`), [largest]: null }]
      : null,
  }
}

function renderNodes({ salesRank }: AmazonItem): Members {
  const root = { id: '172282', displayName: 'Electronics', contextFreeName: 'Electronics' }
  const above = { id: '541966', displayName: 'Computers', contextFreeName: 'Computers' }
  return {
    browseNodes: [
      {
        id: '17441247011',
        displayName: 'Boards',
        contextFreeName: 'Single Board Computers',
        isRoot: false,
        salesRank,
        ancestor: { ...above, ancestor: { ...root, ancestor: null } },
      },
    ],
    websiteSalesRank: { contextFreeName: 'Electronics', displayName: 'Electronics', salesRank },
  }
}

function renderListings(item: AmazonItem, { currency }: Rendering): Members[] {
  const { offer, priceMinor } = item
  const isYen = currency === 'JPY'
  const money = (minor: number) => {
    const amount = isYen ? Math.round(minor / 100) : minor / 100
    return { amount, currency, displayAmount: `${currency} ${amount}` }
  }
  const listing = {
    availability: {
      type: 'IN_STOCK',
      message: 'In Stock',
      minOrderQuantity: 1,
      maxOrderQuantity: 9,
    },
    condition: { value: 'New', subCondition: 'Unknown', conditionNote: '' },
    dealDetails: null,
    isBuyBoxWinner: true,
    loyaltyPoints: null,
    merchantInfo: { id: 'ATVPDKIKX0DER', name: 'Amazon.com' },
    price: { money: money(priceMinor), pricePerUnit: null, savingBasis: null, savings: null },
    type: null,
    violatesMAP: false,
  }
  const basisMinor = priceMinor + 500
  const discounted = {
    ...listing.price,
    savingBasis: {
      money: money(basisMinor),
      savingBasisType: 'WAS_PRICE',
      savingBasisTypeLabel: 'Was Price',
    },
    savings: { money: money(500), percentage: Math.round(50_000 / basisMinor) },
  }
  const deal = {
    accessType: 'ALL',
    badge: 'Limited time deal',
    startTime: '2026-11-27T00:00:00Z',
    endTime: '2026-11-30T00:00:00Z',
    percentClaimed: 40,
  }
  const other = { ...listing, isBuyBoxWinner: false }
  const gone = { ...listing, price: null, merchantInfo: null }
  const kinds: Readonly<Record<OfferKind, readonly Members[]>> = {
    one: [listing],
    discounted: [{ ...listing, price: discounted }],
    deal: [{ ...listing, price: discounted, dealDetails: deal, type: 'LIGHTNING_DEAL' }],
    several: [
      { ...other, price: { ...listing.price, money: money(1) }, type: 'SUBSCRIBE_AND_SAVE' },
      listing,
      { ...other, price: { ...listing.price, money: money(priceMinor * 2) } },
    ],
    'out-of-stock': [{ ...gone, availability: { type: 'OUT_OF_STOCK', message: 'Out of Stock' } }],
    'violates-map': [{ ...listing, violatesMAP: true }],
    unavailable: [{ ...gone, availability: { type: 'UNAVAILABLE', message: 'Unavailable' } }],
    none: [],
  }
  return [...kinds[offer]]
}

/** `violatesMAP` is not a resource: it comes with the price. */
function keepAsked(listing: Members, asks: Asks): Members {
  const isAsked = (member: string) =>
    asks(`offersV2.listings.${member === 'violatesMAP' ? 'price' : member}`)
  return Object.fromEntries(
    Object.entries(listing).map(([member, value]) => [member, isAsked(member) ? value : null]),
  )
}

function withCheckDigit(digits: string): string {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, back) => total + Number(digit) * (back % 2 === 0 ? 3 : 1), 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}
