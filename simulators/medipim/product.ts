// Makes the JSON of one product from (seed, index, state). A missing value is null, absent or
// empty, depending on the product, because the real supplier uses all three. `meta` is last, as
// there.

import { mix, createRandom, type Random } from '../support/random.ts'
import { makeCodes, makeSnomedId } from './codes.ts'
import type { Json, JsonObject } from './json.ts'
import { makeMedia, NO_MEDIA, type Media } from './media.ts'
import type { Reference, Term } from './reference.ts'
import { isGiant, type ProductState } from './state.ts'
import { makeDescriptions, chooseTextBudget } from './texts.ts'
import { FORMS, GOODS, INGREDIENTS } from './words.ts'

export interface World {
  readonly seed: number
  readonly reference: Reference
  readonly idOf: (index: number) => string
}

const SIZES = ['S', 'M', 'L', 'XXL', '500 ml', '2 Pack'] as const

type Kind = 'prescription' | 'medicine' | 'goods'

interface Making {
  readonly world: World
  readonly state: ProductState
  readonly kind: Kind
  /** Has few fields. */
  readonly sparse: boolean
  readonly random: Random
  readonly put: (key: string, value: Json | undefined, empty?: Json) => void
}

/** Fields have the supplier's order and its real types, which differ from its documentation. */
export function buildProduct(world: World, state: ProductState, embedUrl: string): JsonObject {
  const { seed } = world
  const traits = mix(seed, state.index, 41)
  const kind: Kind = traits % 10 < 3 ? 'prescription' : traits % 10 < 6 ? 'medicine' : 'goods'
  const sparse = isGiant(state.index) === null && kind === 'goods' && (traits >>> 8) % 10 < 6
  const style = (traits >>> 16) % 3
  const product: JsonObject = { id: world.idOf(state.index), status: state.status }
  const put = (key: string, value: Json | undefined, empty: Json = null): void => {
    if (value !== undefined) product[key] = value
    else if (style === 0) product[key] = null
    else if (style === 1) product[key] = empty
  }
  const making: Making = {
    world,
    state,
    kind,
    sparse,
    random: createRandom(seed, state.index, 42),
    put,
  }
  const stripped = state.status === 'replaced'
  putNames(making)
  putCodes(making, stripped)
  putPrices(making, stripped)
  if (!sparse && !stripped) putMeasures(making)
  putTerms(making, stripped)
  const media = stripped ? NO_MEDIA : makePictures(making)
  product.photos = [...media.photos]
  product.frontals = [...media.frontals]
  product.links = [...media.links]
  const amount = sparse ? 'none' : kind === 'prescription' ? 'long' : 'short'
  product.descriptions = stripped
    ? []
    : makeDescriptions(seed, state, chooseTextBudget(seed, state.index, amount))
  product.leaflets = stripped || kind !== 'prescription' ? [] : makeLeaflets(making)
  if (!stripped) putUndocumented(making)
  product.meta = { createdAt: state.createdAt, updatedAt: state.updatedAt, embedUrl }
  return product
}

/** Makes only the English name, for sorting by name. */
export function makeName(seed: number, state: ProductState): string {
  const random = createRandom(seed, state.index, 43)
  const traits = mix(seed, state.index, 41)
  const strength = random.pick([5, 10, 20, 30, 50, 100, 250, 500])
  const pack = random.pick([10, 14, 28, 30, 60, 100, 120])
  const base =
    traits % 10 < 6
      ? `${capitalise(random.pick(INGREDIENTS))} ${random.pick(FORMS)} ${strength}mg ${pack}`
      : `${random.pick(GOODS)} ${random.pick(SIZES)} ${1_000 + (state.index % 90_000)}`
  return state.version === 0 ? base : `${base} (Edition ${state.version})`
}

function putNames({ world, state, random, sparse, put }: Making): void {
  const name = makeName(world.seed, state)
  if (state.status === 'replaced')
    put('replacement', state.replacedBy === null ? null : world.idOf(state.replacedBy))
  else put('replacement', undefined)
  put('name', { en: name })
  put('seoName', sparse ? undefined : { en: random.chance(0.3) ? null : `${name} Pack` }, {
    en: null,
  })
  put('requiresLegalText', random.chance(0.3))
  put('biocide', sparse ? undefined : false)
  put('officialDeletionAt', state.status === 'active' ? undefined : state.statusTouchedAt)
}

