// The words of the filter language for products, and what each looks at. Status, id and times are
// answered from the state alone.

import { anyOf, flag, since, type Vocabulary, type Word } from './filter.ts'
import { isObject, textOf, type Json, type JsonObject } from './json.ts'
import type { ProductState } from './state.ts'

export interface Candidate {
  readonly id: string
  readonly state: ProductState
  /** Built when first asked for. */
  readonly product: () => JsonObject
}

export interface FilterSwitches {
  /**
   * Whether `updatedSince: t` also matches what was updated at t. Not documented; other clients
   * rely on it.
   */
  readonly updatedSince: 'inclusive' | 'exclusive'
  /**
   * Whether the status that responses have but the documentation of filters lacks may be asked for.
   */
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

export function productFilters({
  updatedSince,
  noSelectionFilter,
}: FilterSwitches): Vocabulary<Candidate> {
  const field =
    (key: string): ((candidate: Candidate) => readonly Json[]) =>
    ({ product }) =>
      listed(product()[key])
  const ids = (key: string): Word<Candidate> =>
    anyOf(({ product }) => listed(product()[key]).map((term) => memberOf(term, 'id')))
  const bool = (key: string): Word<Candidate> => flag(({ product }) => product()[key] === true)
  const statuses = [
    'active',
    'replaced',
    'inactive',
    ...(noSelectionFilter ? ['no_selection'] : []),
  ]
  return {
    ...Object.fromEntries(CODE_FIELDS.map((key) => [key, anyOf(field(key))])),
    id: anyOf(({ id }) => [id]),
    status: anyOf(({ state }) => [state.status], { allowed: statuses }),
    artgId: anyOf(field('artgId'), { many: false }),
    organization: ids('organizations'),
    publicCategory: ids('publicCategories'),
    brand: ids('brands'),
    productFamily: ids('productFamilies'),
    activeIngredient: ids('activeIngredients'),
    attributes: ids('attributes'),
    gs1Category: anyOf(({ product }) => [memberOf(product().gs1Category, 'code')]),
    conservation: anyOf(field('conservation'), {
      allowed: ['room', 'refrigerator', 'fresh', 'frozen'],
    }),
    allowedSpecies: anyOf(field('allowedSpecies'), {
      allowed: ['human', 'veterinary', 'surface_maintenance', 'phytopharmacy'],
    }),
    narcotic: bool('narcotic'),
    biocide: bool('biocide'),
    minimumContent: flag(({ product }) =>
      ['photos', 'descriptions', 'publicCategories'].every((key) => isFilled(product()[key])),
    ),
    hasContent: { expects: '{"flag", "locale"?}', compile: compileHasContent },
    search: { expects: '{"query", "locale", "type"?}', compile: compileSearch },
    createdAt: since(({ state }) => state.createdAt),
    officialDeletionAt: since(({ product }) => product().officialDeletionAt),
    updatedSince: since(({ state }) => state.updatedAt, updatedSince === 'inclusive'),
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
      return listed(content).some((item) => isObject(item) && item.type === type)
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
    return [id, ...listed(ean), ...listed(supplierReference)].some(
      (code) => textOf(code).toLowerCase() === query,
    )
  }
}

function listed(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

function memberOf(value: Json | undefined, key: string): Json {
  return isObject(value) ? (value[key] ?? null) : null
}

/** Neither missing nor null, empty, or a localised text without a text. */
function isFilled(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false
  if (Array.isArray(value)) return value.length > 0
  if (isObject(value)) return Object.values(value).some(isFilled)
  return true
}
