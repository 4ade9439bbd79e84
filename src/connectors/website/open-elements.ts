// The open elements of a document, after the rules of HTML for end tags that are missing or
// misplaced (https://html.spec.whatwg.org/multipage/parsing.html). Every operation takes constant
// time for each element that it opens or closes: no end tag searches the stack.

import { toWordSet } from '../../normalise/words.ts'

const VOID = toWordSet('br hr img input wbr area base col embed link meta source track param')

/** An end tag of another element does not close these. */
const SPECIAL = toWordSet(
  `address article aside blockquote body button caption center dd details dir div dl dt fieldset
  figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hgroup html li main menu nav object
  ol p pre section select summary table tbody td template tfoot th thead tr ul`,
)

/** No end tag inside these closes an element outside. */
const BOUNDARIES = toWordSet('table td th caption template html')

/** Start tags that end an open element, up to the nearest boundary of that element. */
const ENDED_BY: Readonly<Record<string, { ended: readonly string[]; within: readonly string[] }>> =
  {
    li: { ended: ['li'], within: ['ul', 'ol'] },
    option: { ended: ['option'], within: ['select'] },
    dt: { ended: ['dt', 'dd'], within: ['dl'] },
    dd: { ended: ['dt', 'dd'], within: ['dl'] },
    td: { ended: ['td', 'th'], within: ['tr', 'table'] },
    th: { ended: ['td', 'th'], within: ['tr', 'table'] },
    tr: { ended: ['tr'], within: ['table'] },
  }

/** Start tags that end an open paragraph. */
const ENDS_PARAGRAPH = toWordSet(
  `address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6
  header hr main nav ol p pre section table ul`,
)

interface OpenElement<Note> {
  readonly name: string
  readonly note: Note | null
}

/** A `Note` belongs to an open element; `onEnd` receives it when the element ends. */
export class OpenElements<Note> {
  readonly #stack: OpenElement<Note>[] = []
  /** The places of the open elements of each name, and of all special ones and boundaries. */
  readonly #places = new Map<string, number[]>()
  readonly #special: number[] = []
  readonly #boundaries: number[] = []
  readonly #onEnd: (note: Note, end: number) => void

  /** `onEnd` receives the note of each element that ends, the innermost first, and the place. */
  constructor(onEnd: (note: Note, end: number) => void) {
    this.#onEnd = onEnd
  }

  isOpen(name: string): boolean {
    return this.#findPlace(name) >= 0
  }

  /** Ends the open elements that a start tag at `start` closes without an end tag. */
  prepare(name: string, start: number): void {
    const rule = Object.hasOwn(ENDED_BY, name) ? ENDED_BY[name] : undefined
    if (rule !== undefined) {
      const place = Math.max(...rule.ended.map((one) => this.#findPlace(one)))
      if (place > Math.max(...rule.within.map((one) => this.#findPlace(one))))
        this.#endFrom(place, start)
    }
    if (ENDS_PARAGRAPH.has(name)) {
      const place = this.#findPlace('p')
      if (place >= 0 && place > this.#lastOf(this.#boundaries)) this.#endFrom(place, start)
    }
  }

  /** Adds an element. Returns false for one without content. */
  open(name: string, note: Note | null): boolean {
    if (VOID.has(name)) return false
    const place = this.#stack.length
    this.#stack.push({ name, note })
    const places = this.#places.get(name)
    if (places === undefined) this.#places.set(name, [place])
    else places.push(place)
    if (SPECIAL.has(name)) this.#special.push(place)
    if (BOUNDARIES.has(name)) this.#boundaries.push(place)
    return true
  }

  /** Ends the element of an end tag, with all elements in it. A misplaced end tag does nothing. */
  close(name: string, start: number): void {
    const place = this.#findPlace(name)
    const barrier = this.#lastOf(SPECIAL.has(name) ? this.#boundaries : this.#special)
    if (place >= 0 && (place >= barrier || BOUNDARIES.has(name))) this.#endFrom(place, start)
  }

  /** Ends all elements. */
  finish(end: number): void {
    this.#endFrom(0, end)
  }

  #endFrom(place: number, end: number): void {
    while (this.#stack.length > place) {
      const element = this.#stack.pop()
      if (element === undefined) return
      this.#places.get(element.name)?.pop()
      if (SPECIAL.has(element.name)) this.#special.pop()
      if (BOUNDARIES.has(element.name)) this.#boundaries.pop()
      if (element.note !== null) this.#onEnd(element.note, end)
    }
  }

  #findPlace(name: string): number {
    return this.#lastOf(this.#places.get(name) ?? [])
  }

  #lastOf(places: readonly number[]): number {
    return places.at(-1) ?? -1
  }
}
