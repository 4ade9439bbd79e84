// Reads HTML as a stream of tags and text. It uses the tokenizer of htmlparser2 alone: a parser
// keeps a stack of open tags, whose searches make hostile HTML quadratic.

import { Tokenizer } from 'htmlparser2'
import { toWordSet } from '../words.ts'

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
  const reader = new HtmlReader(html, handler)
  const tokenizer = new Tokenizer({}, reader)
  tokenizer.write(html)
  tokenizer.end()
}

/** Translates the callbacks of the tokenizer, which are places in the text. */
class HtmlReader {
  readonly #html: string
  readonly #handler: HtmlHandler
  #name = ''
  #attribute = ''
  #value = ''
  #attributes = new Map<string, string>()
  /** The hidden element that is open, if any, and how often its name is open inside it. */
  #hidden = { name: '', depth: 0 }

  constructor(html: string, handler: HtmlHandler) {
    this.#html = html
    this.#handler = handler
  }

  onopentagname(start: number, end: number): void {
    this.#name = this.#html.slice(start, end).toLowerCase()
    this.#attributes = new Map()
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#html.slice(start, end).toLowerCase()
    this.#value = ''
  }

  onattribdata(start: number, end: number): void {
    this.#value += this.#html.slice(start, end)
  }

  onattribentity(codePoint: number): void {
    this.#value += String.fromCodePoint(codePoint)
  }

  onattribend(): void {
    if (!this.#attributes.has(this.#attribute)) this.#attributes.set(this.#attribute, this.#value)
  }

  onopentagend(): void {
    const name = this.#name
    if (this.#hidden.depth > 0) {
      if (name === this.#hidden.name) this.#hidden.depth++
      return
    }
    if (HIDDEN.has(name)) this.#hidden = { name, depth: 1 }
    else this.#handler.open(name, this.#attributes)
  }

  onselfclosingtag(): void {
    if (this.#hidden.depth > 0) return
    if (HIDDEN.has(this.#name)) return
    this.#handler.open(this.#name, this.#attributes)
    if (!VOID.has(this.#name)) this.#handler.close(this.#name)
  }

  onclosetag(start: number, end: number): void {
    const name = this.#html.slice(start, end).toLowerCase()
    if (this.#hidden.depth === 0) this.#handler.close(name)
    else if (name === this.#hidden.name) this.#hidden.depth--
  }

  ontext(start: number, end: number): void {
    if (this.#hidden.depth === 0) this.#handler.text(this.#html.slice(start, end))
  }

  ontextentity(codePoint: number): void {
    if (this.#hidden.depth === 0) this.#handler.text(String.fromCodePoint(codePoint))
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}
}
