// Sensory levels that shops state as tags: `acidity-medium-high`, `body:full`.

import type { PlacedFinding } from './placed.ts'

/** The qualities of a cup, in the names of the attributes. */
export const SENSES = [
  'acidity',
  'body',
  'bitterness',
  'sweetness',
  'aftertaste',
  'clarity',
] as const

export type Sense = (typeof SENSES)[number]

const LEVEL =
  /(?:is\s+)?(low|light|mild|medium[\s_-]?low|medium|medium[\s_-]?high|high|full|strong|long|short|clean|none)$/
const STATED = new RegExp(`^(${SENSES.join('|')})[\\s:_-]+${LEVEL.source}`, 'i')

/** Returns the level of each sense that the tags state once. */
export function findSenses(
  tags: readonly string[],
): ReadonlyMap<Sense, PlacedFinding<string> | null> {
  const found = new Map<Sense, PlacedFinding<string> | null>()
  for (const tag of tags) {
    const [raw, sense = '', level = ''] = STATED.exec(tag.trim()) ?? []
    if (raw === undefined) continue
    const name = sense.toLowerCase() as Sense
    const value = level.toLowerCase().replaceAll(/[\s-]/g, '_')
    const known = found.get(name)
    const isSame = known === undefined || known?.value === value
    found.set(
      name,
      isSame ? { value, raw, rule: 'sensory/tag', confidence: 1, place: 'tag' } : null,
    )
  }
  return found
}
