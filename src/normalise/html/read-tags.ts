// Reads HTML as a stream of all its tags and texts, including scripts. It uses the tokenizer of
// htmlparser2 alone: a parser keeps a stack of open tags, whose searches make hostile HTML
// quadratic.

import { Tokenizer } from 'htmlparser2'

export interface StartTag {
  /** In lower case, like the names of the attributes. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** The tag is `html.slice(start, end)`. */
  readonly start: number
  readonly end: number
  /** True for `<g/>`. HTML ignores the slash, except in SVG and MathML. */
  readonly isSelfClosing: boolean
}

/** Receives tags and texts in order. */
export interface TagHandler {
  open(tag: StartTag): void
  /** An end tag, which begins at `start`. */
  close(name: string, start: number): void
  /** Text with decoded entities, in pieces of any length. The text of scripts has no entities. */
  text(text: string): void
}

/** Reads a document or a fragment; the work is linear in its length. */
export function readTags(html: string, handler: TagHandler): void {
  const tokenizer = new Tokenizer({}, new TagReader(html, handler))
  tokenizer.write(html)
  tokenizer.end()
}

/** Translates the callbacks of the tokenizer, which are places in the text. */
class TagReader {
  readonly #html: string
  readonly #handler: TagHandler
  #name = ''
  #start = 0
  #attribute = ''
  #value = ''
  #attributes = new Map<string, string>()

  constructor(html: string, handler: TagHandler) {
    this.#html = html
    this.#handler = handler
  }

  onopentagname(start: number, end: number): void {
    this.#name = this.#html.slice(start, end).toLowerCase()
    this.#start = start - 1
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

  onopentagend(end: number): void {
    this.#open(end + 1, false)
  }

  onselfclosingtag(end: number): void {
    this.#open(end + 1, true)
  }

  onclosetag(start: number, end: number): void {
    this.#handler.close(this.#html.slice(start, end).toLowerCase(), start - 2)
  }

  ontext(start: number, end: number): void {
    this.#handler.text(this.#html.slice(start, end))
  }

  ontextentity(codePoint: number): void {
    this.#handler.text(String.fromCodePoint(codePoint))
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #open(end: number, isSelfClosing: boolean): void {
    const tag = { name: this.#name, attributes: this.#attributes, start: this.#start, end }
    this.#handler.open({ ...tag, isSelfClosing })
  }
}