function putCodes(
  { world: { seed }, state: { index }, kind, random, put }: Making,
  stripped: boolean,
): void {
  const codes = makeCodes(seed, index)
  const code = (value: string | null | undefined): string | undefined =>
    stripped ? undefined : (value ?? undefined)
  const sometimes = (share: number, value: string): string | undefined =>
    random.chance(share) ? code(value) : undefined
  put('ean', stripped ? [] : [...codes.ean])
  put('gtin', sometimes(0.5, codes.gtin14 ?? codes.ean[0] ?? ''), '')
  put('eanGtin8', code(codes.gtin8), '')
  put('eanGtin12', code(codes.gtin12), '')
  put('eanGtin13', code(codes.gtin13), '')
  put('eanGtin14', code(codes.gtin14), '')
  put(
    'supplierReference',
    sometimes(0.8, String(mix(seed, index, 44) % 100_000).padStart(5, '0')),
    '',
  )
  if (kind === 'goods') return
  put('hsCode', sometimes(0.2, '340130'), '')
  put('artgId', code(codes.artgId), '')
  if (kind === 'medicine') return
  put(
    'pbs',
    sometimes(
      0.6,
      `${1_000 + (mix(seed, index, 45) % 9_000)}${'CDEFHJKLMNPQRTWX'.charAt(index % 16)}`,
    ),
    '',
  )
  put('fred', sometimes(0.7, String(mix(seed, index, 46) % 1_000_000)), '')
  put('zCode', sometimes(0.5, `Z${String(mix(seed, index, 47) % 10_000_000).padStart(7, '0')}`), '')
  for (const [position, part] of ['Mp', 'Mpp', 'Mpuu', 'Tp', 'Tpp', 'Tpuu', 'Ctpp'].entries()) {
    put(`snomed${part}`, sometimes(0.8, makeSnomedId(seed, index, 50 + position * 2)), '')
  }
}

/** In cents. Some products have no price; a content update changes a price by at most 15 %. */
function putPrices({ world: { seed }, state, kind, random, put }: Making, stripped: boolean): void {
  const drift =
    state.version === 0 ? 1 : 1 + ((mix(seed, state.index, 61, state.version) % 31) - 15) / 100
  const generated = Math.max(1, Math.round((195 + Math.exp(random.next() * 5.5) * 45) * drift))
  const cents = state.priceCents ?? (random.chance(0.12) ? undefined : generated)
  const share = (low: number, kept: number): number | undefined => {
    const part = low + random.next() * 0.1
    return random.chance(kept) && cents !== undefined ? Math.round(cents * part) : undefined
  }
  const manufacturer = share(0.45, 0.5)
  const pharmacist = share(0.6, 0.6)
  put('vat', stripped ? undefined : kind === 'prescription' ? 0 : random.pick([0, 10, 10]))
  put('publicPrice', stripped ? undefined : cents)
  put('manufacturerPrice', stripped ? undefined : manufacturer)
  put('pharmacistPrice', stripped ? undefined : pharmacist)
}

function putMeasures({ kind, random, put }: Making): void {
  const conservation =
    kind === 'goods'
      ? undefined
      : random.pick(['room', 'room', 'room', 'refrigerator', 'fresh', 'frozen'])
  const [lowest, highest] = conservation === 'refrigerator' ? [2, 8] : [15, 25]
  const stored = <T>(value: T): T | undefined => (conservation === undefined ? undefined : value)
  put('conservation', conservation)
  put(
    'conservationLabel',
    stored({ en: conservation === 'room' ? 'Room temperature' : capitalise(conservation ?? '') }),
    {},
  )
  put('conservationMin', stored(toTemperature(lowest)))
  put('conservationMax', stored(toTemperature(highest)))
  const grams = random.between(5, 2_000)
  put('weight', random.chance(0.5) ? grams : undefined)
  put(
    'weightWithUnit',
    random.chance(0.5) ? { value: grams / 1_000, unit: 'kg' } : { value: grams, unit: 'g' },
  )
  for (const side of ['width', 'length', 'depth']) {
    const millimetres = random.between(8, 400)
    put(side, random.chance(0.3) ? millimetres : undefined)
    put(`${side}WithUnit`, random.chance(0.8) ? { value: millimetres / 10, unit: 'cm' } : undefined)
  }
  const pack = random.pick([10, 14, 28, 30, 60])
  put('packageContent', random.chance(0.6) ? `${pack} pieces` : undefined, '')
  put(
    'packageQuantity',
    random.chance(0.6) ? (random.chance(0.5) ? pack : String(pack)) : undefined,
  )
  put('packagingUnit', random.chance(0.6) ? 'piece' : undefined, '')
}

