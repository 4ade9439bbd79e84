// The texts of a product with their places, and what each of them states.

import type { Finding } from '../finding.ts'
import { readCoffee, type CoffeeField, type CoffeeReading } from './read-coffee.ts'

/** The text that a value was read from. */
export type Place = 'type' | 'tag' | 'category' | 'attribute' | 'option' | 'title' | 'description'

export type PlacedFinding<Value> = Finding<Value> & { readonly place: Place }

/** A text of a product. */
export interface PlacedText {
  readonly place: Place
  readonly text: string
  readonly field: CoffeeField
}

/** The values that one text of a product states. */
export interface PlacedReading {
  readonly place: Place
  readonly reading: CoffeeReading
}

export function toPlacedText(
  place: Place,
  text: string | null,
  field: CoffeeField,
): PlacedText | null {
  return text === null ? null : { place, text, field }
}

export function readPlaced({ place, text, field }: PlacedText): PlacedReading {
  return { place, reading: readCoffee(text, field) }
}
