// Converts the body of `/v4/products/stream` into pages, and proves that no product is missing. The
// proof is a final page without lines, because only the clean end of the stream shows which line
// was the last.

import type { Page } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { JsonCheck } from '../../lib/json-check.ts'
import { MemberFinder } from '../../lib/member-finder.ts'
import { LINE_FEED } from '../../lib/byte-scan.ts'
import {
  BYTE_ORDER_MARK,
  isBlank,
  countMarkBytes,
  readLineBlocks,
  type LineBlock,
} from '../../lib/ndjson.ts'
import { errorOfAnswer, tellable, type SupplierError } from './responses.ts'
import { scanLine } from './scan.ts'
import { Tally, type LineFacts, type Position } from './stream-progress.ts'
import { isObject } from '../../lib/objects.ts'
import { numberOf } from './values.ts'

export const pageBytesMax = 1024 ** 2
/**
 * A longer line is not parsed as a record: it is archived in pieces, and only its beginning is
 * read.
 */
export const lineBytesMax = 8 * 1024 ** 2
/** The part of a long line in which its envelope is searched; the envelope precedes the record. */
const ENVELOPE_BYTES_MAX = 64 * 1024
/** Each index is stored as a bit: this limits their memory to 32 MB. */
const INDEX_MAX = 2 ** 28
const NOTHING = new Uint8Array()

/**
 * Yields the lines of `body` unchanged in pages of about `pageBytesMax`, with a line longer than
 * `lineBytesMax` in pieces, and then a final page without lines. A `body` of null is the response
 * 204 without products. `resumed` is the position at which the previous attempt was cut; `body`
 * then contains only the products touched since. `hide` removes the key from an `{"error":…}` line,
 * which may quote the request.
 *
 * @throws SyncError after yielding the pages before the failure: `source/cut-short` when announced
 * products are missing · `source/malformed` when no line states a total · `source/unavailable` or
 * `source/rate-limited` for an `{"error":…}` line · the errors of `body`
 */
export async function* readPages(
  body: AsyncIterable<Uint8Array> | null,
  resumed: Position | null,
  warn: (message: string) => void,
  hide: (text: string) => string,
): AsyncGenerator<Page> {
  const tally = new Tally(resumed)
  let lines = 0
  let cutLine = false
  if (body === null) tally.total = 0
  else {
    const envelopes = new Envelopes(tally)
    for await (const block of endedBlocks(body)) {
      if (block === 'cut') {
        cutLine = true
        break
      }
      const { lineCount, error } =
        block.kind === 'piece' ? envelopes.count(block) : countLines(block, tally)
      lines += lineCount
      if (block.kind === 'piece') yield pageOf(block.bytes, lineCount, tally)
      else if (lineCount > 0)
        yield pageOf(block.bytes.subarray(0, block.ends[lineCount - 1]), lineCount, tally)
      if (error !== null) throw failureOf(tellable(error, hide), tally)
    }
  }
  if (tally.total === null && lines > 0) throw malformed(lines)
  if (tally.total === null || cutLine || tally.missing > 0) throw cutShort(tally, cutLine)
  if (tally.undated > 0)
    warn(
      `${tally.undated} products have no time of change, or one in the future, which counts as unknown`,
    )
  if (tally.lost > 0)
    warn(
      `${tally.lost} of ${tally.expected} products are unaccounted for after resuming: completeness is not proved`,
    )
  yield { ...pageOf(NOTHING, 0, tally), complete: tally.lost === 0 }
}

function pageOf(bytes: Uint8Array, lineCount: number, tally: Tally): Page {
  return {
    bytes,
    lineCount,
    cursor: tally.position(),
    expected: tally.expected,
    watermarkMs: tally.watermarkMs,
    complete: false,
  }
}

/**
 * Counts the lines up to an `{"error":…}` line, which is not a record and ends the stream. A blank
 * line is not a product.
 */
function countLines(
  { bytes, ends }: LineBlock,
  tally: Tally,
): { lineCount: number; error: SupplierError | null } {
  let start = 0
  for (const [lineCount, end] of ends.entries()) {
    if (bytes[start] === BYTE_ORDER_MARK[0]) start += countMarkBytes(bytes.subarray(start, end))
    // Bounded to this line: in a blank line, the scan would otherwise read on through all lines
    // after it.
    const line = bytes.subarray(start, end)
    const facts = isBlank(line) ? null : (scanLine(line, 0, line.length) ?? parseFacts(line))
    if (facts !== null && 'code' in facts) return { lineCount, error: facts }
    if (facts !== null && facts.index < INDEX_MAX) tally.add(facts)
    else if (!isBlank(line)) tally.addUnreadable()
    start = end
  }
  return { lineCount: ends.length, error: null }
}

