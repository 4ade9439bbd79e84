// NDJSON chunks to batches of whole lines. A batch is one chunk with the bounds of its lines: no line is copied but the one
// that lies across two chunks, and there is one turn of the event loop per chunk, not per line.

import { LINE_FEED } from '../lib/ndjson.ts'

export interface Lines {
  readonly kind: 'lines'
  /** The number of the first line, from 1. */
  readonly firstLine: number
  /** The raw offset of `bytes[0]` in the part: a line's own offset is this plus its `from`. */
  readonly offset: number
  readonly bytes: Buffer
  /** Pairs `from, to` in `bytes`, flat and ascending, one for each line, its `\n` left out. Never empty. */
  readonly bounds: readonly number[]
}

/** A line beyond the limit. Only its beginning is kept. */
export interface LongLine {
  readonly kind: 'long'
  readonly line: number
  readonly offset: number
  /** The whole line, without its `\n`. */
  readonly length: number
  /** Its first 64 KiB at most. */
  readonly head: Buffer
}

const HEAD_BYTES = 64 * 1024

/**
 * Yields every line of `chunks` once, in order, empty ones and a last one without `\n` too. Holds at most one chunk and
 * `lineBytesMax`, however long a line is. A batch's bytes may be the chunk itself: neither may be changed.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<Lines | LongLine, void> {
  const open = new OpenLine(lineBytesMax)
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
      yield batch
      line += batch.kind === 'long' ? 1 : batch.bounds.length / 2
    }
    from = Math.max(from, chunk.lastIndexOf(LINE_FEED) + 1)
    if (from < chunk.length) open.add(chunk.subarray(from))
    offset += chunk.length
  }
  if (open.length > 0) yield open.take(line, offset)
}

/** The lines that end inside `chunk`, from the line start at `from`; a long one divides the batch. */
function* wholeLines(chunk: Buffer, from: number, line: number, offset: number, lineBytesMax: number): Generator<Lines | LongLine> {
  let bounds: number[] = []
  let firstLine = line
  for (let to = chunk.indexOf(LINE_FEED, from); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
    if (to - from <= lineBytesMax) {
      bounds.push(from, to)
    } else {
      if (bounds.length > 0) yield { kind: 'lines', firstLine, offset, bytes: chunk, bounds }
      yield { kind: 'long', line, offset: offset + from, length: to - from, head: headOf(chunk.subarray(from, to)) }
      bounds = []
      firstLine = line + 1
    }
    from = to + 1
    line += 1
  }
  if (bounds.length > 0) yield { kind: 'lines', firstLine, offset, bytes: chunk, bounds }
}

/** The line whose end has not been seen yet. */
class OpenLine {
  /** How long it is so far, kept or not. */
  length = 0
  #kept: Buffer[] = []
  #keptBytes = 0
  readonly #lineBytesMax: number

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  add(piece: Buffer): void {
    this.length += piece.length
    if (this.#keptBytes > Math.max(this.#lineBytesMax, HEAD_BYTES)) return
    this.#kept.push(piece)
    this.#keptBytes += piece.length
  }

  /** Closes the line, which ends at `end` in the part. */
  take(line: number, end: number): Lines | LongLine {
    const { length } = this
    const bytes = Buffer.concat(this.#kept)
    this.#kept = []
    this.#keptBytes = 0
    this.length = 0
    const offset = end - length
    if (length > this.#lineBytesMax) return { kind: 'long', line, offset, length, head: headOf(bytes) }
    return { kind: 'lines', firstLine: line, offset, bytes, bounds: [0, length] }
  }
}

/** A copy, so that keeping the beginning does not keep the rest. */
function headOf(line: Buffer): Buffer {
  return Buffer.from(line.subarray(0, HEAD_BYTES))
}
