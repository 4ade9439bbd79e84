// Descriptions, which make products between 900 bytes and 300 KB. Lines of the real catalogue have
// a mean of 5.6 KB and a long tail.

import { mix, createRandom } from '../support/random.ts'
import type { Json } from './json.ts'
import { isGiant, type ProductState } from './state.ts'
import { DESCRIPTION_TYPES, PARAGRAPHS, TARGET_GROUPS } from './words.ts'

/** Chooses the characters of text of product `index`: log-normal around the median of its kind. */
export function chooseTextBudget(
  seed: number,
  index: number,
  amount: 'none' | 'short' | 'long',
): number {
  const random = createRandom(seed, index, 81)
  const giant = isGiant(index)
  if (giant !== null)
    return giant === 'huge' ? random.between(290_000, 310_000) : random.between(105_000, 150_000)
  if (amount === 'none') return random.chance(0.7) ? 0 : random.between(100, 500)
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Math.min(80_000, Math.round((amount === 'long' ? 2_120 : 735) * Math.exp(normal * 0.9)))
}

/** Makes descriptions that share `budget` characters. The first one contains the edition. */
export function makeDescriptions(seed: number, state: ProductState, budget: number): Json[] {
  if (budget === 0) return []
  const random = createRandom(seed, state.index, 82)
  const count = Math.max(1, Math.min(DESCRIPTION_TYPES.length, Math.round(budget / 1_800)))
  const meta = {
    createdAt: state.createdAt,
    updatedAt: state.version === 0 ? state.createdAt : state.contentAt,
  }
  return Array.from({ length: count }, (_, slot) => {
    const share = budget / count
    let html =
      slot === 0 && state.version > 0 ? `<p>Edition ${state.version} of this text.</p>\n` : ''
    while (html.length < share) html += PARAGRAPHS[random.below(PARAGRAPHS.length)] ?? ''
    if (slot === 0 && mix(seed, state.index, 83) % 50 === 0)
      html += '<p>Two lines\u2028in one\u2029paragraph</p>\n'
    const type = DESCRIPTION_TYPES[slot] ?? 'faq'
    return {
      id: state.index * 32 + slot + 1,
      locales: ['en'],
      targetGroups: TARGET_GROUPS,
      type,
      content: { en: html },
      meta,
    }
  })
}
