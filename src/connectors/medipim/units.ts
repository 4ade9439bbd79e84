// Weights and sizes. They have a unit (`{"value":0.37,"unit":"kg"}`); the deprecated members with a
// bare number are in grams and millimetres.

import { isObject } from '../../lib/objects.ts'
import { numberOf } from './values.ts'

const GRAMS = new Map([
  ['mg', 0.001],
  ['g', 1],
  ['kg', 1000],
  ['oz', 28.349523125],
  ['lb', 453.59237],
])

const MILLIMETRES = new Map([
  ['mm', 1],
  ['cm', 10],
  ['m', 1000],
  ['in', 25.4],
])

/** Returns grams, rounded to the microgram, or null. */
export function gramsOf(withUnit: unknown, bare: unknown, warnings: string[]): number | null {
  return measureOf('weight', withUnit, bare, GRAMS, warnings)
}

/**
 * Returns millimetres, rounded to the nanometre, or null. `side` is the member's name, for
 * warnings.
 */
export function millimetresOf(
  side: string,
  withUnit: unknown,
  bare: unknown,
  warnings: string[],
): number | null {
  return measureOf(side, withUnit, bare, MILLIMETRES, warnings)
}

type Units = ReadonlyMap<string, number>

function measureOf(
  name: string,
  withUnit: unknown,
  bare: unknown,
  units: Units,
  warnings: string[],
): number | null {
  const value = isObject(withUnit) ? numberOf(withUnit.value) : null
  if (!isObject(withUnit) || value === null) return plausible(name, numberOf(bare), warnings)
  const unit = typeof withUnit.unit === 'string' ? withUnit.unit.trim().toLowerCase() : ''
  const factor = units.get(unit)
  if (factor !== undefined) return plausible(name, value * factor, warnings)
  warnings.push(`${name}WithUnit: the unit "${unit}" is unknown`)
  return plausible(name, numberOf(bare), warnings)
}

/** A thousand tonnes, or a thousand kilometres. A larger value is an error. */
const MEASURE_MAX = 1e9

/** Checks and rounds a value: with floats, 0.035 kg are 35.00000000000001 g. */
function plausible(name: string, value: number | null, warnings: string[]): number | null {
  if (value === null) return null
  if (value >= 0 && value <= MEASURE_MAX) return Math.round(value * 1e6) / 1e6
  warnings.push(`${name}: ${value < 0 ? 'below zero' : 'implausibly large'}, left out`)
  return null
}
