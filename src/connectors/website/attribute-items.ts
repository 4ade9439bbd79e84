// Reads items from attributes of elements: microdata (https://html.spec.whatwg.org/multipage/microdata.html)
// and RDFa Lite (https://www.w3.org/TR/rdfa-lite/). `itemref` is not followed.

import { htmlToText } from '../../normalise/html/html-to-text.ts'
import type { PageItem, Syntax, Value } from './evidence.ts'
import { DEPTH_MAX, type ItemBudget } from './item-budget.ts'
import { ADDRESSES, PROPERTIES, toWord } from './vocabulary.ts'

type Attributes = ReadonlyMap<string, string>
type AttributeSyntax = Exclude<Syntax, 'json-ld'>

/** An item whose element is still open. */
interface OpenItem {
  readonly types: readonly string[]
  readonly id: string | null
  readonly properties: Record<string, Value[]>
}

/** An item, or a property whose value is the content; both end with their element. */
export type OpenScope =
  | { readonly kind: 'item'; readonly notation: AttributeSyntax }
  | {
      readonly kind: 'content'
      readonly target: OpenItem
      readonly names: readonly string[]
      readonly start: number
    }

const PROPERTY_ATTRIBUTES = { microdata: 'itemprop', rdfa: 'property' } as const

/** Attributes whose value is an address, in the order of preference. */
const ADDRESS_ATTRIBUTES = ['href', 'src', 'data-src', 'data', 'resource']

/** Elements whose value is their address, unless they hold a text such as the name of a product. */
const MEDIA = new Set(['img', 'audio', 'embed', 'iframe', 'source', 'track', 'video', 'object'])

const PRICES = new Set(['price', 'lowprice', 'highprice'])

/** Content of properties is read once more for each property around it, so its sum is limited. */
const CONTENT_CHARS_MAX = 60_000
const CONTENT_SUM_MAX = 2_000_000

export class AttributeItems {
  readonly items: PageItem[] = []
  readonly #html: string
  readonly #budget: ItemBudget
  readonly #base: () => string
  readonly #open: Record<AttributeSyntax, OpenItem[]> = { microdata: [], rdfa: [] }
  #hasVocabulary = false
  #contentChars = 0

  constructor(html: string, budget: ItemBudget, base: () => string) {
    this.#html = html
    this.#budget = budget
    this.#base = base
  }

  /** Reads a start tag, whose content begins at `end`, and returns what ends with the element. */
  open(name: string, attributes: Attributes, end: number): OpenScope[] {
    if (attributes.get('vocab')?.includes('schema.org')) this.#hasVocabulary = true
    return [
      ...this.#read('microdata', name, attributes, end),
      ...this.#read('rdfa', name, attributes, end),
    ]
  }

  /** Ends what `open` returned, at the place of the end tag. */
  close(scope: OpenScope, end: number): void {
    if (scope.kind === 'item') this.#open[scope.notation].pop()
    else this.#addContent(scope, end)
  }

  #read(notation: AttributeSyntax, name: string, attributes: Attributes, end: number): OpenScope[] {
    const types = this.#typesOf(notation, attributes)
    const stated = attributes.get(PROPERTY_ATTRIBUTES[notation])
    const names = stated === undefined ? null : this.#namesOf(notation, stated)
    if (types !== null) {
      const item = this.#toItem(notation, types, attributes)
      if (this.#budget.takeItem()) this.#place(notation, item, names)
      // An item that is left out is open, too: its properties are not those of the outer one.
      this.#open[notation].push(item)
      return [{ kind: 'item', notation }]
    }
    const target = this.#open[notation].at(-1)
    if (target === undefined || names === null || names.length === 0) return []
    const value = this.#valueOf(name, names, attributes)
    if (value === null) return [{ kind: 'content', target, names, start: end }]
    for (const one of names) this.#add(target, one, this.#budget.takeText(one, value))
    return []
  }

