// Collects the evidence of a page while its tags are read: scripts of JSON-LD, items in attributes,
// meta tags, the canonical link, title and heading.

import { htmlToText } from '../../normalise/html/html-to-text.ts'
import type { StartTag, TagHandler } from '../../normalise/html/read-tags.ts'
import { toWordSet } from '../../normalise/words.ts'
import { AttributeItems, type OpenScope } from './attribute-items.ts'
import type { PageEvidence } from './evidence.ts'
import { ItemBudget } from './item-budget.ts'
import { parseBlock } from './json-ld.ts'
import { toItems } from './json-ld-items.ts'
import { OpenElements } from './open-elements.ts'

const BLOCKS_MAX = 500
const NAME_CHARS_MAX = 1_000
const META_VALUES_MAX = 50
const PROBLEMS_MAX = 10

/** The meta tags of Open Graph, and of its extension for products, that have a use. */
const META = toWordSet(`
  og:type og:title og:description og:url og:image og:image:secure_url og:brand og:availability
  og:price:amount og:price:currency og:price:standard_amount product:price:amount
  product:price:currency product:sale_price:amount product:sale_price:currency
  product:original_price:amount product:availability product:brand product:retailer_item_id
  product:sku product:gtin product:ean product:upc product:isbn product:mfr_part_no
  product:category
`)

/** Things that end with their element: scopes of items, or the first heading. */
interface Note {
  readonly scopes: readonly OpenScope[]
  readonly headingStart: number | null
}

export class PageReader implements TagHandler {
  readonly #html: string
  readonly #url: string
  readonly #budget = new ItemBudget()
  readonly #items: AttributeItems
  readonly #elements = new OpenElements<Note>((note, end) => this.#end(note, end))
  readonly #blocks: (readonly unknown[])[] = []
  readonly #meta: Record<string, string[]> = {}
  readonly #problems: string[] = []
  #base: string
  #lang: string | null = null
  #canonical: string | null = null
  #title: string | null = null
  #heading: string | null = null
  #blockCount = 0
  /** The text of the open script of JSON-LD, or of the title. */
  #text: { readonly name: 'script' | 'title'; readonly pieces: string[] } | null = null

  constructor(html: string, url: string) {
    this.#html = html
    this.#url = url
    this.#base = url
    this.#items = new AttributeItems(html, this.#budget, () => this.#base)
  }

  open(tag: StartTag): void {
    this.#elements.prepare(tag.name, tag.start)
    const isInSvg = tag.name === 'svg' || this.#elements.isOpen('svg')
    if (tag.name === 'script') this.#openScript(tag.attributes)
    else if (isInSvg && tag.isSelfClosing) return
    else if (isInSvg || this.#elements.isOpen('template')) this.#elements.open(tag.name, null)
    else this.#openElement(tag)
  }

  close(name: string, start: number): void {
    if (this.#text !== null && name === this.#text.name) this.#endText()
    else this.#elements.close(name, start)
  }

  text(text: string): void {
    this.#text?.pieces.push(text)
  }

  /** Returns the evidence; no more tags may follow. */
  finish(): PageEvidence {
    this.#endText()
    this.#elements.finish(this.#html.length)
    const items = toItems(this.#blocks, this.#budget, this.#base)
    if (this.#budget.isExceeded) this.#problems.push('Parts of the structured data are too large')
    return {
      url: this.#url,
      canonical: this.#canonical,
      lang: this.#lang,
      title: this.#title,
      heading: this.#heading,
      meta: this.#meta,
      items: [...items, ...this.#items.items],
      problems: this.#problems,
    }
  }

  #openElement({ name, attributes, end }: StartTag): void {
    if (name === 'html') this.#lang ??= shorten(attributes.get('lang') ?? '')
    if (name === 'title' && this.#title === null) this.#text = { name: 'title', pieces: [] }
    if (name === 'base')
      this.#base = URL.parse(attributes.get('href') ?? '', this.#base)?.href ?? this.#base
    if (name === 'link') this.#readLink(attributes)
    if (name === 'meta') this.#readMeta(attributes)
    const scopes = this.#items.open(name, attributes, end)
    const isHeading = name === 'h1' && this.#heading === null
    const note: Note = { scopes, headingStart: isHeading ? end : null }
    const isNoted = scopes.length > 0 || isHeading
    // Elements without content end at once.
    if (!this.#elements.open(name, isNoted ? note : null) && isNoted) this.#end(note, end)
  }

  #openScript(attributes: ReadonlyMap<string, string>): void {
    if (!/^\s*application\/ld\+json\b/i.test(attributes.get('type') ?? '')) return
    this.#blockCount++
    if (this.#blockCount <= BLOCKS_MAX) this.#text = { name: 'script', pieces: [] }
    else if (this.#blockCount === BLOCKS_MAX + 1)
      this.#problems.push(`The page has more than ${BLOCKS_MAX} blocks of JSON-LD`)
  }

  #readLink(attributes: ReadonlyMap<string, string>): void {
    const isCanonical = attributes.get('rel')?.toLowerCase().split(/\s+/).includes('canonical')
    const href = attributes.get('href')?.trim() ?? ''
    if (isCanonical && href !== '') this.#canonical ??= URL.parse(href, this.#base)?.href ?? null
  }

  #readMeta(attributes: ReadonlyMap<string, string>): void {
    const name = (attributes.get('property') ?? attributes.get('name') ?? '').trim().toLowerCase()
    if (!META.has(name)) return
    const values = (this.#meta[name] ??= [])
    if (values.length < META_VALUES_MAX)
      values.push(...this.#budget.takeText(name, attributes.get('content') ?? ''))
  }

  #endText(): void {
    const open = this.#text
    this.#text = null
    if (open?.name === 'title') this.#title = shorten(open.pieces.join(''))
    if (open?.name === 'script') this.#readBlock(open.pieces.join(''))
  }

  #readBlock(text: string): void {
    const { documents, problem } = parseBlock(text)
    this.#blocks.push(documents)
    if (problem !== null && this.#problems.length < PROBLEMS_MAX)
      this.#problems.push(`Block ${this.#blockCount} of JSON-LD is not JSON: ${problem}`)
  }

  #end({ scopes, headingStart }: Note, end: number): void {
    for (const scope of scopes) this.#items.close(scope, end)
    if (headingStart !== null)
      this.#heading ??= shorten(
        htmlToText(this.#html.slice(headingStart, Math.min(end, headingStart + 10_000))),
      )
  }
}

function shorten(text: string): string | null {
  const words = text.replaceAll(/\s+/g, ' ').trim().slice(0, NAME_CHARS_MAX)
  return words === '' ? null : words
}