function toTemperature(celsius: number): JsonObject {
  const fahrenheit = { value: Math.round(celsius * 1.8 + 32), unit: '°F' }
  return {
    celsius: { value: celsius, unit: '°C' },
    fahrenheit,
    kelvin: { value: celsius + 273.15, unit: 'K' },
  }
}

/** Most products have no brand, as in the real catalogue. */
function putTerms(
  { world: { reference }, kind, sparse, random, put }: Making,
  stripped: boolean,
): void {
  const group = random.pick(['A', 'B', 'C', 'D', 'N', 'R'])
  const atc = `${group}0${random.between(1, 9)}BA0${random.between(1, 9)}`
  if (kind === 'prescription') {
    put('atc', stripped || random.chance(0.5) ? undefined : atc, '')
    put('atcCategory', stripped ? [] : [atc])
  }
  put('notApplicableField', random.chance(0.1) ? ['productFamily'] : undefined, [])
  put(
    'publicCategories',
    stripped ? [] : pickSome(reference.publicCategories, random.pick([0, 1, 1, 1, 2]), random),
  )
  put(
    'gs1Category',
    stripped || sparse || random.chance(0.5)
      ? undefined
      : pickSome(reference.gs1Categories, 1, random)[0],
  )
  put('brands', stripped || random.chance(0.8) ? [] : pickSome(reference.brands, 1, random))
  put(
    'productFamilies',
    stripped || random.chance(0.97) ? [] : pickSome(reference.productFamilies, 1, random),
  )
  put(
    'attributes',
    stripped || random.chance(0.7)
      ? []
      : pickSome(reference.attributes, random.between(1, 2), random),
  )
  put('organizations', pickSome(reference.organizations, random.pick([1, 1, 2]), random))
  put(
    'activeIngredients',
    stripped || kind === 'goods'
      ? []
      : pickSome(reference.activeIngredients, random.pick([0, 1, 1, 2]), random),
  )
}

/** Picks `count` adjacent items of the list, which are distinct without a search. */
function pickSome<T extends JsonObject>(terms: readonly T[], count: number, random: Random): T[] {
  const start = random.below(terms.length - count)
  return terms.slice(start, start + count)
}

function makePictures({ world: { seed, reference }, state, sparse, random }: Making): Media {
  const owner: Term = reference.organizations[
    mix(seed, state.index, 71) % reference.organizations.length
  ] ?? { id: 200, name: '' }
  const photos = sparse ? random.pick([0, 0, 1]) : random.pick([0, 1, 1, 2, 2, 4])
  return makeMedia(
    seed,
    state,
    { photos, frontals: random.chance(0.1) ? 1 : 0, links: random.chance(0.2) ? 1 : 0 },
    owner,
  )
}

function makeLeaflets({ state, random }: Making): Json[] {
  const meta = { createdAt: state.createdAt, updatedAt: state.createdAt }
  const types = random.pick([['pil'], ['pil', 'spc'], []])
  return types.map((type, slot) => {
    const url = { en: `https://leaflets.example/${state.index}-${type}.pdf` }
    return { id: state.index * 2 + slot + 1, locales: ['en'], type, url, meta }
  })
}

/** Adds undocumented fields, which the supplier may publish at any time. */
function putUndocumented({ state: { index }, kind, random, put }: Making): void {
  if (kind !== 'goods' && random.chance(0.15))
    put('scheduleCode', random.pick(['S2', 'S3', 'S4', 'S8']))
  if (random.chance(0.1)) put('gstApplicable', random.chance(0.5))
  if (random.chance(0.3)) put('allowedSpecies', [random.pick(['human', 'human', 'veterinary'])])
  if (kind === 'prescription' && random.chance(0.1)) put('narcotic', true)
  if (index % 100 === 5)
    put('sustainability', {
      score: 3.5,
      labels: ['réf. 漢', null],
      deep: { er: [{ still: true }] },
    })
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
