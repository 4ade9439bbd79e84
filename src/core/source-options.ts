// Options of a source that belong to no connector: how its products are read after the connector
// has normalised them. They are stored with the source, and a change of them makes the next run
// normalise every record again.

import { z } from 'zod'

/** The domain packs: rules for the texts of one trade. */
export const PACK_NAMES = ['coffee'] as const

export type PackName = (typeof PACK_NAMES)[number]

const TEXT_CHARS_MAX = 200
const PATTERNS_MAX = 1_000
const TAGS_MAX = 5_000

const text = z.string().min(1).max(TEXT_CHARS_MAX)
const patterns = z.array(text).max(PATTERNS_MAX).readonly().optional()

/** Values by the field of a product: `*` stands for any text, and case does not matter. */
const FilterFields = z
  .strictObject({
    type: patterns,
    tag: patterns,
    title: patterns,
    vendor: patterns,
    category: patterns,
    kind: patterns,
  })
  .readonly()

export type FilterFields = z.infer<typeof FilterFields>

export const Filters = z
  .strictObject({
    include: FilterFields.default({}).describe(
      'Only products that match one value of each field that is listed.',
    ),
    exclude: FilterFields.default({}).describe('No product that matches one of these values.'),
  })
  .readonly()

export type Filters = z.infer<typeof Filters>

export const SourceOptions = z
  .strictObject({
    pack: z
      .enum([...PACK_NAMES, 'none'])
      .default('none')
      .describe('The rules that read the texts of products: coffee, or none.'),
    unitPrice: z
      .string()
      .regex(/^(?:[A-Z]{2}|1 kg|100 g|none)$/, 'expected a country such as DE, 1 kg, 100 g or none')
      .default('none')
      .describe(
        'With a pack: the reference quantity of unit prices, or the country whose custom decides it. By default 1 kg.',
      ),
    filters: Filters.default({ include: {}, exclude: {} }).describe(
      'Products that are kept with the status filtered.',
    ),
    tags: z
      .record(text, z.string().max(TEXT_CHARS_MAX).nullable())
      .refine((tags) => Object.keys(tags).length <= TAGS_MAX, `at most ${TAGS_MAX} tags`)
      .readonly()
      .default({})
      .describe('Tags of the shop, and the words to read in their place; null ignores the tag.'),
  })
  .readonly()

export type SourceOptions = z.infer<typeof SourceOptions>

/** True for a name that `sources set --set` stores as an option and not as a setting. */
export function isSourceOption(name: string): name is keyof SourceOptions {
  return Object.hasOwn(SourceOptions.unwrap().shape, name)
}

/** True for a source whose products are stored as the connector returns them. */
export function isPlain({ pack, unitPrice, filters, tags }: SourceOptions): boolean {
  const { include, exclude } = filters
  const lists = [include, exclude, tags].flatMap((members) => Object.keys(members))
  return pack === 'none' && unitPrice === 'none' && lists.length === 0
}
