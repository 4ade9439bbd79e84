// The lines of the archive: a product in the shop's own bytes, and after its last member those of
// its variations, which the shop sends in other responses.

import type { LinesOfBlock } from '../../lib/json-slices.ts'
import { joinBytes } from '../../lib/join-bytes.ts'
import { BRACE_CLOSE, COMMA, LINE_FEED, replaceLineBreaks } from '../../lib/byte-scan.ts'
import type { Item, ListPage } from './documents.ts'
import { FACTS_MEMBER } from './rest/records.ts'
import type { Variations } from './variations.ts'

/** The member that is added to a product. */
export const VARIATIONS_MEMBER = 'variation_products'
const BLOCK_BYTES = 4 * 1024 * 1024

const ENCODER = new TextEncoder()
const OPENING = ENCODER.encode(`,"${VARIATIONS_MEMBER}":[`)
const CLOSING = ENCODER.encode(']}')

/** Yields the products as lines, in blocks of about 4 MiB. `facts` are added to each. */
export function* toLines(
  { bytes }: ListPage,
  products: readonly Item[],
  variations: Variations,
  facts: object | null = null,
): Generator<LinesOfBlock> {
  const added =
    facts === null ? null : ENCODER.encode(`,"${FACTS_MEMBER}":${JSON.stringify(facts)}}`)
  let lines: Uint8Array[] = []
  let byteLength = 0
  for (const product of products) {
    const line = toLine(
      bytes.subarray(product.start, product.end),
      variations.get(product.id),
      added,
    )
    lines.push(line)
    byteLength += line.byteLength
    if (byteLength < BLOCK_BYTES) continue
    yield { bytes: joinBytes(lines), lineCount: lines.length }
    lines = []
    byteLength = 0
  }
  if (lines.length > 0) yield { bytes: joinBytes(lines), lineCount: lines.length }
}

function toLine(
  product: Uint8Array,
  variations: readonly Uint8Array[] = [],
  facts: Uint8Array | null,
): Uint8Array {
  const pieces: Uint8Array[] = [product]
  if (variations.length > 0) {
    pieces[0] = product.subarray(0, -1)
    for (const [at, variation] of variations.entries())
      pieces.push(at === 0 ? OPENING : Uint8Array.of(COMMA), variation)
    pieces.push(CLOSING)
  }
  // Replaces the closing brace.
  const last = pieces.at(-1)
  if (facts !== null && last?.at(-1) === BRACE_CLOSE)
    pieces.splice(-1, 1, last.subarray(0, -1), facts)
  const line = joinBytes(pieces)
  replaceLineBreaks(line, 0, line.byteLength)
  return joinBytes([line, Uint8Array.of(LINE_FEED)])
}
