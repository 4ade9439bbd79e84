// The catalogue capability of the Universal Commerce Protocol: its requests and responses, as far
// as a catalogue that sells nothing has them.
// https://ucp.dev/2026-08-25/specification/shopping/catalog/mcp

import { z } from 'zod'
import { AVAILABILITIES } from '../../db/read/products.ts'

export const UCP_VERSION = '2026-08-25'
export const IDS_MAX = 50
const LIMIT = 10
export const LIMIT_MAX = 50
const QUERY_CHARS_MAX = 500

const meta = z
  .looseObject({})
  .optional()
  .describe('Protocol metadata of the agent, such as its profile. Not needed here.')
const context = z
  .looseObject({
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional()
      .describe('ISO 4217 code of the amounts in `filters.price`.'),
  })
  .optional()
const ofVariants = {
  price: z
    .strictObject({ min: z.int().min(0).optional(), max: z.int().min(0).optional() })
    .optional()
    .describe('In minor units of `context.currency`, such as cents.'),
  availability: z.array(z.enum(AVAILABILITIES)).min(1).optional(),
}
const VariantFilters = z
  .strictObject(ofVariants)
  .optional()
  .describe('Only variants that match every filter, after the ids have been found.')
export type VariantFilters = z.output<typeof VariantFilters>
const filters = z
  .strictObject({
    ...ofVariants,
    brand: z.array(z.string().min(1)).min(1).max(1).optional().describe('One brand.'),
    categories: z.array(z.string().min(1)).min(1).max(20).optional().describe('Ids of categories.'),
    sources: z
      .array(z.string().min(1))
      .min(1)
      .max(50)
      .optional()
      .describe('Names of sources, see list_sources. By default, every source is searched.'),
  })
  .optional()
const id = z.string().min(1).max(1000)
const selected = z.array(z.object({ name: z.string(), label: z.string() })).max(20)

export const SearchRequest = z.object({
  meta,
  catalog: z
    .object({
      query: z
        .string()
        .max(QUERY_CHARS_MAX)
        .optional()
        .describe('Words of the title or brand, or an id, SKU or GTIN. Omit to list by filters.'),
      filters,
      context,
      pagination: z
        .object({
          limit: z.int().min(1).default(LIMIT).describe(`A page has at most ${LIMIT_MAX}.`),
          cursor: z.string().max(10_000).optional(),
        })
        .default({ limit: LIMIT }),
    })
    .refine(({ query = '', filters: given = {} }) => query + Object.keys(given).join('') !== '', {
      error: 'expected `query` or a filter',
    }),
})

export const LookupRequest = z.object({
  meta,
  catalog: z.object({
    ids: z.array(id).min(1).max(IDS_MAX).describe('Ids of products or variants, SKUs or GTINs.'),
    filters: VariantFilters,
    context,
  }),
})

export const ProductRequest = z.object({
  meta,
  catalog: z.object({
    id: id.describe('Id of a product or a variant.'),
    selected: selected.optional().describe('Options that the buyer has chosen.'),
    preferences: z
      .array(z.string())
      .max(20)
      .optional()
      .describe('Names of options; the last one is given up first if no variant has them all.'),
    filters: VariantFilters,
    context,
  }),
})

const Money = z.object({ amount: z.int(), currency: z.string() })
const Range = z.object({ min: Money, max: Money })
const Text = z.object({ plain: z.string() })
const Media = z.object({
  type: z.literal('image'),
  url: z.string(),
  alt_text: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
})
const Selected = z.object({ name: z.string(), label: z.string() })

export const UcpVariant = z.object({
  id: z.string(),
  sku: z.string().optional(),
  barcodes: z.array(z.object({ type: z.string(), value: z.string() })).optional(),
  title: z.string(),
  description: Text,
  price: Money,
  list_price: Money.optional(),
  availability: z.object({ available: z.boolean(), status: z.string() }).optional(),
  options: z.array(Selected).optional(),
  seller: z.object({ name: z.string() }).describe('The source.'),
  inputs: z
    .array(z.object({ id: z.string(), match: z.enum(['exact', 'featured']) }))
    .optional()
    .describe('The requested ids that name this variant, or its product.'),
})
export type UcpVariant = z.infer<typeof UcpVariant>

const OptionValue = z.object({
  label: z.string(),
  available: z.boolean().optional(),
  exists: z.boolean().optional(),
})

export const UcpProduct = z.object({
  id: z.string(),
  title: z.string(),
  brand: z.string().optional(),
  description: Text,
  url: z.string().optional(),
  categories: z
    .array(z.object({ value: z.string(), taxonomy: z.string() }))
    .optional()
    .describe('The ids that `filters.categories` of search_catalog matches, by the supplier.'),
  price_range: Range,
  list_price_range: Range.optional(),
  media: z.array(Media).optional(),
  options: z.array(z.object({ name: z.string(), values: z.array(OptionValue) })).optional(),
  selected: z.array(Selected).optional(),
  variants: z.array(UcpVariant),
  metadata: z.object({
    source: z.string(),
    external_id: z.string(),
    status: z.string(),
    changed_at: z.string(),
  }),
})
export type UcpProduct = z.infer<typeof UcpProduct>

const Message = z.object({
  type: z.enum(['info', 'warning', 'error']),
  code: z.string(),
  content: z.string(),
  severity: z.string().optional(),
})
export type Message = z.infer<typeof Message>

const envelope = {
  ucp: z.object({
    version: z.string(),
    status: z.enum(['success', 'error']),
    capabilities: z.record(z.string(), z.array(z.object({ version: z.string() }))),
  }),
  messages: z.array(Message).optional(),
}

export const SearchResponse = z.object({
  ...envelope,
  products: z.array(UcpProduct),
  pagination: z.object({
    has_next_page: z.boolean(),
    cursor: z.string().optional(),
    total_count: z.int().optional(),
  }),
})
export const LookupResponse = z.object({ ...envelope, products: z.array(UcpProduct) })
/** Without a product, `messages` has the reason. */
export const ProductResponse = z.object({ ...envelope, product: UcpProduct.optional() })
