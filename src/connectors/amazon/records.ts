// An archived line: an item of the Creators API, or the reason why there is none. Containers that
// were not requested, or that Amazon does not have, are null or absent, which means the same.

import { z } from 'zod'

export const ASIN = /^[A-Z0-9]{10}$/

const Scalar = z.union([z.string(), z.number(), z.boolean()]).nullish()
const Text = z.string().nullish()
const Value = z.object({ displayValue: Scalar, unit: Text }).nullish()
const Values = z.object({ displayValues: z.array(Scalar).nullish() }).nullish()

const Picture = z.object({ url: Text }).nullish()
/** The resource is named `highRes`, the member of the response `hiRes`. */
const Sizes = z
  .object({ hiRes: Picture, highRes: Picture, large: Picture, medium: Picture, small: Picture })
  .nullish()
export type Sizes = z.infer<typeof Sizes>

const Money = z.object({ amount: z.number().nullish(), currency: Text, displayAmount: Text })
export type Money = z.infer<typeof Money>

const Listing = z.object({
  availability: z
    .object({
      type: Text,
      message: Text,
      minOrderQuantity: z.number().nullish(),
      maxOrderQuantity: z.number().nullish(),
    })
    .nullish(),
  condition: z.object({ value: Text, subCondition: Text, conditionNote: Text }).nullish(),
  dealDetails: z
    .object({
      accessType: Text,
      badge: Text,
      startTime: Text,
      endTime: Text,
      earlyAccessDurationInMilliseconds: z.number().nullish(),
      percentClaimed: z.number().nullish(),
    })
    .nullish(),
  isBuyBoxWinner: z.boolean().nullish(),
  loyaltyPoints: z.object({ points: z.number().nullish() }).nullish(),
  merchantInfo: z.object({ id: Text, name: Text }).nullish(),
  price: z
    .object({
      money: Money.nullish(),
      pricePerUnit: Money.nullish(),
      savingBasis: z
        .object({
          money: Money.nullish(),
          savingBasisType: Text,
          savingBasisTypeLabel: Text,
        })
        .nullish(),
      savings: z.object({ money: Money.nullish(), percentage: z.number().nullish() }).nullish(),
    })
    .nullish(),
  type: Text,
  violatesMAP: z.boolean().nullish(),
})
export type Listing = z.infer<typeof Listing>

/** A node of the category tree. Its ancestors are read in `categories.ts`, to any depth. */
const BrowseNode = z.object({
  id: Scalar,
  displayName: Text,
  contextFreeName: Text,
  isRoot: z.boolean().nullish(),
  salesRank: z.number().nullish(),
  ancestor: z.unknown(),
})
export type BrowseNode = z.infer<typeof BrowseNode>

const ItemInfo = z.object({
  title: Value,
  features: Values,
  byLineInfo: z
    .object({
      brand: Value,
      manufacturer: Value,
      contributors: z.array(z.object({ name: Text, role: Text, roleType: Text })).nullish(),
    })
    .nullish(),
  classifications: z.object({ binding: Value, productGroup: Value }).nullish(),
  contentInfo: z
    .object({
      edition: Value,
      languages: z
        .object({
          displayValues: z.array(z.object({ displayValue: Scalar, type: Text })).nullish(),
        })
        .nullish(),
      pagesCount: Value,
      publicationDate: Value,
    })
    .nullish(),
  contentRating: z.object({ audienceRating: Value }).nullish(),
  externalIds: z.object({ eans: Values, isbns: Values, upcs: Values }).nullish(),
  manufactureInfo: z.object({ itemPartNumber: Value, model: Value, warranty: Value }).nullish(),
  productInfo: z
    .object({
      color: Value,
      isAdultProduct: Value,
      itemDimensions: z
        .object({ height: Value, length: Value, weight: Value, width: Value })
        .nullish(),
      releaseDate: Value,
      size: Value,
      unitCount: Value,
    })
    .nullish(),
  technicalInfo: z.object({ formats: Values, energyEfficiencyClass: Value }).nullish(),
  tradeInInfo: z.object({ isEligibleForTradeIn: z.boolean().nullish() }).nullish(),
})
export type ItemInfo = z.infer<typeof ItemInfo>

const Item = z.object({
  detailPageURL: Text,
  parentASIN: Text,
  images: z.object({ primary: Sizes, variants: z.array(Sizes).nullish() }).nullish(),
  itemInfo: ItemInfo.nullish(),
  offersV2: z.object({ listings: z.array(Listing).nullish() }).nullish(),
  browseNodeInfo: z
    .object({
      browseNodes: z.array(BrowseNode).nullish(),
      websiteSalesRank: z.object({ salesRank: z.number().nullish() }).nullish(),
    })
    .nullish(),
})
export type Item = z.infer<typeof Item>

export const AmazonRecord = z.object({
  asin: z.string().regex(ASIN, 'must be an ASIN'),
  marketplace: z.string(),
  /** The time at which the response arrived, by which the licence counts. */
  fetchedAt: z.iso.datetime(),
  item: Item.nullable(),
  refusal: z.object({ code: z.string(), message: z.string() }).optional(),
})
export type AmazonRecord = z.infer<typeof AmazonRecord>

/** Returns the text of a value, or null without one. */
export function textOf(value: z.infer<typeof Scalar>): string | null {
  const text = value === null || value === undefined ? '' : String(value).trim()
  return text === '' ? null : text
}

/** Returns the text of `{ displayValue }`. */
export function displayOf(value: z.infer<typeof Value>): string | null {
  return textOf(value?.displayValue)
}

/** Returns the texts of `{ displayValues }`. */
export function displaysOf(values: z.infer<typeof Values>): string[] {
  return (values?.displayValues ?? []).map(textOf).filter((text) => text !== null)
}
