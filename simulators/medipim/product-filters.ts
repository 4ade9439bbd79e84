// The words of the filter language for products. Filters by status, id and times do not build the
// product.

import { matchAnyOf, matchFlag, matchPeriod, type Vocabulary, type Word } from './filter.ts'
import { isObject, toText, type Json, type JsonObject } from './json.ts'
import type { ProductState } from './state.ts'

export interface Candidate {
  readonly id: string
  readonly state: ProductState
  /** Builds the product on the first call. */
  readonly product: () => JsonObject
}

export interface FilterSwitches {
  /**
   * `inclusive`: `updatedSince: t` also matches updates at t. Not documented; clients rely on it.
   */
  readonly updatedSince: 'inclusive' | 'exclusive'
  /** Accepts a filter by `no_selection`, which occurs in responses but not in the documentation. */
  readonly noSelectionFilter: boolean
}

const CODE_FIELDS = [
  'ean',
  'gtin',
  'eanGtin8',
  'eanGtin12',
  'eanGtin13',
  'eanGtin14',
  'hsCode',
  'pbs',
  'fred',
  'zCode',
  'atcCategory',
  'snomedMp',
  'snomedMpp',
  'snomedMpuu',
  'snomedTp',
  'snomedTpp',
  'snomedTpuu',
  'snomedCtpp',
  'notApplicableField',
]

export function createProductFilters({
  updatedSince,
  noSelectionFilter,
}: FilterSwitches): Vocabulary<Candidate> {
  const field =
    (key: string): ((candidate: Candidate) => readonly Json[]) =>
    ({ product }) =>
      toList(product()[key])
  const matchIds = (key: string): Word<Candidate> =>
    matchAnyOf(({ product }) => toList(product()[key]).map((term) => readMember(term, 'id')))
  const matchTrue = (key: string): Word<Candidate> =>
    matchFlag(({ product }) => product()[key] === true)
  const statuses = [
    'active',
    'replaced',
    'inactive',
    ...(noSelectionFilter ? ['no_selection'] : []),
  ]
  return {
    ...Object.fromEntries(CODE_FIELDS.map((key) => [key, matchAnyOf(field(key))])),
    id: matchAnyOf(({ id }) => [id]),
    status: matchAnyOf(({ state }) => [state.status], { allowed: statuses }),
    artgId: matchAnyOf(field('artgId'), { many: false }),
    organization: matchIds('organizations'),
    publicCategory: matchIds('publicCategories'),
    brand: matchIds('brands'),
    productFamily: matchIds('productFamilies'),
    activeIngredient: matchIds('activeIngredients'),
    attributes: matchIds('attributes'),
    gs1Category: matchAnyOf(({ product }) => [readMember(product().gs1Category, 'code')]),
    conservation: matchAnyOf(field('conservation'), {
      allowed: ['room', 'refrigerator', 'fresh', 'frozen'],
    }),
    allowedSpecies: matchAnyOf(field('allowedSpecies'), {
      allowed: ['human', 'veterinary', 'surface_maintenance', 'phytopharmacy'],
    }),
    narcotic: matchTrue('narcotic'),
    biocide: matchTrue('biocide'),
    minimumContent: matchFlag(({ product }) =>
      ['photos', 'descriptions', 'publicCategories'].every((key) => isFilled(product()[key])),
    ),
    hasContent: { expects: '{"flag", "locale"?}', compile: compileHasContent },
    search: { expects: '{"query", "locale", "type"?}', compile: compileSearch },
    createdAt: matchPeriod(({ state }) => state.createdAt),
    officialDeletionAt: matchPeriod(({ product }) => product().officialDeletionAt),
    updatedSince: matchPeriod(({ state }) => state.updatedAt, updatedSince === 'inclusive'),
  }
}

function compileHasContent(value: Json): ((candidate: Candidate) => boolean) | null {
  if (!isObject(value) || typeof value.flag !== 'string') return null
  const [key = '', type] = value.flag.split('.')
  const { locale } = value
  return ({ product }) => {
    if (key === 'media')
      return ['photos', 'frontals', 'links'].some((list) => isFilled(product()[list]))
    const content = product()[key]
    if (type !== undefined)
      return toList(content).some((item) => isObject(item) && item.type === type)
    return isObject(content) && typeof locale === 'string' && 'en' in content
      ? isFilled(content[locale])
      : isFilled(content)
  }
}

function compileSearch(value: Json): ((candidate: Candidate) => boolean) | null {
  if (!isObject(value) || typeof value.query !== 'string' || typeof value.locale !== 'string')
    return null
  const { locale } = value
  const query = value.query.toLowerCase()
  return ({ id, product }) => {
    const { name, ean, supplierReference } = product()
    const title = isObject(name) ? name[locale] : null
    if (typeof title === 'string' && title.toLowerCase().includes(query)) return true
    return [id, ...toList(ean), ...toList(supplierReference)].some(
      (code) => toText(code).toLowerCase() === query,
    )
  }
}

function toList(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

function readMember(value: Json | undefined, key: string): Json {
  return isObject(value) ? (value[key] ?? null) : null
}

/** False for missing, null and empty values and for a localised text without a text. */
function isFilled(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false
  if (Array.isArray(value)) return value.length > 0
  if (isObject(value)) return Object.values(value).some(isFilled)
  return true
}
