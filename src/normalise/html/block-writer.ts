// Collects text into lines and paragraphs: spaces collapse, and blank lines separate paragraphs.

import { toWordSet } from '../words.ts'

/** Tags that begin a paragraph, and those that begin a line. */
const PARAGRAPHS = toWordSet(`
    p div section article aside header footer main figure table ul ol dl blockquote pre form h1 h2
    h3 h4 h5 h6 hr details fieldset
  `)
const LINES = toWordSet('br li tr dt dd option figcaption caption summary')

/**
 * Builds text in one pass; breaks wait until the next word, so that none begins or ends the text.
 */
export class BlockWriter {
  readonly #pieces: string[] = []
  #break = 0
  #hasSpace = false

  /** Adds the break before or after a tag. */
  breakAt(name: string): void {
    if (PARAGRAPHS.has(name)) this.#break = 2
    else if (LINES.has(name)) this.#break = Math.max(this.#break, 1)
    else if (name === 'td' || name === 'th') this.#hasSpace = true
  }

  /** Adds the words of a text; `escape` is applied to each run of words. */
  words(text: string, escape: (words: string) => string = (words) => words): void {
    const words = text.replaceAll(/\s+/gu, ' ')
    const trimmed = words.trim()
    if (words.startsWith(' ')) this.#hasSpace = true
    if (trimmed === '') return
    this.mark(escape(trimmed))
    this.#hasSpace = words.endsWith(' ')
  }

  /** Adds markup unchanged, after the break or the space that waits. */
  mark(markup: string): void {
    if (this.#pieces.length > 0) {
      if (this.#break > 0) this.#pieces.push('\n'.repeat(this.#break))
      else if (this.#hasSpace) this.#pieces.push(' ')
    }
    this.#break = 0
    this.#hasSpace = false
    this.#pieces.push(markup)
  }

  /** Adds markup that ends a phrase: a space that waits comes after it. */
  endMark(markup: string): void {
    this.#pieces.push(markup)
  }

  toString(): string {
    return this.#pieces.join('')
  }
}
