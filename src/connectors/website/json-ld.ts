// Parses the text of a JSON-LD script. Text that is not JSON is repaired only where one reading is
// possible: wrappers, comments and escapes of scripts, commas before a bracket, brackets after the
// end, line breaks in strings, several documents in a row, and a whole text with entities.

import { describeJsonError } from '../../lib/json-error.ts'
import { readTags } from '../../normalise/html/read-tags.ts'

export interface Block {
  /** Its documents; usually one. */
  readonly documents: readonly unknown[]
  /** Why it has none, or null. An empty script has none without a problem. */
  readonly problem: string | null
}

/** Returns the documents of a script. */
export function parseBlock(text: string): Block {
  const json = text.replace(/^\uFEFF/, '').trim()
  if (json === '') return { documents: [], problem: null }
  const strict = tryParse([json])
  if (strict !== null) return { documents: strict, problem: null }
  const repaired = tryParse(repair(json)) ?? tryParse(repair(decodeEntities(json)))
  return { documents: repaired ?? [], problem: repaired === null ? describe(json) : null }
}

function tryParse(texts: readonly string[]): unknown[] | null {
  try {
    return texts.map((text): unknown => JSON.parse(text))
  } catch {
    return null
  }
}

function describe(json: string): string {
  try {
    JSON.parse(json)
    return ''
  } catch (error) {
    return describeJsonError(error)
  }
}

/** Text in which even the quotes are entities was encoded as a whole. */
function decodeEntities(text: string): string {
  if (!/&(?:quot|#34|#x22);/i.test(text) || text.includes('"') || /<\/textarea/i.test(text))
    return text
  let decoded = ''
  // The content of a textarea has entities and no tags.
  readTags(`<textarea>${text}</textarea>`, {
    open: () => undefined,
    close: () => undefined,
    text: (piece) => (decoded += piece),
  })
  return decoded
}

/** Returns the documents in a text as JSON, if its faults are of the kinds above. */
function repair(text: string): string[] {
  return new JsonRepair(text).documents
}

class JsonRepair {
  readonly documents: string[] = []
  readonly #text: string
  #at = 0
  #depth = 0
  #pieces: string[] = []
  /** The index of the last piece that is not white space. */
  #last = -1

  constructor(text: string) {
    this.#text = text
    while (this.#at < text.length) this.#step()
    this.#endDocument()
  }

  #step(): void {
    const skipped = this.#findIgnoredEnd()
    if (skipped !== null) {
      this.#at = skipped
      return
    }
    const char = this.#text[this.#at] ?? ''
    if (char === '"') this.#addString()
    else if (char === '}' || char === ']') this.#closeBracket(char)
    else if (this.#depth === 0 && (char === ',' || char === ';')) this.#at++
    else {
      if (char === '{' || char === '[') this.#depth++
      this.#add(char)
      this.#at++
    }
  }

  /** Returns the end of a comment or of a wrapper at this place, or null. */
  #findIgnoredEnd(): number | null {
    const rest = WRAPPERS.find((wrapper) => this.#text.startsWith(wrapper, this.#at))
    if (rest !== undefined) return this.#at + rest.length
    if (this.#text.startsWith('//', this.#at)) return this.#findAfter('\n')
    if (this.#text.startsWith('/*', this.#at)) return this.#findAfter('*/')
    return null
  }

  /** A wrapper ends a line comment: `//]]>`. */
  #findAfter(end: string): number {
    const wrapper = WRAPPERS.find((one) => this.#text.startsWith(one, this.#at + 2))
    if (wrapper !== undefined && end === '\n') return this.#at + 2 + wrapper.length
    const at = this.#text.indexOf(end, this.#at + 2)
    return at < 0 ? this.#text.length : at + end.length
  }

  #closeBracket(char: string): void {
    this.#at++
    // `{…}}`: the document is whole.
    if (this.#depth === 0) return
    // `[1, 2, ]`
    if (this.#pieces[this.#last] === ',') this.#pieces[this.#last] = ''
    this.#add(char)
    this.#depth--
    if (this.#depth === 0) this.#endDocument()
  }

  #addString(): void {
    const from = this.#at++
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    this.#at++
    this.#add(repairString(this.#text.slice(from, this.#at)))
  }

  #add(piece: string): void {
    if (piece.trim() !== '') this.#last = this.#pieces.length
    this.#pieces.push(piece)
  }

  #endDocument(): void {
    const document = this.#pieces.join('').trim()
    if (document !== '') this.documents.push(document)
    this.#pieces = []
    this.#last = -1
  }
}

const WRAPPERS = ['<![CDATA[', ']]>', '<!--', '-->']

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
}

/** Control characters are escaped, and `\'` and `\x26`, which only scripts know, are replaced. */
function repairString(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, (control) => ESCAPES[control] ?? ' ')
    .replaceAll(/\\(?:x([0-9a-f]{2})|([^]))/gi, (escape, hex?: string, char?: string) =>
      hex === undefined ? (char === "'" ? "'" : escape) : String.raw`\u00${hex}`,
    )
}
