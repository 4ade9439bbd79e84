// A change as consumers receive it: by cursor, over HTTP and by webhook. The read API is described
// from these schemas.

import { z } from 'zod'
import { formatAmount, formatMoney } from './money.ts'

export const CHANGE_KINDS = [
  'loaded',
  'created',
  'updated',
  'repriced',
  'unavailable',
  'removed',
  'returned',
] as const
export type FeedKind = (typeof CHANGE_KINDS)[number]

export const Money = z.strictObject({
  amountMinor: z.int().describe('In the minor unit of the currency: 12.50 EUR is 1250.'),
  amount: z.string().describe('The same amount as a decimal, such as `12.50`.'),
  currency: z.string().describe('ISO 4217 code.'),
})
const MoneySchema = Money.nullable().describe('Null: the variant has no such price.')
type Price = z.infer<typeof MoneySchema>
const AvailabilitySchema = z.string().nullable()
const ValueSchema = z.unknown().describe('Any JSON value. Null: the product has no such value.')

export const FieldChange = z.strictObject({
  name: z.string().describe('Member of the product, such as `title`.'),
  before: ValueSchema,
  after: ValueSchema,
})

export const PriceChange = z.strictObject({
  variant: z.string().describe("The supplier's id of the variant."),
  type: z.string().describe('Such as `list` or `public`.'),
  before: MoneySchema,
  after: MoneySchema,
})

export const AvailabilityChange = z.strictObject({
  variant: z.string().describe("The supplier's id of the variant."),
  before: AvailabilitySchema,
  after: AvailabilitySchema,
})

export const ChangeMessage = z.strictObject({
  position: z
    .int()
    .describe('Place in the feed, ascending. It is the cursor after this change; it has gaps.'),
  at: z.iso.datetime({ precision: 3 }).describe('The time of publication.'),
  source: z.string(),
  run: z.int(),
  kind: z
    .enum(CHANGE_KINDS)
    .describe('`loaded` stands for all products of a first load and names no product.'),
  product: z.string().nullable().describe("The supplier's id of the product."),
  productId: z.guid().nullable().describe('The id of the product in schema api.'),
  title: z.string().nullable(),
  fields: z
    .array(FieldChange)
    .describe('Members of the product that differ. Both values are null once they have expired.'),
  prices: z.array(PriceChange),
  availability: z.array(AvailabilityChange),
  expired: z
    .boolean()
    .describe('True if values are left out because the licence of their source has ended.'),
  shortened: z
    .boolean()
    .describe('True if the values of `fields` are left out because the message would be too long.'),
})
export type ChangeMessage = z.infer<typeof ChangeMessage>

/** A change as `catalog.to_feed_change` returns it. */
export interface FeedChange {
  readonly position: number
  readonly source: string
  readonly run: number
  readonly product: string
  readonly product_id: string | null
  readonly title: string | null
  readonly kind: FeedKind
  readonly changed_at: string
  readonly expired: boolean
  /** {member: [before, after]}; an empty list once the values have expired. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly currencies: Readonly<Record<string, readonly [string | null, string | null]>>
}

export function toChangeMessage(change: FeedChange): ChangeMessage {
  const message: ChangeMessage = {
    position: change.position,
    at: new Date(change.changed_at).toISOString(),
    source: change.source,
    run: change.run,
    kind: change.kind,
    product: change.product === '' ? null : change.product,
    productId: change.product_id,
    title: change.title,
    fields: [],
    prices: [],
    availability: [],
    expired: change.expired,
    shortened: false,
  }
  for (const [member, value] of Object.entries(change.detail).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  ))
    addMember(message, { member, value, currencies: change.currencies[member] ?? [null, null] })
  return message
}

interface Member {
  readonly member: string
  readonly value: unknown
  readonly currencies: readonly [string | null, string | null]
}

function addMember(message: ChangeMessage, { member, value, currencies }: Member): void {
  const [before, after] = Array.isArray(value)
    ? [value[0] ?? null, value[1] ?? null]
    : [null, value]
  const price = parsePriceMember(member)
  const variant = /^availability:(.*)$/s.exec(member)
  if (price !== null) {
    message.prices.push({
      variant: price.variant,
      type: price.priceType,
      before: toMoney(before, currencies[0] ?? currencies[1]),
      after: toMoney(after, currencies[1]),
    })
  } else if (variant !== null) {
    message.availability.push({
      variant: variant[1] ?? '',
      before: toText(before),
      after: toText(after),
    })
  } else message.fields.push({ name: member, before, after })
}

/** `price:V1:public` → V1 and public. A variant's id may contain colons; a price type does not. */
export function parsePriceMember(member: string): { variant: string; priceType: string } | null {
  const match = /^price:(.*):([^:]*)$/s.exec(member)
  return match && { variant: match[1] ?? '', priceType: match[2] ?? '' }
}

function toMoney(amountMinor: unknown, currency: string | null): Price {
  if (typeof amountMinor !== 'number' || currency === null) return null
  return { amountMinor, amount: formatAmount(String(amountMinor), currency), currency }
}

/** `EUR 12.50`, or `none`. */
export function describePrice(price: Price): string {
  return price === null ? 'none' : formatMoney(price.amountMinor, price.currency)
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
