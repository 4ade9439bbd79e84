// Applies faults to the lines of an NDJSON response. Lines include their `\n`.

import type { AnyFault, CommonFault } from './faults.ts'

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

const NEWLINE = 0x0a
const LINE_FAULTS = new Set([
  'insert-line',
  'duplicate-line',
  'drop-line',
  'swap-lines',
  'half-line',
  'mark',
  'invalid-utf8',
  'truncate-last-line',
  'crlf',
])
/** A lead byte without its continuation, and a byte that UTF-8 never has. */
const NOT_UTF8 = Buffer.from([0xc3, 0x28, 0xff])

/** True when one of `faults` changes lines, so that the response must be split. */
export function hasLineFaults(faults: readonly AnyFault[]): boolean {
  return faults.some(({ kind }) => LINE_FAULTS.has(kind))
}

/** Yields lines with their `\n`; the last one may lack it. */
export async function* splitLines(chunks: Chunks): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let bytes: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (rest.length > 0) bytes = Buffer.concat([rest, bytes])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield bytes.subarray(start, end + 1)
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
  if (rest.length > 0) yield rest
}

/** Yields the lines of `chunks` with every line fault among `faults` applied. */
export async function* applyLineFaults(
  chunks: Chunks,
  faults: readonly CommonFault[],
): AsyncGenerator<Buffer> {
  let lines: AsyncIterable<Buffer> = splitLines(chunks)
  for (const fault of faults) {
    if (fault.kind === 'truncate-last-line') lines = truncateLast(lines)
    else if (fault.kind === 'swap-lines') lines = swapAt(lines, fault.at)
    else if (LINE_FAULTS.has(fault.kind))
      lines = mapLines(lines, (line, index) => changeLine(fault, line, index))
  }
  yield* lines
}

/** Returns the lines that replace `line`: none, one or two. */
function changeLine(fault: CommonFault, line: Buffer, index: number): readonly Buffer[] {
  if (fault.kind === 'crlf') return [Buffer.concat([trimLineEnd(line), Buffer.from('\r\n')])]
  if (!('at' in fault) || fault.at !== index) return [line]
  switch (fault.kind) {
    case 'insert-line':
      return [Buffer.from(`${fault.text}\n`), line]
    case 'duplicate-line':
      return [line, line]
    case 'drop-line':
      return []
    case 'half-line':
      return [Buffer.concat([line.subarray(0, line.length >> 1), Buffer.from('\n')])]
    case 'mark':
      return [Buffer.concat([Buffer.from('\ufeff'), line])]
    case 'invalid-utf8':
      return [insertAfter(line, fault.after, NOT_UTF8)]
    case 'swap-lines':
      return [line]
  }
}

type Change = (line: Buffer, index: number) => readonly Buffer[]

async function* mapLines(lines: AsyncIterable<Buffer>, change: Change): AsyncGenerator<Buffer> {
  let index = 0
  for await (const line of lines) yield* change(line, index++)
}

async function* swapAt(lines: AsyncIterable<Buffer>, at: number): AsyncGenerator<Buffer> {
  let index = 0
  let late: Buffer | null = null
  for await (const line of lines) {
    if (index++ === at) late = line
    else {
      yield line
      if (late !== null) yield late
      late = null
    }
  }
  if (late !== null) yield late
}

async function* truncateLast(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let last: Buffer | null = null
  for await (const line of lines) {
    if (last !== null) yield last
    last = line
  }
  if (last !== null) yield last.subarray(0, last.length >> 1)
}

function trimLineEnd(line: Buffer): Buffer {
  return line.at(-1) === NEWLINE ? line.subarray(0, -1) : line
}

function insertAfter(line: Buffer, after: string, bytes: Buffer): Buffer {
  const found = line.indexOf(after)
  const at = found < 0 ? line.length >> 1 : found + Buffer.byteLength(after)
  return Buffer.concat([line.subarray(0, at), bytes, line.subarray(at)])
}
