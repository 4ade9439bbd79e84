// The tables that products refer to: organisations, brands, categories, families, ingredients and
// attributes. They have the sizes of the real Australian catalogue for any number of products.

import { createRandom, type Random } from '../support/random.ts'
import type { JsonObject } from './json.ts'
import { INGREDIENTS, inventName } from './words.ts'

export interface Term extends JsonObject {
  readonly id: number
}

export interface Reference {
  readonly organizations: readonly Term[]
  readonly brands: readonly Term[]
  readonly publicCategories: readonly Term[]
  readonly productFamilies: readonly Term[]
  readonly activeIngredients: readonly Term[]
  readonly attributes: readonly Term[]
  readonly gs1Categories: readonly JsonObject[]
}

type Region = readonly [code: string, label: string, zipCode: string, city: string]

const FIRST_IMPORT_AT = 1_676_345_000
const REGIONS: readonly [Region, Region, Region] = [
  ['AU-NSW', 'New South Wales', '2000', 'Sydney'],
  ['AU-VIC', 'Victoria', '3000', 'Melbourne'],
  ['AU-QLD', 'Queensland', '4000', 'Brisbane'],
]
const COMPANY_SUFFIXES = [
  'Pharma Pty Ltd',
  'Healthcare',
  'Distribution',
  'Australia',
  '& Søn',
] as const
const AISLES = [
  'Heartburn & Reflux',
  'Back',
  'Vitamins',
  'Skin care',
  'Baby',
  'Pain relief',
  'Allergy',
  'Oral care',
] as const

/** Depends only on `seed`. */
export function createReference(seed: number): Reference {
  const random = createRandom(seed, 0x7e4)
  return {
    organizations: makeTerms(2050, 200, (id) => makeOrganization(id, random)),
    brands: makeTerms(733, 400, (id) => ({
      id,
      name: inventName(random),
      meta: makeTimes(random),
    })),
    publicCategories: makeTerms(641, 100, (id) => makeCategory(id, random)),
    productFamilies: makeTerms(13, 1, (id) => ({
      id,
      name: { en: `${inventName(random)} range` },
      meta: makeTimes(random),
    })),
    activeIngredients: INGREDIENTS.map((name, index) => ({
      id: 310 + index,
      name: { en: name },
      meta: makeTimes(random),
    })),
    attributes: makeTerms(24, 60, (id) => {
      return {
        id,
        type: random.pick(['galenic_shape', 'flavour', 'colour']),
        name: { en: inventName(random) },
        meta: makeTimes(random),
      }
    }),
    gs1Categories: Array.from({ length: 40 }, (_, index) => ({
      code: String(10_000_800 + index),
      level: 4,
      parent: String(51_120_000 + (index % 5) * 100),
      title: `Drugs/Medicines - ${inventName(random)}`,
      definition: 'Includes any products that can be described as such.',
      definitionExcludes: null,
      active: true,
      meta: makeTimes(random),
    })),
  }
}

function makeTerms(count: number, firstId: number, make: (id: number) => Term): readonly Term[] {
  return Array.from({ length: count }, (_, index) => make(firstId + index))
}

function makeTimes(random: Random): JsonObject {
  const createdAt = FIRST_IMPORT_AT + random.below(60_000_000)
  return { createdAt, updatedAt: createdAt + random.below(20_000_000) }
}

/**
 * Names of organisations and brands are plain strings, although the documentation says localised.
 * Members of the address may be null or empty.
 */
function makeOrganization(id: number, random: Random): Term {
  const type = random.pick(['supplier', 'supplier', 'supplier', 'marketing', 'other'])
  const name = `${inventName(random)} ${random.pick(COMPANY_SUFFIXES)}`
  const meta = random.chance(0.2)
    ? { createdAt: null, updatedAt: FIRST_IMPORT_AT + random.below(60_000_000) }
    : makeTimes(random)
  if (type !== 'supplier') return { id, name, type, meta }
  const [value, label, zipCode, city] = random.pick(REGIONS)
  const region = random.chance(0.5) ? { value, label } : label
  const url = `https://${name.split(' ')[0]?.toLowerCase()}.example/`
  const contactInformation = random.chance(0.3)
    ? { address: null, city: random.chance(0.5) ? '' : null, country: null, url }
    : {
        address: `${random.between(1, 400)} Example St`,
        zipCode,
        city,
        region,
        country: 'AU',
        url: null,
      }
  return { id, name, type, meta, contactInformation }
}

/** The first twenty categories are roots; each later one has an earlier one as parent. */
function makeCategory(id: number, random: Random): Term {
  const position = id - 100
  const parent = position < 20 ? null : 100 + random.below(Math.min(position, 200))
  const aisle = random.pick(AISLES)
  const name = { en: position < 20 ? aisle : `${aisle} ${position}` }
  return { id, name, parent, order: random.between(1, 30), meta: makeTimes(random) }
}
