// HTML to Markdown (https://spec.commonmark.org/0.31.2/): headings, lists, emphasis, quotations and
// safe links. The rest becomes text, in which no character is markup, so that it is harmless to
// render.

import { BlockWriter } from './block-writer.ts'
import { readHtml, type HtmlHandler } from './read-html.ts'

const LINK_SCHEMES = new Set(['http:', 'https:', 'mailto:'])
const EMPHASIS: Readonly<Record<string, string>> = { b: '**', strong: '**', i: '*', em: '*' }

/** Deeper lists are shown at this depth. */
const LIST_DEPTH_MAX = 6

/**
 * Returns Markdown; relative links need `base`, the address of the page, and are text without it.
 */
export function htmlToMarkdown(html: string, base?: string): string {
  const writer = new MarkdownWriter(base)
  readHtml(html, writer)
  return writer.finish()
}

/**
 * Returns the absolute address of a link that is safe to show, or null: no `javascript:`, no
 * `data:`.
 */
export function toSafeLink(href: string, base?: string): string | null {
  const url = URL.parse(href.trim(), base)
  if (!url || !LINK_SCHEMES.has(url.protocol) || url.username !== '' || url.password !== '')
    return null
  return url.href.replaceAll('(', '%28').replaceAll(')', '%29').replaceAll('\\', '%5C')
}

class MarkdownWriter implements HtmlHandler {
  readonly #writer = new BlockWriter()
  readonly #base: string | undefined
  /** The open lists: the number of the next item, or null in a bulleted list. */
  readonly #lists: (number | null)[] = []
  /** Markers that wait for their first word, so that an empty element leaves none. */
  #waiting: { name: string; mark: string }[] = []
  #open: { name: string; end: string }[] = []

  constructor(base: string | undefined) {
    this.#base = base
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    this.#breakAt(name)
    if (/^h[1-6]$/.test(name)) this.#waiting = [{ name, mark: `${'#'.repeat(Number(name[1]))} ` }]
    if (name === 'blockquote') this.#waiting = [{ name, mark: '> ' }]
    if (name === 'ul' || name === 'ol') this.#lists.push(name === 'ol' ? 1 : null)
    if (name === 'li') this.#waiting = [{ name, mark: this.#takeBullet() }]
    if (name in EMPHASIS) this.#wait(name, EMPHASIS[name] ?? '')
    const link = name === 'a' ? toSafeLink(attributes.get('href') ?? '', this.#base) : null
    if (link !== null) this.#wait(name, '[', `](${link})`)
  }

  close(name: string): void {
    if (name === 'ul' || name === 'ol') this.#lists.pop()
    if (this.#open.some((one) => one.name === name)) this.#closeTo(name)
    this.#waiting = this.#waiting.filter((one) => one.name !== name)
    this.#breakAt(name)
  }

  text(text: string): void {
    if (text.trim() !== '' && this.#waiting.length > 0) {
      this.#writer.words(/^\s/.test(text) ? ' ' : '')
      this.#writer.mark(this.#waiting.map(({ mark }) => mark).join(''))
      this.#waiting = []
      this.#writer.words(text.trimStart(), escapeMarkdown)
    } else this.#writer.words(text, escapeMarkdown)
  }

  finish(): string {
    this.#closeTo(null)
    return this.#writer.toString()
  }

  /** Emphasis and links do not cross a block. */
  #breakAt(name: string): void {
    if (!(name in EMPHASIS) && name !== 'a' && name !== 'span') this.#closeTo(null)
    const isNested = this.#lists.length > 0 && (name === 'ul' || name === 'ol')
    this.#writer.breakAt(isNested ? 'li' : name)
  }

  /** One emphasis or link of a kind is open at a time: CommonMark has no links in links. */
  #wait(name: string, mark: string, end = mark): void {
    if (this.#open.some((one) => one.name === name)) return
    this.#waiting.push({ name, mark })
    this.#open.push({ name, end })
  }

  #closeTo(name: string | null): void {
    while (this.#open.length > 0) {
      const { name: last, end } = this.#open.pop() ?? { name: '', end: '' }
      const isEmpty = this.#waiting.some((one) => one.name === last)
      this.#waiting = this.#waiting.filter((one) => one.name !== last)
      if (!isEmpty) this.#writer.endMark(end)
      if (last === name) return
    }
  }

  #takeBullet(): string {
    const depth = Math.min(this.#lists.length, LIST_DEPTH_MAX)
    const number = this.#lists.at(-1) ?? null
    if (number !== null) this.#lists[this.#lists.length - 1] = number + 1
    return `${'  '.repeat(Math.max(0, depth - 1))}${number === null ? '-' : `${number}.`} `
  }
}

/** Escapes every character that CommonMark can read as markup. */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*_[\]<>&~|]/g, String.raw`\$&`)
    .replace(/^([#+-])(?=\s|$|-)/, String.raw`\$1`)
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, String.raw`$1\$2`)
}
