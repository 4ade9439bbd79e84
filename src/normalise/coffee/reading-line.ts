// A reading as one flat object, in the names that catalogues of coffee use, with the provenance of
// each value beside it.

import type { Json } from '../../core/json.ts'
import type { Provenance } from '../../core/product.ts'
import type { Finding } from '../finding.ts'
import type { Pack } from '../packs.ts'
import type { CoffeeReading } from './read-coffee.ts'

/** The words of a value, and the rule that read them. */
export type Origin = Omit<Provenance, 'place'>

export interface ReadingLine {
  readonly values: Readonly<Record<string, Json>>
  readonly provenance: Readonly<Record<string, Origin>>
}

type Value = readonly [name: string, value: Json, finding: Finding<unknown> | null]

/** Weights are shown to a tenth of a gram. */
const TENTHS = 10

/** Returns every value by its name, null where it is unknown. */
export function toReadingLine(reading: CoffeeReading): ReadingLine {
  const all = [
    ...packValues(reading.pack),
    ...kindValues(reading),
    ...coffeeValues(reading),
    ...originValues(reading),
    ...qualityValues(reading),
  ]
  return {
    values: Object.fromEntries(all.map(([name, value]) => [name, value])),
    provenance: Object.fromEntries(
      all.flatMap(([name, value, finding]) =>
        finding === null || value === null ? [] : [[name, toOrigin(finding)]],
      ),
    ),
  }
}

function toOrigin({ raw, rule, confidence }: Finding<unknown>): Origin {
  return { raw, rule, confidence }
}

/** A text that states no number of packs is about one. */
function packValues(pack: Pack | null): Value[] {
  const content = pack?.content ?? null
  const mass = content?.value.dimension === 'mass' ? content : null
  const count = pack === null ? null : (pack.count?.value ?? 1)
  const unit = mass && Math.round(mass.value.unitSize * TENTHS) / TENTHS
  const total = unit === null ? null : Math.round(unit * (count ?? 1) * TENTHS) / TENTHS
  return [
    ['unit_weight_g', unit, mass],
    ['pack_count', count, pack?.count ?? null],
    ['total_weight_g', total, mass],
    ['weight_reason', mass === null ? (pack?.reason ?? null) : null, null],
  ]
}

function kindValues(reading: CoffeeReading): Value[] {
  const { classification, format, green, wholesale, subscription, bundle, packType } = reading
  return [
    ['is_coffee', classification?.value.isCoffee ?? null, classification],
    ['kind', classification?.value.kind ?? null, classification],
    ['format', format?.value ?? null, format],
    ['green', green?.value ?? null, green],
    ['wholesale', wholesale?.value ?? null, wholesale],
    ['subscription', subscription?.value ?? null, subscription],
    ['bundle', bundle?.value ?? null, bundle],
    ['pack_type', packType?.value ?? null, packType],
  ]
}

function coffeeValues(reading: CoffeeReading): Value[] {
  const { grinds, grindDetail, roastLevel, roastStyles, process, species } = reading
  return [
    ['grind', oneOrAll(grinds?.value), grinds],
    ['grind_detail', grindDetail, grindDetail === null ? null : grinds],
    ['roast_level', roastLevel?.value ?? null, roastLevel],
    ['roast_style', oneOrAll(roastStyles?.value), roastStyles],
    ['process', toJson(process?.value.name), process],
    ['base', process?.value.base ?? null, process],
    ['inoculated', process?.value.inoculated ?? null, process],
    ['decaf', toDecaf(reading), reading.decaf ?? process],
    ['decaf_method', process?.value.decafMethod ?? null, process],
    ['species', toJson(species?.value), species],
  ]
}

/** A stated method of decaffeination says that the coffee is decaffeinated. */
function toDecaf({ decaf, process }: CoffeeReading): true | null {
  return decaf !== null || (process?.value.decafMethod ?? null) !== null ? true : null
}

function originValues({ varieties, country, region, estate, altitude }: CoffeeReading): Value[] {
  return [
    ['varieties', toJson(varieties?.value), varieties],
    ['country', country?.value ?? null, country],
    ['region', region?.value ?? null, region],
    ['estate', estate?.value ?? null, estate],
    ['altitude_min', altitude?.value.min ?? null, altitude],
    ['altitude_max', altitude?.value.max ?? null, altitude],
  ]
}

function qualityValues({ grade, score, flavours, certifications }: CoffeeReading): Value[] {
  return [
    ['grade', grade?.value ?? null, grade],
    ['score', score?.value ?? null, score],
    ['flavour_notes', toJson(flavours?.value), flavours],
    ['certifications', toJson(certifications?.value), certifications],
  ]
}

function oneOrAll(values: readonly string[] | undefined): Json {
  if (values === undefined) return null
  return values.length === 1 ? (values[0] ?? null) : [...values]
}

function toJson(value: unknown): Json {
  return (value ?? null) as Json
}
