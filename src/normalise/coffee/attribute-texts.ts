// Attributes that a shop states by name, as WooCommerce does: `Process: Washed`. The name chooses
// how the values are read; attributes of an unknown name are not read.

import type { Json } from '../../core/json.ts'
import type { CoffeeField } from './read-coffee.ts'
import type { PlacedText } from './placed.ts'

const FIELDS: readonly (readonly [name: RegExp, field: CoffeeField])[] = [
  [/roast(?!er)|röst(?!er)|tostado(?!r)|torréf(?!acteur)|tostatura|palenie|焙煎(?!所)/i, 'roast'],
  [/process|aufbereitung|proceso|traitement|procédé|obróbka|lavorazione|精製/i, 'process'],
  [/variet|cultivar|odmiana|sorte|品種/i, 'variety'],
  [/altitude|elevation|höhe|altura|wysokość|標高/i, 'altitude'],
  [/species|arabica|spezies|especie|gatunek/i, 'species'],
  [/origin|region|country|herkunft|origen|origine|pochodzenie|kraj|産地|estate|farm/i, 'tag'],
  [/note|flavo|taste|tasting|aroma|geschmack|sabor|smak|certif|cert$/i, 'tag'],
]

/** `values` has a list of texts by the name of each attribute. */
export function listAttributeTexts(values: Json | undefined): PlacedText[] {
  if (values === null || typeof values !== 'object' || Array.isArray(values)) return []
  return Object.entries(values).flatMap(([name, texts]): PlacedText[] => {
    const field = FIELDS.find(([pattern]) => pattern.test(name))?.[1]
    if (field === undefined || !Array.isArray(texts)) return []
    return texts.flatMap((text) =>
      typeof text === 'string' ? [{ place: 'attribute' as const, text, field }] : [],
    )
  })
}
