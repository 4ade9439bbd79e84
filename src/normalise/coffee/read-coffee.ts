// Reads everything that one text of a coffee shop states: the classifier decides first, and what is
// not coffee has a weight at most. Unknown stays null.

import { type Finding, toFinding } from '../finding.ts'
import { parsePack, type Pack } from '../packs.ts'
import { readTokens, type TokenText } from '../tokens.ts'
import { classify, type Classification, type ClassifiedField } from './classify.ts'
import { findFlavours } from './flavours.ts'
import { findGrindDetail, findGrinds, isDripBagSize, type Grind } from './grind.ts'
import { SIZED_BY_CAPACITY, type ProductKind } from './kinds.ts'
import { findAltitude, findCountry, findEstate, findRegion, type Altitude } from './origin.ts'
import { findProcess, type Process, type ProcessField } from './process.ts'
import { findCertifications, findDecaf, findGrade, findScore } from './quality.ts'
import { findRoastLevel, findRoastStyles, type RoastLevel, type RoastStyle } from './roast.ts'
import { findSale, NO_SALE, type Sale } from './sale.ts'
import { findSpecies, type Species, type SpeciesContent } from './species.ts'
import { findVarieties } from './varieties.ts'

/** The attribute that a text belongs to; what a word means depends on it. */
export type CoffeeField =
  | 'title'
  | 'option'
  | 'tag'
  | 'description'
  | 'process'
  | 'roast'
  | 'grind'
  | 'variety'
  | 'altitude'
  | 'species'

export interface CoffeeReading extends Sale {
  readonly classification: Finding<Classification> | null
  /** Null where the field cannot state one, and for goods whose size is not their content. */
  readonly pack: Pack | null
  readonly roastLevel: Finding<RoastLevel> | null
  readonly roastStyles: Finding<readonly RoastStyle[]> | null
  readonly process: Finding<Process> | null
  readonly grinds: Finding<readonly Grind[]> | null
  readonly grindDetail: string | null
  readonly species: Finding<SpeciesContent> | null
  readonly varieties: Finding<readonly string[]> | null
  readonly country: Finding<string> | null
  readonly region: Finding<string> | null
  readonly estate: Finding<string> | null
  readonly altitude: Finding<Altitude> | null
  readonly grade: Finding<string> | null
  readonly score: Finding<number> | null
  readonly decaf: Finding<true> | null
  readonly flavours: Finding<readonly string[]> | null
  readonly certifications: Finding<readonly string[]> | null
}

const CLASSIFIED: Readonly<Partial<Record<CoffeeField, ClassifiedField>>> = {
  title: 'title',
  option: 'option',
  grind: 'option',
  description: 'text',
}

const PROCESS_FIELDS: Readonly<Partial<Record<CoffeeField, ProcessField>>> = {
  process: 'own',
  tag: 'tag',
  description: 'text',
}

const SPECIES_ORDER: readonly Species[] = ['arabica', 'robusta']

/** Reads a text; pure, and linear in the length of the text. */
export function readCoffee(raw: string, field: CoffeeField): CoffeeReading {
  return readCoffeeTokens(readTokens(raw), field)
}

/** The same for a text that is already in tokens. */
export function readCoffeeTokens(text: TokenText, field: CoffeeField): CoffeeReading {
  const classified = CLASSIFIED[field]
  const classification = classified === undefined ? null : classify(text, classified)
  const sale = field === 'description' ? NO_SALE : findSale(text)
  const isBrewBag = sale.format?.value === 'brew_bag'
  const pack = readPack(text, field, { kind: classification?.value.kind ?? null, isBrewBag })
  if (classification?.value.isCoffee === false)
    return { ...NOTHING, ...sale, green: null, format: null, classification, pack }
  const parts = field === 'title' ? splitBundle(text) : [text]
  const bundle = parts.length > 1 ? toBundle(text) : sale.bundle
  const values = keepShared(parts.map((part) => readValues(part, field, pack)))
  return { ...sale, ...values, bundle, classification, pack }
}

/** The parts of `Arabica Coffee Beans + Vienna Roast Coffee Beans`, each of which names coffee. */
function splitBundle(text: TokenText): readonly TokenText[] {
  const { raw, tokens } = text
  const at = tokens.findIndex(({ text: sign, before }) => sign === '+' && before === ' ')
  if (at === -1 || tokens[at + 1]?.before !== ' ') return [text]
  const parts = [tokens.slice(0, at), tokens.slice(at + 1)].map((part) => ({ raw, tokens: part }))
  return parts.every((part) => classify(part, 'title')?.value.isCoffee === true) ? parts : [text]
}

