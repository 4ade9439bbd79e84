// A change as consumers receive it: by cursor, over HTTP and by webhook. docs/webhook.schema.json is
// generated from these schemas.

import { z } from 'zod'

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

const MoneySchema = z
  .strictObject({
    amountMinor: z.int().describe('In the minor unit of the currency: 12.50 EUR is 1250.'),
    currency: z.string().describe('ISO 4217.'),
  })
  .nullable()
  .describe('Null: the variant has no such price.')
const AvailabilitySchema = z.string().nullable()

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
    .array(z.strictObject({ name: z.string(), before: z.json(), after: z.json() }))
    .describe('Members of the product that differ. Both values are null once they have expired.'),
  prices: z.array(
    z.strictObject({
      variant: z.string(),
      type: z.string(),
      before: MoneySchema,
      after: MoneySchema,
    }),
  ),
  availability: z.array(
    z.strictObject({ variant: z.string(), before: AvailabilitySchema, after: AvailabilitySchema }),
  ),
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
  const price = /^price:(.*):([^:]*)$/s.exec(member)
  const variant = /^availability:(.*)$/s.exec(member)
  if (price !== null) {
    message.prices.push({
      variant: price[1] ?? '',
      type: price[2] ?? '',
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

function toMoney(
  amountMinor: unknown,
  currency: string | null,
): { amountMinor: number; currency: string } | null {
  return typeof amountMinor === 'number' && currency !== null ? { amountMinor, currency } : null
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
