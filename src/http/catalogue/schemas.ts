// The objects that the read API returns, as schemas with names. The OpenAPI document is generated
// from them, and tests compare every response with it.

import { z } from 'zod'
import {
  AvailabilityChange,
  ChangeMessage,
  FieldChange,
  Money,
  PriceChange,
} from '../../core/change-message.ts'
import { FAILURE_CLASSES } from '../../core/failure-class.ts'
import { AVAILABILITIES, PRODUCT_STATUSES } from '../../db/read/products.ts'
import { RUN_STATES } from '../../db/read/run-summaries.ts'
import { RUN_KINDS } from '../../db/write/runs.ts'

const instant = z.iso.datetime({ offset: true })
const count = z.int().min(0)
const text = z.string().nullable()
const minor = z
  .int()
  .nullable()
  .describe(
    'Amount in the minor unit of the currency, such as cents. Null above 2^53 - 1, which JSON readers ' +
      'cannot represent.',
  )
const amount = z
  .string()
  .regex(/^-?\d+(?:\.\d+)?$/)
  .describe('The exact amount as a decimal, such as `12.50`.')
const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .describe('ISO 4217 code.')
const compareAt = {
  compareAtMinor: minor.describe('The earlier price that the supplier states. Null without one.'),
  compareAt: amount.nullable(),
}
const document = z.record(z.string(), z.unknown())
const source = z.string().describe('Name of the source.')
const productId = z.guid().describe('Id of the product, as in `api.products`.')
const availability = z
  .enum(AVAILABILITIES)
  .nullable()
  .describe('Null if the supplier does not state it.')

export const Price = z.object({
  type: z.string().describe('Such as `list` or `public`.'),
  amountMinor: minor,
  amount,
  currency,
  ...compareAt,
  observedAt: instant.describe('Time of the request for the record that first stated it.'),
})

const variantFields = {
  title: text,
  sku: text,
  gtin: text,
  options: document.describe('Such as `{"Size":"M"}`.'),
  weightGrams: z.number().nullable(),
  packCount: z.int().nullable(),
  availability,
}

export const Variant = z.object({
  externalId: z.string().describe("The supplier's id, unique within the product."),
  ...variantFields,
  prices: z.array(Price).describe('The current prices, by type.'),
})

export const Image = z.object({
  url: z.string().describe("The supplier's address."),
  alt: text,
  copyUrl: text.describe('Address of the stored copy. Null without one.'),
  type: text.describe('Media type of the stored copy.'),
  width: z.int().nullable(),
  height: z.int().nullable(),
})

export const Product = z.object({
  id: productId,
  source,
  externalId: z.string().describe("The supplier's id, unique within the source."),
  status: z.enum(PRODUCT_STATUSES),
  title: text,
  description: text,
  brand: text,
  manufacturer: text,
  url: text,
  identifiers: document,
  attributes: document,
  successor: text.describe('External id of the product that replaces it.'),
  successorId: z.guid().nullable(),
  sourceUpdatedAt: instant.nullable().describe('When the supplier last changed it.'),
  firstSeenAt: instant,
  changedAt: instant,
  lastAvailableAt: instant.nullable().describe('When it stopped being active. Null while it is.'),
  expiresAt: instant
    .nullable()
    .describe('From then on, its licence forbids showing it, and the API does not return it.'),
  variants: z.array(Variant),
  images: z.array(Image),
})

const ofProduct = {
  source,
  productId,
  product: z.string().describe('External id of the product.'),
}

export const VariantItem = z.object({
  ...ofProduct,
  variant: z.string().describe('External id of the variant.'),
  ...variantFields,
  position: z.int().describe('Place among the variants of the product.'),
})

const priceItem = {
  ...ofProduct,
  variant: z.string().describe('External id of the variant.'),
  type: z.string(),
}

export const PriceItem = z.object({
  ...priceItem,
  amountMinor: minor,
  amount,
  currency,
  ...compareAt,
  observedAt: instant,
  run: z.int().describe('The run that brought it.'),
})

export const PastPrice = z.object({
  ...priceItem,
  amountMinor: minor,
  amount: amount.nullable().describe('Null: the supplier withdrew the price.'),
  currency,
  ...compareAt,
  observedAt: instant.describe('From when on it was published.'),
  isCurrent: z.boolean(),
  run: z.int(),
})

const LastRun = z.object({
  run: z.int(),
  kind: z.enum(RUN_KINDS),
  state: z.enum(RUN_STATES),
  startedAt: instant,
  finishedAt: instant.nullable(),
})

export const SourceItem = z.object({
  name: source,
  connector: z.string(),
  state: z.enum(['active', 'paused']),
  lastRun: LastRun.nullable().describe('The newest run of the whole source.'),
  lastRefresh: LastRun.nullable().describe('The newest refresh, which covers only some products.'),
  lastGoodAt: instant
    .nullable()
    .describe('When the last successful run other than a replay started.'),
  heldRuns: z.array(z.int()).describe('Runs that wait for a decision.'),
  heldPrices: count.describe('Prices that wait for a decision.'),
  openReviews: count,
  openQuarantine: count.describe('Records that could not be applied.'),
  removalsOff: text.describe('Why the newest full run removed nothing. Null if it could.'),
  failure: z
    .object({
      class: z.enum(Object.keys(FAILURE_CLASSES)),
      runs: count.describe('Runs that have failed in a row.'),
      sinceAt: instant,
      lastAt: instant,
    })
    .nullable(),
})

const Progress = z.object({
  phase: z.enum(['start', 'fetch', 'apply', 'settle', 'done']).nullable(),
  fetched: count,
  applied: count,
  total: count.nullable(),
  percent: z.number().nullable(),
  perSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  inserted: count,
  updated: count,
  skipped: count,
  quarantined: count,
  held: count,
  removed: count,
})

const runFields = {
  id: z.int(),
  source,
  kind: z.enum(RUN_KINDS),
  keyCount: count.nullable().describe('Products that a refresh or an import covers.'),
  state: z.enum(RUN_STATES),
  correlationId: z.string(),
  startedAt: instant,
  finishedAt: instant.nullable(),
  removalsOff: text,
  progress: Progress,
  errors: z.array(z.object({ code: text, message: z.string(), hint: text })),
}

export const RunItem = z.object(runFields)

export const RunDetail = z.object({
  ...runFields,
  changes: z.record(z.string(), count).describe('Number of changes by kind.'),
  openReviews: count,
  heldPrices: count,
  openQuarantine: count,
  otherQuarantine: count,
})

export const Failure = z.object({
  error: z.object({
    code: text.describe('See docs/errors.md. Null for a bug.'),
    message: z.string(),
    hint: z.string(),
  }),
})

/** A page of the change feed, which has no end: `next` is a cursor also when nothing follows yet. */
export const ChangePage = z.object({
  items: z.array(ChangeMessage),
  next: z.int().describe('The `after` of the next request.'),
  more: z.boolean().describe('True if published changes follow. If not, ask again later.'),
})

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: text.describe('The `after` of the next page. Null on the last one.'),
  })
}

/** The named schemas of the OpenAPI document. */
export const OBJECTS: Readonly<Record<string, z.ZodType>> = {
  Price,
  Variant,
  Image,
  Product,
  VariantItem,
  PriceItem,
  PastPrice,
  Change: ChangeMessage,
  FieldChange,
  PriceChange,
  AvailabilityChange,
  Money,
  LastRun,
  Source: SourceItem,
  RunProgress: Progress,
  Run: RunItem,
  RunDetail,
  Error: Failure,
}
