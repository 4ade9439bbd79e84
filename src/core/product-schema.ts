// The canonical product as a schema: to validate the drafts of a connector in tests, and to publish
// the format for readers (docs/product.schema.json). The pipeline uses the types in product.ts and
// validates nothing at run time; a test keeps the two equal.

import { z } from 'zod'

const name = z.string().min(1)
const text = z.string().nullable()
const minor = z.int().nonnegative().nullable()
const instantMs = z.int().nullable()
const json = z.json()

const VariantSchema = z.strictObject({
  externalId: name.describe("The supplier's id of the variant, unique within its product."),
  title: text,
  sku: text,
  gtin: z
    .string()
    .regex(/^(\d{8}|\d{12,14})$/)
    .nullable()
    .describe('GTIN-8, -12, -13 or -14 as the supplier writes it, leading zeros kept.'),
  options: z
    .record(name, z.string())
    .readonly()
    .describe('Distinguishes it from its siblings, such as {"Size": "250 g"}.'),
  weightGrams: z
    .number()
    .nonnegative()
    .nullable()
    .describe('Net weight of the content, without the parcel.'),
  packCount: z.int().positive().nullable().describe('Number of pieces in a pack.'),
  availability: z.enum(['in_stock', 'out_of_stock', 'preorder', 'discontinued']).nullable(),
})

const PriceSchema = z.strictObject({
  variantId: name.describe('The external id of the variant with this price.'),
  type: z
    .string()
    .regex(/^[a-z][a-z_]*$/)
    .describe(
      'Such as public, manufacturer, pharmacist or list. A variant has at most one price of each type.',
    ),
  amountMinor: minor.describe(
    "In the currency's own minor unit: cents for AUD, whole yen for JPY.",
  ),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .describe('ISO 4217.'),
  compareAtMinor: minor.describe('The crossed-out price, if it is above the amount.'),
})

const ClaimSchema = z.strictObject({
  source: name.describe('Where it stands: json-ld, microdata, opengraph or text.'),
  quotation: z.string().max(500).describe('The words or the markup that state it.'),
  amountMinor: z.int().nonnegative().describe("In the currency's own minor unit."),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .describe('ISO 4217.'),
})

const DisagreementSchema = z.strictObject({
  variantId: name.describe('The external id of the variant.'),
  priceType: z.string().regex(/^[a-z][a-z_]*$/),
  claims: z.array(ClaimSchema).min(2).readonly().describe('The most reliable one first.'),
})

const ImageSchema = z.strictObject({
  url: name,
  alt: text,
  position: z
    .int()
    .nonnegative()
    .describe("From 0, in the supplier's order; unique within a product."),
})

const TermSchema = z.strictObject({
  kind: z.enum(['brand', 'organization', 'category']),
  externalId: name.describe("The supplier's id."),
  name: z.string(),
  parentId: text.describe("The parent category's external id."),
  attributes: z.record(name, json).readonly(),
})

const ProvenanceSchema = z.strictObject({
  raw: z.string().describe('The words that state the value.'),
  rule: name.describe('The rule that read them.'),
  confidence: z.number().min(0).max(1),
  place: name.describe('The text with these words, such as title, option or description.'),
})

export const DraftSchema = z.strictObject({
  externalId: name.describe("The supplier's id of the product, unique within the source."),
  status: z
    .enum(['draft', 'active', 'unavailable', 'filtered'])
    .describe(
      'Status at the supplier; `filtered` if the filters of the source leave the product out. The catalogue also has `removed`: missing from two complete runs in a row, or from one that a person approved.',
    ),
  title: text,
  description: text.describe('Unchanged from the supplier, including HTML.'),
  brand: text,
  manufacturer: text,
  url: text.describe("The product's page."),
  identifiers: z
    .record(name, z.union([z.string(), z.array(z.string()).readonly()]))
    .readonly()
    .describe('Codes by scheme, always strings: {"ean_gtin13": "…", "artg_id": "…"}.'),
  attributes: z
    .record(name, json)
    .readonly()
    .describe('Other facts from the supplier. The connector chooses their names.'),
  sourceUpdatedAtMs: instantMs.describe("The supplier's time of change."),
  successorId: text.describe('The external id of the product that replaces this one.'),
  expiresAtMs: instantMs.describe('The time from which the data must not be shown.'),
  variants: z
    .array(VariantSchema)
    .readonly()
    .describe('The items for sale. A product without options has exactly one.'),
  prices: z.array(PriceSchema).readonly(),
  disagreements: z
    .array(DisagreementSchema)
    .readonly()
    .describe(
      'Prices that the supplier states in different ways. They are not in `prices`: the last good price stays, and a person decides.',
    ),
  images: z.array(ImageSchema).readonly(),
  terms: z
    .array(TermSchema)
    .readonly()
    .describe('Brands, organisations and categories that the record mentions.'),
  provenance: z
    .record(name, ProvenanceSchema)
    .readonly()
    .describe(
      'Of values that a rule has read in a text, by the path of the value: {"attributes.process": …, "variants.12.weightGrams": …}.',
    ),
  warnings: z
    .array(z.string())
    .readonly()
    .describe('Unusual but valid facts, which are shown with the product.'),
})
