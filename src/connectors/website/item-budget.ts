// Limits of the evidence of one page. The rest of a larger page is left out, with a problem.

import { cutText } from '../../lib/text.ts'
import type { Value } from './evidence.ts'
import { ADDRESSES } from './vocabulary.ts'

/** Deeper items are left out: an image of an offer of a variant of a graph has depth 5. */
export const DEPTH_MAX = 12
const ITEMS_MAX = 20_000
const STEPS_MAX = 200_000
const VALUES_MAX = 5_000
const TEXT_CHARS_MAX = 2_000
const DESCRIPTION_CHARS_MAX = 50_000
/** All texts of a page together. */
const CHARS_MAX = 4_000_000

export class ItemBudget {
  #items = 0
  #steps = 0
  #chars = 0
  #isExceeded = false

  /** True once something was left out. */
  get isExceeded(): boolean {
    return this.#isExceeded
  }

  /** True if one more item may be read. */
  takeItem(): boolean {
    return this.#check(++this.#items <= ITEMS_MAX)
  }

  /** True if one more node may be visited. */
  takeStep(): boolean {
    return this.#check(++this.#steps <= STEPS_MAX)
  }

  /** True if a property that has `count` values may have one more. */
  takeValue(count: number): boolean {
    return this.#check(count < VALUES_MAX)
  }

  /** Returns the first values of a property. */
  takeValues(values: Iterable<Value>): Value[] {
    const taken: Value[] = []
    for (const value of values) {
      if (!this.takeValue(taken.length)) break
      taken.push(value)
    }
    return taken
  }

  /** Notes that a part of the page was left out. */
  exceed(): void {
    this.#isExceeded = true
  }

  /** Returns the text, or nothing for one that is empty or too long; descriptions are cut. */
  takeText(name: string, text: string): string[] {
    const isDescription = name === 'description'
    const charsMax = isDescription ? DESCRIPTION_CHARS_MAX : TEXT_CHARS_MAX
    const trimmed = isDescription ? cutText(text.trim(), charsMax) : text.trim()
    if (trimmed === '') return []
    // Images as data are longer than any address, and have no use.
    if (ADDRESSES.has(name) && trimmed.length > charsMax) return []
    if (!this.#check(trimmed.length <= charsMax && this.#chars + trimmed.length <= CHARS_MAX))
      return []
    this.#chars += trimmed.length
    return [trimmed]
  }

  #check(isWithin: boolean): boolean {
    if (!isWithin) this.#isExceeded = true
    return isWithin
  }
}
