// The file of a bulk operation: one line for each product, followed by the lines of its variants and
// its pictures, which name it in `__parentId`. A record is the product's line with these lines added
// as members, in the shop's own bytes.

import { SyncError } from '../../../core/errors.ts'
import type { HttpResponse } from '../../../core/http.ts'
import { BRACE_CLOSE, COMMA, LINE_FEED } from '../../../lib/byte-scan.ts'
import { joinBytes } from '../../../lib/join-bytes.ts'
import type { LinesOfBlock } from '../../../lib/json-slices.ts'
import { isBlank, readLineBlocks } from '../../../lib/ndjson.ts'
import { isObject } from '../../../lib/objects.ts'

/** A product with 2,048 variants takes about 1 MB. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024
const BLOCK_BYTES = 256 * 1024

/** Members that Shopify adds to a line, and that name its type. */
const [PARENT, TYPE] = ['__parentId', '__typename'] as const

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()
const [VARIANTS, MEDIA, LIST_END] = [',"variant_nodes":[', ',"media_nodes":[', ']'].map((text) =>
  ENCODER.encode(text),
) as [Uint8Array, Uint8Array, Uint8Array]

/** Lines of records, and the place in the file after them. */
export interface FileBlock extends LinesOfBlock {
  readonly offset: number
  /** Numbers of the lines of the file before `offset`. */
  readonly objects: number
  readonly products: number
}

export type FilePlace = Pick<FileBlock, 'offset' | 'objects' | 'products'>

/**
 * Yields the records of `body`, which begins at `start`. `objectCount` is the number of lines of the
 * whole file. When the body fails or ends too early, the records before are yielded first, except
 * the last one, which may have further lines.
 *
 * @throws SyncError `source/cut-short` · `source/malformed` for a line whose product is not the one
 * before it · `source/too-large` · the error of `body`
 */
export async function* readRecords(
  body: HttpResponse['body'],
  start: FilePlace,
  objectCount: number,
): AsyncGenerator<FileBlock> {
  const limits = { blockBytes: BLOCK_BYTES, lineBytesMax: RECORD_BYTES_MAX }
  const gathered = new Records(start)
  for await (const { kind, bytes, ends } of readLineBlocks(body, limits)) {
    if (kind === 'piece') throw tooLarge()
    let from = 0
    // A last line without its end has been cut, unless it is whole.
    if (kind === 'rest' && parse(bytes) === null) break
    for (const end of kind === 'rest' ? [bytes.length] : ends) {
      gathered.add(bytes.subarray(from, end))
      from = end
    }
    const block = gathered.take()
    if (block !== null) yield block
  }
  if (gathered.objects < objectCount)
    throw new SyncError(
      'source/cut-short',
      `The file of the bulk operation ends after ${gathered.objects} of ${objectCount} lines`,
    )
  gathered.end()
  const block = gathered.take()
  if (block !== null) yield block
}

class Records {
  #lines: Uint8Array[] = []
  #place: FilePlace
  /** The place after the lines that were added. */
  #reached: FilePlace
  #product: Uint8Array | null = null
  #id: string | null = null
  #variants: Uint8Array[] = []
  #media: Uint8Array[] = []
  #openBytes = 0

  constructor(start: FilePlace) {
    this.#place = start
    this.#reached = start
  }

  /** Number of lines that were added, in all. */
  get objects(): number {
    return this.#reached.objects
  }

  /** Adds a line of the file, with its line feed. */
  add(line: Uint8Array): void {
    const content = line.at(-1) === LINE_FEED ? line.subarray(0, -1) : line
    const { objects, products, offset } = this.#reached
    const after = { objects, products, offset: offset + line.length }
    if (isBlank(content)) {
      this.#reached = after
      return
    }
    const node = parse(content)
    if (isChild(content, node)) {
      this.#addChild(content, node)
      this.#reached = { ...after, objects: objects + 1 }
    } else {
      this.end()
      this.#product = content
      this.#id = readProductId(node)
      this.#reached = { ...after, objects: objects + 1, products: products + 1 }
    }
    this.#openBytes += content.length
    if (this.#openBytes > RECORD_BYTES_MAX) throw tooLarge()
  }

  /** The lines after an unreadable product, and unreadable lines after a product, belong to it. */
  #addChild(content: Uint8Array, node: unknown): void {
    const isOther = isObject(node) && this.#id !== null && node[PARENT] !== this.#id
    if (this.#product === null || isOther)
      throw new SyncError(
        'source/malformed',
        'The file of the bulk operation is not grouped: a line does not follow its product',
      )
    const isVariant = isObject(node) && node[TYPE] === 'ProductVariant'
    ;(isVariant ? this.#variants : this.#media).push(content)
  }

  /** Ends the current record: no further lines belong to it. */
  end(): void {
    const product = this.#product
    if (product !== null) this.#lines.push(toRecord(product, this.#variants, this.#media))
    this.#place = this.#reached
    this.#product = null
    this.#id = null
    this.#variants = []
    this.#media = []
    this.#openBytes = 0
  }

  take(): FileBlock | null {
    if (this.#lines.length === 0) return null
    const block = { ...this.#place, bytes: joinBytes(this.#lines), lineCount: this.#lines.length }
    this.#lines = []
    return block
  }
}

/** True for the line of a variant or a picture. A broken one is recognised by its text. */
function isChild(content: Uint8Array, node: unknown): boolean {
  return isObject(node)
    ? node[PARENT] !== undefined
    : DECODER.decode(content).includes(`"${PARENT}":`)
}

/** Returns the global id of a product, or null when the line is not readable as one. */
function readProductId(node: unknown): string | null {
  const id = isObject(node) ? node.id : null
  return typeof id === 'string' && /^gid:\/\/shopify\/Product\/\d+$/.test(id) ? id : null
}

function toRecord(
  product: Uint8Array,
  variants: readonly Uint8Array[],
  media: readonly Uint8Array[],
): Uint8Array {
  const end = product.length - 1
  // A line that is not an object is archived unchanged, and quarantined later.
  if (product[end] !== BRACE_CLOSE) return joinBytes([product, Uint8Array.of(LINE_FEED)])
  return joinBytes([
    product.subarray(0, end),
    ...toList(VARIANTS, variants),
    ...toList(MEDIA, media),
    Uint8Array.of(BRACE_CLOSE, LINE_FEED),
  ])
}

function toList(opening: Uint8Array, nodes: readonly Uint8Array[]): Uint8Array[] {
  const separated = nodes.flatMap((node, at) => (at === 0 ? [node] : [Uint8Array.of(COMMA), node]))
  return [opening, ...separated, LIST_END]
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(DECODER.decode(line))
  } catch {
    return null
  }
}

function tooLarge(): SyncError {
  return new SyncError(
    'source/too-large',
    `A product in the file of the bulk operation is larger than ${RECORD_BYTES_MAX} bytes`,
  )
}
