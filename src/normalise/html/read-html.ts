// Reads HTML as a stream of the tags and the text that a reader sees.

import { toWordSet } from '../words.ts'
import { readTags, type StartTag, type TagHandler } from './read-tags.ts'

/** Receives what a reader shows, in order. Names are in lower case. */
export interface HtmlHandler {
  open(name: string, attributes: ReadonlyMap<string, string>): void
  close(name: string): void
  /** Text with decoded entities, in pieces of any length. */
  text(text: string): void
}

/** Elements whose content is not text for a reader. */
const HIDDEN = toWordSet('script style template noscript title iframe object svg math head')

const VOID = toWordSet('br hr img input wbr area base col embed link meta source track')

/** Reads a document or a fragment; the work is linear in its length. */
export function readHtml(html: string, handler: HtmlHandler): void {
  readTags(html, new VisibleReader(handler))
}

/** Leaves out hidden elements with their content. */
class VisibleReader implements TagHandler {
  readonly #handler: HtmlHandler
  /** The hidden element that is open, if any, and how often its name is open inside it. */
  #hidden = { name: '', depth: 0 }

  constructor(handler: HtmlHandler) {
    this.#handler = handler
  }

  open({ name, attributes, isSelfClosing }: StartTag): void {
    if (this.#hidden.depth > 0) {
      if (name === this.#hidden.name && !isSelfClosing) this.#hidden.depth++
    } else if (!HIDDEN.has(name)) {
      this.#handler.open(name, attributes)
      if (isSelfClosing && !VOID.has(name)) this.#handler.close(name)
    } else if (!isSelfClosing) this.#hidden = { name, depth: 1 }
  }

  close(name: string): void {
    if (this.#hidden.depth === 0) this.#handler.close(name)
    else if (name === this.#hidden.name) this.#hidden.depth--
  }

  text(text: string): void {
    if (this.#hidden.depth === 0) this.#handler.text(text)
  }
}
