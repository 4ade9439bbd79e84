// Compares names of products. Titles of pages differ from them in punctuation and in the name of the
// shop.

import type { Item, PageEvidence } from './evidence.ts'
import { firstText, toName } from './items.ts'

/** The names under which a page shows its subject. */
export class PageNames {
  readonly #names: readonly string[]
  readonly #title: string

  constructor({ heading, title, meta }: PageEvidence) {
    this.#names = [heading, ...(meta['og:title'] ?? [])].map(foldName).filter((name) => name !== '')
    this.#title = foldName(title)
  }

  /** True if the name of the item begins with that of the page: `Ruby 250 g` on the page `Ruby`. */
  begin(item: Item): boolean {
    const name = nameOf(item)
    return this.#names.some((subject) => `${name} `.startsWith(`${subject} `))
  }

  /** True if the item has a name of the page. */
  include(item: Item): boolean {
    const name = nameOf(item)
    return name !== '' && (this.#names.includes(name) || `${this.#title} `.startsWith(`${name} `))
  }
}

/** Returns the folded name of an item, empty without one. */
export function nameOf(item: Item): string {
  return foldName(toName(firstText(item, 'name'), true))
}

/** Returns only the letters and digits. */
export function foldName(text: string | null): string {
  const folded = (text ?? '').normalize('NFKC').toLowerCase()
  return folded.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim()
}
