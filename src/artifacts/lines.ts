// NDJSON chunks to batches of whole lines. A batch is one chunk with the bounds of its lines: no
// line is copied but the one that lies across two chunks, and there is one turn of the event loop
// per chunk, not per line. A byte order mark before a line is no part of it: files that were joined
// have several.

import { BYTE_ORDER_MARK, LINE_FEED, lengthOfMark } from '../lib/ndjson.ts'

export interface Lines {
  readonly kind: 'lines'
  /** The number of the first line, from 1. */
  readonly firstLine: number
  /** The raw offset of `bytes[0]` in the part: a line's own offset is this plus its `from`. */
  readonly offset: number
  readonly bytes: Buffer
  /**
   * Pairs `from, to` in `bytes`, flat and ascending, one for each line, its mark and its `\n` left
   * out. Never empty.
   */
  readonly bounds: readonly number[]
}

/** Is given a line beyond the limit, piece by piece. */
export interface LineReader {
  push(bytes: Buffer): void
}

/** A line beyond the limit. Only its beginning is kept. */
export interface LongLine<Reader> {
  readonly kind: 'long'
  /** Was given all of the line. */
  readonly reader: Reader
  readonly line: number
  readonly offset: number
  /** Of the whole line, without its mark and its `\n`. */
  readonly length: number
  /** Its first 64 KiB at most. */
  readonly head: Buffer
}

const HEAD_BYTES = 64 * 1024

/**
 * Yields every line of `chunks` once, in order, empty ones and a last one without `\n` too. Holds
 * at most one chunk and `lineBytesMax`, however long a line is; what is longer goes through a
 * reader. A batch's bytes may be the chunk itself: neither may be changed.
 */
export async function* readLines<Reader extends LineReader>(
  chunks: AsyncIterable<Buffer>,
  lineBytesMax: number,
  newReader: () => Reader,
): AsyncGenerator<Lines | LongLine<Reader>, void> {
  const open = new OpenLine(lineBytesMax, newReader)
  let line = 1
  let offset = 0
  for await (const chunk of chunks) {
    let from = 0
    if (open.length > 0) {
      const to = chunk.indexOf(LINE_FEED)
      open.add(to === -1 ? chunk : chunk.subarray(0, to))
      from = to === -1 ? chunk.length : to + 1
      if (to !== -1) yield open.take(line++, offset + to)
    }
    for (const batch of wholeLines(chunk, from, line, offset, lineBytesMax)) {
      yield batch.kind === 'long'
        ? { ...batch, reader: readAll(newReader(), batch.bytes), head: headOf(batch.bytes) }
        : batch
      line += batch.kind === 'long' ? 1 : batch.bounds.length / 2
    }
    from = Math.max(from, chunk.lastIndexOf(LINE_FEED) + 1)
    if (from < chunk.length) open.add(chunk.subarray(from))
    offset += chunk.length
  }
  if (open.length > 0) yield open.take(line, offset)
}

type LongPiece = Pick<LongLine<unknown>, 'kind' | 'line' | 'offset' | 'length'> & {
  readonly bytes: Buffer
}

/**
 * The lines that end inside `chunk`, from the line start at `from`; a long one divides the batch.
 */
function* wholeLines(
  chunk: Buffer,
  from: number,
  line: number,
  offset: number,
  lineBytesMax: number,
): Generator<Lines | LongPiece> {
  let bounds: number[] = []
  let firstLine = line
  for (let to = chunk.indexOf(LINE_FEED, from); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
    const start =
      chunk[from] === BYTE_ORDER_MARK[0] ? from + lengthOfMark(chunk.subarray(from, to)) : from
    if (to - start <= lineBytesMax) {
      bounds.push(start, to)
    } else {
      if (bounds.length > 0) yield { kind: 'lines', firstLine, offset, bytes: chunk, bounds }
      yield {
        kind: 'long',
        line,
        offset: offset + start,
        length: to - start,
        bytes: chunk.subarray(start, to),
      }
      bounds = []
      firstLine = line + 1
    }
    from = to + 1
    line += 1
  }
  if (bounds.length > 0) yield { kind: 'lines', firstLine, offset, bytes: chunk, bounds }
}

/** The line whose end has not been seen yet. */
class OpenLine<Reader extends LineReader> {
  /** How long it is so far, kept or not. */
  length = 0
  #kept: Buffer[] = []
  #keptBytes = 0
  /** Given what is not kept any more, once the line is too long. */
  #reader: Reader | null = null
  readonly #newReader: () => Reader
  readonly #lineBytesMax: number

  constructor(lineBytesMax: number, newReader: () => Reader) {
    this.#lineBytesMax = lineBytesMax
    this.#newReader = newReader
  }

  add(piece: Buffer): void {
    this.length += piece.length
    this.#reader?.push(piece)
    if (this.#keptBytes > Math.max(this.#lineBytesMax, HEAD_BYTES) + BYTE_ORDER_MARK.length) return
    this.#kept.push(piece)
    this.#keptBytes += piece.length
    if (this.#reader !== null || this.#keptBytes <= this.#lineBytesMax + BYTE_ORDER_MARK.length)
      return
    const bytes = Buffer.concat(this.#kept)
    this.#reader = readAll(this.#newReader(), bytes.subarray(lengthOfMark(bytes)))
  }

  /** Closes the line, which ends at `end` in the part. */
  take(line: number, end: number): Lines | LongLine<Reader> {
    const reader = this.#reader
    const bytes = Buffer.concat(this.#kept)
    const mark = lengthOfMark(bytes)
    const length = this.length - mark
    this.#kept = []
    this.#keptBytes = 0
    this.#reader = null
    this.length = 0
    if (length <= this.#lineBytesMax)
      return {
        kind: 'lines',
        firstLine: line,
        offset: end - length - mark,
        bytes,
        bounds: [mark, length + mark],
      }
    const content = bytes.subarray(mark)
    return {
      kind: 'long',
      line,
      offset: end - length,
      length,
      head: headOf(content),
      reader: reader ?? readAll(this.#newReader(), content),
    }
  }
}

function readAll<Reader extends LineReader>(reader: Reader, bytes: Buffer): Reader {
  reader.push(bytes)
  return reader
}

/** A copy, so that keeping the beginning does not keep the rest. */
function headOf(line: Buffer): Buffer {
  return Buffer.from(line.subarray(0, HEAD_BYTES))
}