function toBundle(text: TokenText): Finding<true> {
  const at = text.tokens.findIndex(({ text: sign }) => sign === '+')
  return toFinding(text, true, { from: at, to: at + 1, rule: 'sale/joined', confidence: 0.8 })
}

type CoffeeValues = Omit<CoffeeReading, keyof Sale | 'classification' | 'pack'>

/** A value of a bundle is that of every part; the others describe one part only. */
function keepShared([first, ...others]: readonly CoffeeValues[]): CoffeeValues {
  if (first === undefined) return NOTHING
  const isShared = (name: keyof CoffeeValues, value: unknown): boolean =>
    others.every((other) => JSON.stringify(valueOf(other[name])) === JSON.stringify(valueOf(value)))
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => [
      name,
      isShared(name as keyof CoffeeValues, value) ? value : null,
    ]),
  ) as unknown as CoffeeValues
}

function valueOf(value: unknown): unknown {
  return value !== null && typeof value === 'object' && 'value' in value ? value.value : value
}

function readValues(text: TokenText, field: CoffeeField, pack: Pack | null): CoffeeValues {
  const grinds = readGrinds(text, field, pack)
  return {
    ...readOrigin(text, field),
    ...readQuality(text, field),
    roastLevel: findRoastLevel(text, field === 'roast' ? 'own' : field === 'tag' ? 'tag' : 'text'),
    roastStyles: findRoastStyles(text, field === 'roast' ? 'own' : 'text'),
    process: findProcess(text, PROCESS_FIELDS[field] ?? 'title'),
    grinds,
    grindDetail: grinds === null ? null : findGrindDetail(text.tokens),
  }
}

const NOTHING = {
  roastLevel: null,
  roastStyles: null,
  process: null,
  grinds: null,
  grindDetail: null,
  species: null,
  varieties: null,
  country: null,
  region: null,
  estate: null,
  altitude: null,
  grade: null,
  score: null,
  decaf: null,
  flavours: null,
  certifications: null,
} satisfies Partial<CoffeeReading>

const WITH_PACK: ReadonlySet<CoffeeField> = new Set(['title', 'option', 'description', 'grind'])

function readPack(
  text: TokenText,
  field: CoffeeField,
  { kind, isBrewBag }: { readonly kind: ProductKind | null; readonly isBrewBag: boolean },
): Pack | null {
  if (!WITH_PACK.has(field)) return null
  const pack = parsePack(text, { labelledOnly: field === 'description', isBrewBag })
  // A brewer in an option is what the coffee is ground for.
  const isBrewer = field !== 'title' && kind === 'gear'
  return kind !== null && SIZED_BY_CAPACITY.has(kind) && !isBrewer
    ? { ...pack, content: null, reason: 'not-stated' }
    : pack
}

/** A pack of many small units holds drip bags, where no grind is stated. */
function readGrinds(
  text: TokenText,
  field: CoffeeField,
  pack: Pack | null,
): Finding<readonly Grind[]> | null {
  const isOption = field === 'option' || field === 'grind'
  if (!isOption && field !== 'title') return null
  const stated = findGrinds(text, isOption ? 'option' : 'title')
  if (stated !== null || !pack?.content || !pack.count) return stated
  const { value, raw } = pack.content
  const isDripBag = value.dimension === 'mass' && isDripBagSize(value.unitSize, pack.count.value)
  return isDripBag
    ? { value: ['drip_bag'], raw, rule: 'grind/size-of-unit', confidence: 0.5 }
    : null
}

function readOrigin(
  text: TokenText,
  field: CoffeeField,
): Pick<CoffeeReading, 'country' | 'region' | 'estate' | 'altitude' | 'varieties' | 'species'> {
  return {
    country: findCountry(text, field === 'description'),
    region: findRegion(text),
    estate: field === 'title' ? findEstate(text) : null,
    altitude: findAltitude(text, field === 'altitude'),
    varieties: findVarieties(text, field === 'variety'),
    species: findSpecies(text, field === 'species' ? SPECIES_ORDER : []),
  }
}

function readQuality(
  text: TokenText,
  field: CoffeeField,
): Pick<CoffeeReading, 'grade' | 'score' | 'decaf' | 'flavours' | 'certifications'> {
  return {
    grade: field === 'description' ? null : findGrade(text),
    score: findScore(text),
    decaf: findDecaf(text),
    flavours: findFlavours(text, field === 'tag'),
    certifications: findCertifications(text),
  }
}
