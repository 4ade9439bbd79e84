// Splits a byte stream into blocks of whole lines. Only the byte 0x0A ends a line: U+2028 and a
// carriage return are data. Line ends are searched in the original chunks, because a Node Buffer
// searches six times faster than a plain Uint8Array.

import { LINE_FEED, SPACE } from './byte-scan.ts'

export interface LineBlock {
  /**
   * `lines`: whole lines. `piece`: part of a line that is too long for memory; the last piece has
   * the `\n`, and its end in `ends`. `rest`: bytes after the last `\n` of the stream; empty after
   * the pieces of an unterminated long line.
   */
  readonly kind: 'lines' | 'piece' | 'rest'
  /** An exact copy that the caller may keep. */
  readonly bytes: Uint8Array
  /** End of each line, just after its `\n`. */
  readonly ends: readonly number[]
}

export interface BlockLimits {
  /** A block is yielded at this size; it exceeds it by less than a line and a chunk. */
  readonly blockBytes: number
  /** Longer lines are yielded in pieces; one that is less than a block longer may be whole. */
  readonly lineBytesMax: number
}

/** Some programs write it at the start of a file; joined files have it before other lines too. */
export const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const

/** Returns the length of the byte order mark before `line`, or 0. */
export function countMarkBytes(line: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, at) => line[at] === byte) ? BYTE_ORDER_MARK.length : 0
}

/** True for a line without content, which is not a record. */
export function isBlank(line: Uint8Array): boolean {
  let at = countMarkBytes(line)
  while (at < line.byteLength && (line[at] ?? 0) <= SPACE) at++
  return at === line.byteLength
}

/**
 * Yields the lines of `chunks` in order, in few large blocks; an unterminated rest is the last
 * block. When `chunks` fails, the whole lines that arrived are yielded first, so that a retry
 * resumes after them. The producer must not overwrite its chunks.
 *
 * @throws the error of `chunks`
 */
export async function* readLineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  { blockBytes, lineBytesMax }: BlockLimits,
): AsyncGenerator<LineBlock> {
  const gathered = new Gathered()
  let isInLongLine = false
  let failure: { readonly reason: unknown } | null = null
  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; from += blockBytes) {
        const part = chunk.subarray(from, from + blockBytes)
        const end = isInLongLine ? part.indexOf(LINE_FEED) + 1 : 0
        if (isInLongLine) yield toPiece(end === 0 ? part : part.subarray(0, end))
        if (isInLongLine && end === 0) continue
        gathered.add(part.subarray(end))
        isInLongLine = gathered.openBytes > lineBytesMax
        if (gathered.hasLine && (isInLongLine || gathered.byteLength >= blockBytes))
          yield gathered.takeLines()
        if (isInLongLine) yield toPiece(gathered.takeRest())
      }
    }
  } catch (reason) {
    failure = { reason }
  }
  if (gathered.hasLine) yield gathered.takeLines()
  if (failure !== null) throw failure.reason
  if (isInLongLine || gathered.byteLength > 0)
    yield { kind: 'rest', bytes: gathered.takeRest(), ends: [] }
}

function toPiece(bytes: Uint8Array): LineBlock {
  return {
    kind: 'piece',
    bytes: new Uint8Array(bytes),
    ends: bytes.at(-1) === LINE_FEED ? [bytes.byteLength] : [],
  }
}

class Gathered {
  byteLength = 0
  #parts: Uint8Array[] = []
  #ends: number[] = []

  get hasLine(): boolean {
    return this.#ends.length > 0
  }

  /** Bytes of the unterminated line. */
  get openBytes(): number {
    return this.byteLength - (this.#ends.at(-1) ?? 0)
  }

  add(part: Uint8Array): void {
    if (part.byteLength === 0) return
    const partStart = this.byteLength
    this.#parts.push(part)
    this.byteLength += part.byteLength
    for (let at = part.indexOf(LINE_FEED); at !== -1; at = part.indexOf(LINE_FEED, at + 1))
      this.#ends.push(partStart + at + 1)
  }

  takeLines(): LineBlock {
    const ends = this.#ends
    this.#ends = []
    return { kind: 'lines', bytes: this.#take(ends.at(-1) ?? 0), ends }
  }

  takeRest(): Uint8Array {
    return this.#take(this.byteLength)
  }

  #take(size: number): Uint8Array {
    const rest: Uint8Array[] = []
    const bytes = new Uint8Array(size)
    let offset = 0
    for (const part of this.#parts) {
      const taken = part.subarray(0, size - offset)
      bytes.set(taken, offset)
      offset += taken.byteLength
      if (taken.byteLength < part.byteLength) rest.push(part.subarray(taken.byteLength))
    }
    this.#parts = rest
    this.byteLength -= size
    return bytes
  }
}
