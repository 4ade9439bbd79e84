// Cuts a byte stream into blocks of whole lines. Only the byte 0x0A ends a line: U+2028 and a carriage return are data.
// Line ends are looked for in the chunks as they come, because a Node Buffer searches six times faster than a plain Uint8Array.

import { SyncError } from '../core/errors.ts'

export interface LineBlock {
  /** A copy that the caller may keep; every byte as it came. */
  readonly bytes: Uint8Array
  /** Where each line ends, just behind its `\n`. Empty: `bytes` are the rest behind the stream's last `\n`, which nothing ended. */
  readonly ends: readonly number[]
}

export interface LineLimits {
  /** A block is handed on as soon as it is this large: it passes this size by less than a line and a chunk. */
  readonly blockBytes: number
  readonly lineBytesMax: number
}

export const LINE_FEED = 0x0a
/** Some programs write it before a file, and so before a line where files were joined. It says nothing. */
export const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const
/** Up to here ASCII has nothing but blanks and control characters. */
const SPACE = 0x20

/** How many bytes of `line` are a byte order mark before it. */
export function lengthOfMark(line: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, at) => line[at] === byte) ? BYTE_ORDER_MARK.length : 0
}

/** Whether a line has no content: no record is meant by it. */
export function isBlank(line: Uint8Array): boolean {
  let at = lengthOfMark(line)
  while (at < line.byteLength && (line[at] ?? 0) <= SPACE) at++
  return at === line.byteLength
}

/**
 * Yields the lines of `chunks` in order, in few large blocks; the unterminated rest, if any, comes last as a block of its own.
 * When `chunks` fails, the whole lines that had arrived are yielded first, so that a retry does not begin before them.
 * The chunks must not be overwritten by their producer.
 *
 * @throws SyncError `source/too-large` for a line beyond `lineBytesMax` · whatever `chunks` throws
 */
export async function* readLineBlocks(chunks: AsyncIterable<Uint8Array>, limits: LineLimits): AsyncGenerator<LineBlock> {
  const { blockBytes, lineBytesMax } = limits
  const gathered = new Gathered(lineBytesMax)
  let failure: { readonly reason: unknown } | null = null
  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; from += blockBytes) {
        gathered.add(chunk.subarray(from, from + blockBytes))
        if (gathered.byteLength >= blockBytes && gathered.hasLine) yield gathered.takeLines()
      }
    }
  } catch (reason) {
    failure = { reason }
  }
  if (gathered.hasLine) yield gathered.takeLines()
  if (failure !== null) throw failure.reason
  if (gathered.byteLength > 0) yield gathered.takeRest()
}

class Gathered {
  byteLength = 0
  readonly #lineBytesMax: number
  #parts: Uint8Array[] = []
  #ends: number[] = []

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  get hasLine(): boolean {
    return this.#ends.length > 0
  }

  add(part: Uint8Array): void {
    const partStart = this.byteLength
    let lineStart = this.#ends.at(-1) ?? 0
    // First of all: the lines before one that is too long are taken too.
    this.#parts.push(part)
    this.byteLength += part.byteLength
    for (let at = part.indexOf(LINE_FEED); at !== -1; at = part.indexOf(LINE_FEED, at + 1)) {
      const end = partStart + at + 1
      this.#limit(end - lineStart)
      this.#ends.push(end)
      lineStart = end
    }
    this.#limit(this.byteLength - lineStart)
  }

  takeLines(): LineBlock {
    const ends = this.#ends
    const rest: Uint8Array[] = []
    const bytes = new Uint8Array(ends.at(-1) ?? 0)
    let offset = 0
    for (const part of this.#parts) {
      const lines = part.subarray(0, bytes.byteLength - offset)
      bytes.set(lines, offset)
      offset += lines.byteLength
      if (lines.byteLength < part.byteLength) rest.push(part.subarray(lines.byteLength))
    }
    this.#parts = rest
    this.byteLength -= bytes.byteLength
    this.#ends = []
    return { bytes, ends }
  }

  takeRest(): LineBlock {
    this.#ends = [this.byteLength]
    return { bytes: this.takeLines().bytes, ends: [] }
  }

  #limit(lineBytes: number): void {
    if (lineBytes <= this.#lineBytesMax) return
    throw new SyncError('source/too-large', `A line of the answer is longer than ${this.#lineBytesMax} bytes`)
  }
}