/**
 * Parses a line that `scanLine` does not recognise. Returns null for a line that does not belong to
 * this stream.
 */
function parseFacts(line: Uint8Array): LineFacts | SupplierError | null {
  const parsed = parse(line)
  if (!isObject(parsed)) return null
  const error = errorOfAnswer(parsed)
  if (error !== null) return error
  const { meta, result, results } = parsed
  if (!isObject(meta) || !isIndex(meta.total) || !isIndex(meta.index)) return null
  const [record] = [result ?? results].flat()
  const times = isObject(record) ? record.meta : null
  const updatedAt = isObject(times) ? numberOf(times.updatedAt) : null
  return { total: meta.total, index: meta.index, updatedAt: isIndex(updatedAt) ? updatedAt : null }
}

/**
 * Yields the lines of `body`, and adds a missing `\n` to the last one. Yields `cut` in place of an
 * incomplete last line.
 */
async function* endedBlocks(body: AsyncIterable<Uint8Array>): AsyncGenerator<LineBlock | 'cut'> {
  let check: JsonCheck | null = null
  for await (const block of readLineBlocks(body, { blockBytes: pageBytesMax, lineBytesMax })) {
    if (block.kind === 'piece') {
      const begins = check === null
      check ??= new JsonCheck()
      check.push(begins ? block.bytes.subarray(countMarkBytes(block.bytes)) : block.bytes)
      if (block.ends.length > 0) check = null
    }
    if (block.kind !== 'rest') yield block
    else if (check !== null)
      yield check.isWhole ? { kind: 'piece', bytes: new Uint8Array([LINE_FEED]), ends: [1] } : 'cut'
    else
      yield isBlank(block.bytes) ||
      isObject(parse(block.bytes.subarray(countMarkBytes(block.bytes))))
        ? endedLine(block.bytes)
        : 'cut'
  }
}

function endedLine(rest: Uint8Array): LineBlock {
  const bytes = new Uint8Array(rest.byteLength + 1)
  bytes.set(rest)
  bytes[rest.byteLength] = LINE_FEED
  return { kind: 'lines', bytes, ends: [bytes.byteLength] }
}

/** Counts lines that arrive in pieces, by the envelope at the beginning of each. */
class Envelopes {
  readonly #tally: Tally
  #head: Uint8Array | null = null

  constructor(tally: Tally) {
    this.#tally = tally
  }

  count({ bytes, ends }: LineBlock): { lineCount: number; error: null } {
    this.#head ??= bytes.subarray(0, ENVELOPE_BYTES_MAX)
    if (ends.length === 0) return { lineCount: 0, error: null }
    const [total, index] = ['meta.total', 'meta.index'].map((path) => memberOf(this.#head, path))
    this.#head = null
    if (isIndex(total) && isIndex(index) && index < INDEX_MAX) this.#tally.addUndated(total, index)
    else this.#tally.addUnreadable()
    return { lineCount: 1, error: null }
  }
}

function memberOf(head: Uint8Array | null, path: string): unknown {
  const finder = new MemberFinder([path])
  if (head !== null) finder.push(head)
  return finder.found?.value
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(line))
  } catch {
    return null
  }
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function malformed(lines: number): SyncError {
  return new SyncError(
    'source/malformed',
    `The stream has ${lines} lines without meta.total and meta.index`,
  )
}

function cutShort({ covered, unreadable, total, missing }: Tally, cutLine: boolean): SyncError {
  const what = total === null ? 'before its first line' : `after ${covered} of ${total} products`
  const how = cutLine ? ', inside a line' : ''
  const detail = { covered, unreadable, total, missing }
  return new SyncError('source/cut-short', `The stream of MediPim ended ${what}${how}`, { detail })
}

function failureOf({ code, message }: SupplierError, { covered, total }: Tally): SyncError {
  const kind = code === 'too_many_requests' ? 'source/rate-limited' : 'source/unavailable'
  const where = `after ${covered} of ${total ?? 'unknown'} products`
  const detail = { supplierCode: code, covered, total }
  return new SyncError(
    kind,
    `MediPim ended its stream with an error ${where}: ${code}: ${message}`,
    {
      detail,
    },
  )
}
