// The queries and paths that requests to the read API may have. An unknown parameter is an error.

import { z } from 'zod'
import { CHANGE_KINDS } from '../../core/change-message.ts'
import { isCursor, type ListName } from '../../db/read/page.ts'
import { isSearchCursor } from '../../db/read/product-search.ts'
import { PRODUCT_STATUSES } from '../../db/read/products.ts'
import { RUN_STATES } from '../../db/read/run-summaries.ts'

/** The most rows that a page holds. Products are documents, the others are short. */
const LIMITS = { products: 200, rows: 1000 } as const
const PAGE_SIZE = 50
const TEXT_CHARS_MAX = 500
const CURSOR_CHARS_MAX = 10_000

const source = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'expected the name of a source' })
const ofSource = source
  .optional()
  .meta({ description: 'Name of a source. Omit to read every source.', examples: ['my-shop'] })
const PRODUCT_ID = '3f2b7c1e-9d4a-4e1b-8c55-0a6d2f9b7e13'
const productId = z.guid({ error: 'expected the id of a product' })
const product = productId
  .optional()
  .meta({ description: 'Only of the product with this id.', examples: [PRODUCT_ID] })
const text = z
  .string()
  .min(1)
  .max(TEXT_CHARS_MAX)
  .refine((given) => !given.includes('\0'), { error: 'expected text without NUL' })
const priceType = text
  .optional()
  .meta({ description: 'Only prices of this type, such as `list`.', examples: ['list'] })
const status = z
  .enum([...PRODUCT_STATUSES, 'all'])
  .optional()
  .describe('Only products in this status. Omit to read all that are not removed.')

function limitTo(most: number) {
  return z.coerce
    .number<string>({ error: 'expected a number' })
    .int()
    .min(1)
    .max(most)
    .default(PAGE_SIZE)
    .describe('Maximum number of items in the response.')
}

function after(list: ListName) {
  return z
    .string()
    .max(CURSOR_CHARS_MAX)
    .refine((given) => isCursor(list, given), { error: 'expected the `next` of an earlier page' })
    .optional()
    .describe('The `next` of the page before. Omit to get the first page.')
}

export const ProductsQuery = z
  .strictObject({
    q: text.optional().meta({
      description:
        'Words of the title or brand, or an id, SKU or GTIN. The best match comes first.',
      examples: ['espresso'],
    }),
    source: ofSource,
    status,
    limit: limitTo(LIMITS.products),
    after: z
      .string()
      .max(CURSOR_CHARS_MAX)
      .optional()
      .describe('The `next` of the page before, with the same `q`. Omit to get the first page.'),
  })
  .refine(
    ({ q, after: cursor }) =>
      cursor === undefined ||
      (q === undefined ? isCursor('catalogue-products', cursor) : isSearchCursor(cursor)),
    { error: 'expected the `next` of an earlier page', path: ['after'] },
  )

export const VariantsQuery = z.strictObject({
  source: ofSource,
  product,
  gtin: z
    .string()
    .regex(/^\d{1,14}$/, { error: 'expected the digits of a GTIN' })
    .optional()
    .meta({
      description: 'Only with this GTIN; zeros before it do not matter.',
      examples: ['9312345678907'],
    }),
  limit: limitTo(LIMITS.rows),
  after: after('catalogue-variants'),
})

export const PricesQuery = z.strictObject({
  source: ofSource,
  product,
  variant: text.optional().describe('Only of variants with this external id.'),
  type: priceType,
  limit: limitTo(LIMITS.rows),
  after: after('catalogue-prices'),
})

const KIND = `(?:${CHANGE_KINDS.join('|')})`
/** Longer waits end at proxies, many of which close a silent connection after a minute. */
const WAIT_SECONDS_MAX = 30

export const ChangesQuery = z.strictObject({
  source: ofSource,
  kind: z
    .string()
    .regex(new RegExp(`^${KIND}(?:,${KIND})*$`), {
      error: `expected one or more of ${CHANGE_KINDS.join(', ')}, separated by commas`,
    })
    .transform((given) => CHANGE_KINDS.filter((kind) => given.split(',').includes(kind)))
    .optional()
    .meta({
      description: `Only changes of these kinds, separated by commas: ${CHANGE_KINDS.map((kind) => `\`${kind}\``).join(', ')}.`,
      examples: ['repriced,unavailable'],
    }),
  product,
  limit: limitTo(LIMITS.rows),
  after: z.coerce
    .number<string>({ error: 'expected the `next` of an earlier request' })
    .int()
    .min(0)
    .default(0)
    .describe('The `next` of the request before. 0: from the oldest change that is kept.'),
  wait: z.coerce
    .number<string>({ error: 'expected a number of seconds' })
    .int()
    .min(0)
    .max(WAIT_SECONDS_MAX)
    .default(0)
    .describe(
      'Seconds to wait for a change if none has followed. The response is sent as soon as one matches, ' +
        'and without items when the time is over.',
    ),
})

export const SourcesQuery = z.strictObject({
  limit: limitTo(LIMITS.rows),
  after: after('sources'),
})

export const RunsQuery = z.strictObject({
  source: ofSource,
  state: z.enum(RUN_STATES).optional().describe('Only runs in this state.'),
  limit: limitTo(LIMITS.products),
  after: after('runs'),
})

export const ProductsExportQuery = z.strictObject({ source: ofSource, status })

export const PricesExportQuery = z.strictObject({
  source: ofSource,
  type: priceType,
  history: z
    .enum(['true', 'false'])
    .default('false')
    .transform((given) => given === 'true')
    .describe('`true`: earlier prices too.'),
})

export const NoQuery = z.strictObject({})

export const ProductPath = z.strictObject({
  id: productId.meta({ description: 'Id of the product.', examples: [PRODUCT_ID] }),
})
export const SourcePath = z.strictObject({
  name: source.meta({ description: 'Name of the source.', examples: ['my-shop'] }),
})
export const RunPath = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'expected the number of a run' })
    .meta({ description: 'Number of the run.', examples: ['17'] })
    .transform(Number),
})