  #toItem(notation: AttributeSyntax, types: readonly string[], attributes: Attributes): OpenItem {
    const id = attributes.get(notation === 'microdata' ? 'itemid' : 'resource')
    const item: OpenItem = {
      types,
      id: id === undefined ? null : (URL.parse(id, this.#base())?.href ?? id),
      properties: {},
    }
    // `<a itemscope itemprop="item" href="…">`: the address of the item.
    const href = attributes.get('href')
    if (href !== undefined) this.#add(item, 'url', this.#budget.takeText('url', href))
    return item
  }

  /** Adds an item to the outer one, or to those of the page. `names` null: it is not a value. */
  #place(notation: AttributeSyntax, item: OpenItem, names: readonly string[] | null): void {
    const target = this.#open[notation].at(-1)
    if (target === undefined || names === null)
      this.items.push({ syntax: notation, block: 0, item })
    // The value of a property without a use is left out with it.
    else if (this.#open[notation].length < DEPTH_MAX)
      for (const one of names) this.#add(target, one, [item])
  }

  /** Returns the types of the item that an element begins, or null when it begins none. */
  #typesOf(notation: AttributeSyntax, attributes: Attributes): string[] | null {
    const isMicrodata = notation === 'microdata'
    const begins = isMicrodata ? attributes.has('itemscope') : attributes.has('typeof')
    if (!begins) return null
    const types = (attributes.get(isMicrodata ? 'itemtype' : 'typeof') ?? '').split(/\s+/)
    const known = types.filter((type) => isMicrodata || this.#isOurs(type))
    return isMicrodata || known.length > 0 ? known.filter((type) => type !== '').map(toWord) : null
  }

  #namesOf(notation: AttributeSyntax, stated: string): string[] {
    return stated
      .split(/\s+/)
      .filter((name) => notation === 'microdata' || this.#isOurs(name))
      .map(toWord)
      .filter((name) => PROPERTIES.has(name))
  }

  /** RDFa mixes vocabularies: `og:title` is not a property of schema.org. */
  #isOurs(term: string): boolean {
    return (
      /^schema:|^https?:\/\/schema\.org\//i.test(term) ||
      (this.#hasVocabulary && !term.includes(':'))
    )
  }

  /** Returns the value in the attributes, or null when the content is the value. */
  #valueOf(name: string, names: readonly string[], attributes: Attributes): string | null {
    const stated = attributes.get('content') ?? attributes.get('datetime')
    if (stated !== undefined) return stated
    if (name === 'meta') return ''
    if ((name === 'data' || name === 'meter') && attributes.has('value'))
      return attributes.get('value') ?? ''
    const isAddress = MEDIA.has(name) || name === 'link' || names.some((one) => ADDRESSES.has(one))
    if (!isAddress) return null
    const address = ADDRESS_ATTRIBUTES.map((one) => attributes.get(one)).find(
      (one) => one !== undefined && !one.startsWith('data:'),
    )
    return address ?? (MEDIA.has(name) || name === 'link' ? '' : null)
  }

  #addContent(
    { target, names, start }: Extract<OpenScope, { kind: 'content' }>,
    end: number,
  ): void {
    const length = Math.min(Math.max(0, end - start), CONTENT_CHARS_MAX)
    this.#contentChars += length
    if (this.#contentChars > CONTENT_SUM_MAX) {
      this.#budget.exceed()
      return
    }
    const text = htmlToText(this.#html.slice(start, start + length))
    for (const name of names)
      this.#add(
        target,
        PRICES.has(name) ? `${name}text` : name,
        this.#budget.takeText(name, name === 'description' ? text : text.replaceAll(/\s+/g, ' ')),
      )
  }

  #add({ properties }: OpenItem, name: string, values: readonly Value[]): void {
    const all = (properties[name] ??= [])
    for (const value of values) if (this.#budget.takeValue(all.length)) all.push(value)
    if (all.length === 0) delete properties[name]
  }
}
