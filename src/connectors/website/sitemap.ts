// Reads one sitemap as a stream: https://www.sitemaps.org/protocol.html. It looks only for the
// entries, so that an unescaped `&` or a notice before the XML does no harm; a document that does
// not end with its root is not whole.

import { SyncError } from '../../core/errors.ts'

/** The protocol's limit of an uncompressed file. */
const SITEMAP_BYTES_MAX = 50 * 1024 * 1024
/** An entry with a thousand images is smaller. */
const ENTRY_CHARS_MAX = 4 * 1024 * 1024

/** A notice of the server may stand before the root. */
const START_CHARS_MAX = 100_000

const GZIP = [0x1f, 0x8b]

export interface SitemapEntry {
  /** `sitemap`: the address of another sitemap. */
  readonly kind: 'page' | 'sitemap'
  /** As it is written, with entities decoded. */
  readonly address: string
  readonly changedMs: number | null
}

/**
 * Yields the entries of a sitemap, an index, or a list of addresses in plain text. `name` begins the
 * messages.
 *
 * @throws SyncError `source/malformed` for anything else · `source/cut-short` when it is not whole ·
 * `source/too-large`
 */
export async function* readSitemap(
  body: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<SitemapEntry> {
  const scanner = new SitemapScanner(name)
  for await (const text of decodeText(unzip(body, name), name)) yield* scanner.push(text)
  yield* scanner.end()
}

class SitemapScanner {
  readonly #name: string
  #rest = ''
  /** The prefix and the name of the root, such as `sm:` and `urlset`. */
  #root: { readonly prefix: string; readonly name: string } | null = null
  #isText = false
  #isWhole = false

  constructor(name: string) {
    this.#name = name
  }

  *push(text: string): Generator<SitemapEntry> {
    this.#rest += text
    if (this.#root === null && !this.#isText) this.#begin()
    if (this.#isText) yield* this.#readLines()
    else if (this.#root !== null) yield* this.#readEntries()
    if (this.#rest.length > ENTRY_CHARS_MAX)
      throw new SyncError('source/too-large', `${this.#name} has an entry of more than 4 MB`)
  }

  *end(): Generator<SitemapEntry> {
    if (this.#isText) {
      this.#rest += '\n'
      yield* this.#readLines()
      return
    }
    if (this.#rest.trim() === '' && this.#root === null)
      throw new SyncError('source/cut-short', `${this.#name} is empty`)
    if (this.#root === null)
      throw new SyncError('source/malformed', `${this.#name} is not a sitemap`)
    if (!this.#isWhole)
      throw new SyncError('source/cut-short', `${this.#name} ends before its last element`)
  }

  #begin(): void {
    const found = /<([\w-]{1,60}:)?(urlset|sitemapindex)\b/.exec(this.#rest)
    const end = found === null ? -1 : this.#rest.indexOf('>', found.index)
    if (found !== null && end !== -1) {
      const [, prefix = '', name = ''] = found
      this.#root = { prefix, name }
      this.#isWhole = this.#rest[end - 1] === '/'
      this.#rest = this.#rest.slice(end + 1)
    } else {
      this.#isText = /^\s*https?:\/\/\S+\s/.test(this.#rest)
      // The start is searched again with each piece, so it must be near.
      if (!this.#isText && this.#rest.length > START_CHARS_MAX)
        throw new SyncError('source/malformed', `${this.#name} is not a sitemap`)
    }
  }

  *#readEntries(): Generator<SitemapEntry> {
    const { prefix, name } = this.#root ?? { prefix: '', name: '' }
    const kind = name === 'urlset' ? 'page' : 'sitemap'
    const close = `</${prefix}${name === 'urlset' ? 'url' : 'sitemap'}>`
    const text = this.#rest
    let from = 0
    for (let end = text.indexOf(close); end !== -1; end = text.indexOf(close, from)) {
      const entry = readEntry(text.slice(from, end), prefix)
      if (entry !== null) yield { kind, ...entry }
      from = end + close.length
    }
    this.#rest = text.slice(from)
    if (new RegExp(`</${prefix}${name}\\s*>`).test(this.#rest)) this.#isWhole = true
  }

  *#readLines(): Generator<SitemapEntry> {
    const lines = this.#rest.split(/\r?\n/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines)
      if (line.trim() !== '') yield { kind: 'page', address: line.trim(), changedMs: null }
  }
}

function readEntry(text: string, prefix: string): Omit<SitemapEntry, 'kind'> | null {
  const visible = removeComments(text)
  const address = visible === null ? null : readElement(visible, `${prefix}loc`)
  if (visible === null || address === null) return null
  const changedMs = Date.parse(readElement(visible, `${prefix}lastmod`) ?? '')
  return { address, changedMs: Number.isNaN(changedMs) ? null : changedMs }
}

/** Returns null for a comment that is still open: the entry is in it. */
function removeComments(text: string): string | null {
  const pieces: string[] = []
  let from = 0
  for (let at = text.indexOf('<!--'); at !== -1; at = text.indexOf('<!--', from)) {
    const end = text.indexOf('-->', at + 4)
    if (end === -1) return null
    pieces.push(text.slice(from, at))
    from = end + 3
  }
  return from === 0 ? text : pieces.join('') + text.slice(from)
}

function readElement(text: string, name: string): string | null {
  const start = text.indexOf(`<${name}>`)
  const end = start === -1 ? -1 : text.indexOf(`</${name}>`, start)
  if (end === -1) return null
  const inner = text.slice(start + name.length + 2, end).trim()
  const data = /^<!\[CDATA\[([\s\S]*)\]\]>$/.exec(inner)?.[1]
  return data?.trim() ?? decodeEntities(inner)
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** XML has five entities; others could only be defined by a DTD, which is not read. */
function decodeEntities(text: string): string {
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (whole, hex, decimal, name) => {
      if (name !== undefined) return ENTITIES[name] ?? whole
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}

/** A file with the name `.xml.gz` is often sent as it is; one that HTTP has unzipped is text. */
async function* unzip(body: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done === true) return
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield first.value
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  if (!GZIP.every((byte, at) => first.value[at] === byte)) return yield* whole()
  // An error of the response is thrown as it is; any other one is in the data.
  const failure: Failure = { reason: null }
  try {
    yield* toStream(whole(), failure).pipeThrough(new DecompressionStream('gzip'))
  } catch (cause) {
    throw failure.reason === null
      ? new SyncError('source/cut-short', `${name} is not valid gzip data`, { cause })
      : failure.reason
  }
}

interface Failure {
  reason: Error | null
}

function toStream(
  chunks: AsyncGenerator<Uint8Array>,
  failure: Failure,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(new Uint8Array(value))
      } catch (error) {
        failure.reason = error instanceof Error ? error : new Error(String(error))
        controller.error(error)
      }
    },
    async cancel() {
      await chunks.return(undefined)
    },
  })
}

async function* decodeText(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > SITEMAP_BYTES_MAX)
      throw new SyncError('source/too-large', `${name} has more than 50 MB`)
    yield decoder.decode(chunk, { stream: true })
  }
  yield decoder.decode()
}
