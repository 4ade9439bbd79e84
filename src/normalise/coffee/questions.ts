// The fields of a coffee about which a language model may be asked. The rules of the field itself
// read the words that the model points at.

import type { Json } from '../../core/json.ts'
import type { Question } from '../question.ts'
import { readCoffee, type CoffeeField, type CoffeeReading } from './read-coffee.ts'

const QUESTIONS: readonly Question[] = [
  question('roast_level', 'how far the beans were heated', 'roast', ({ roastLevel }) => roastLevel),
  question(
    'process',
    'how the fruit was treated between harvest and milling',
    'process',
    ({ process }) => process && { value: process.value.name },
  ),
  question('species', 'the botanical species of the plant', 'species', ({ species }) => species),
  question('varieties', 'the cultivars of the plant', 'variety', ({ varieties }) => varieties),
  question('country', 'the state in which the plant grew', 'tag', ({ country }) => country),
  question('region', 'the area in which the plant grew', 'tag', ({ region }) => region),
  question(
    'flavour_notes',
    'what the drink is said to taste of',
    'tag',
    ({ flavours }) => flavours,
  ),
]

/** Returns the questions that a product leaves open; none for what is not coffee. */
export function findCoffeeQuestions(
  attributes: Readonly<Record<string, Json>>,
): readonly Question[] {
  if (attributes['is_coffee'] === false) return []
  return QUESTIONS.filter(({ field }) => (attributes[field] ?? null) === null)
}

function question(
  field: string,
  meaning: string,
  read: CoffeeField,
  find: (reading: CoffeeReading) => { readonly value: unknown } | null,
): Question {
  return {
    field,
    meaning,
    read: (words) => (find(readCoffee(words, read))?.value ?? null) as Json,
  }
}
