// Splits NDJSON chunks into batches of whole lines. A batch is one chunk with the bounds of its
// lines: only a line that crosses chunks is copied, and the event loop turns once per chunk, not
// per line. A byte order mark before a line is skipped: joined files have several.

import { LINE_FEED } from '../lib/byte-scan.ts'
import { BYTE_ORDER_MARK, countMarkBytes } from '../lib/ndjson.ts'

export interface Lines {
  readonly kind: 'lines'
  /** The number of the first line, from 1. */
  readonly firstLine: number
  /** The raw offset of `bytes[0]` in the part: a line's own offset is this plus its `from`. */
  readonly offset: number
  readonly bytes: Buffer
  /**
   * Flat, ascending pairs `from, to` in `bytes`, one per line, without its mark and its `\n`. Never
   * empty.
   */
  readonly bounds: readonly number[]
}

/** Receives a line beyond the limit piece by piece. */
export interface LineReader {
  push(bytes: Buffer): void
}

/** A line beyond the limit. Only its beginning is kept. */
export interface LongLine<Reader> {
  readonly kind: 'long'
  /** Has received the whole line. */
  readonly reader: Reader
  readonly line: number
  readonly offset: number
  /** Bytes of the whole line, without its mark and its `\n`. */
  readonly length: number
  /** The first 64 KiB at most. */
  readonly head: Buffer
}

const HEAD_BYTES = 64 * 1024

/**
 * Yields every line of `chunks` once, in order, including empty ones and a last one without `\n`.
 * Keeps at most one chunk and `lineBytesMax` in memory; a longer line goes through a reader. A
 * batch's bytes may be the chunk itself, so neither may be changed.
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
    for (const batch of findWholeLines(chunk, { from, line, offset }, lineBytesMax)) {
      yield batch.kind === 'long'
        ? { ...batch, reader: readAll(newReader(), batch.bytes), head: copyHead(batch.bytes) }
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

/** Start of a line. */
interface Position {
  /** In the chunk. */
  readonly from: number
  readonly line: number
  /** Offset of the chunk in the part. */
  readonly offset: number
}

/** Yields the lines that end inside `chunk`; a long one splits the batch. */
export function* findWholeLines(
  chunk: Buffer,
  position: Position,
  lineBytesMax: number,
): Generator<Lines | LongPiece> {
  let { from, line } = position
  const { offset } = position
  let bounds: number[] = []
  let firstLine = line
  for (let to = chunk.indexOf(LINE_FEED, from); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
    const start =
      chunk[from] === BYTE_ORDER_MARK[0] ? from + countMarkBytes(chunk.subarray(from, to)) : from
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

/** A line whose end has not arrived yet. */
class OpenLine<Reader extends LineReader> {
  /** Length so far, including bytes that were not kept. */
  length = 0
  #kept: Buffer[] = []
  #keptBytes = 0
  /** Receives the bytes once the line is too long to keep. */
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
    this.#reader = readAll(this.#newReader(), bytes.subarray(countMarkBytes(bytes)))
  }

  /** Closes the line, which ends at `end` in the part. */
  take(line: number, end: number): Lines | LongLine<Reader> {
    const reader = this.#reader
    const bytes = Buffer.concat(this.#kept)
    const mark = countMarkBytes(bytes)
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
      head: copyHead(content),
      reader: reader ?? readAll(this.#newReader(), content),
    }
  }
}

function readAll<Reader extends LineReader>(reader: Reader, bytes: Buffer): Reader {
  reader.push(bytes)
  return reader
}

/** A copy, so that keeping the beginning does not keep the rest. */
function copyHead(line: Buffer): Buffer {
  return Buffer.from(line.subarray(0, HEAD_BYTES))
}
