// Reads archived lines: each becomes a draft with JSON that Postgres can store and read, or a
// quarantined record. All faults of a single record are found here, before the batch is written.

import { isUtf8 } from 'node:buffer'
import { boundedDraft } from '../../core/bounded-draft.ts'
import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'
import type { QuarantinedRecord, ReadRecord } from '../../db/write/batch-writer.ts'
import { describeJsonError } from '../../lib/json-error.ts'
import { countValues, findValueEnd, measureDepth } from '../../lib/byte-scan.ts'
import { findMember, findValueStart, readElements, type Slice } from '../../lib/json-slices.ts'
import { isObject } from '../../lib/objects.ts'
import { findUnstorableNumber } from '../../lib/unstorable-numbers.ts'
import { mapTexts, toStorableText } from '../../lib/storable-text.ts'
import { hashSha256, RECORD_HASH_BYTES } from '../../node/hash.ts'
import type { RunContext } from '../context.ts'
import { sanitizeText } from '../sanitize-text.ts'
import { checkDuplicateKeys } from './duplicate-keys.ts'
import { findLineId } from './line-id.ts'
import type { PendingLine } from './pending-batch.ts'
import { quarantineLine } from './quarantine.ts'

/**
 * A product has a few hundred values. Above a million, parsing and normalising would block the
 * process for too long.
 */
const VALUES_MAX = 1_000_000

/**
 * Postgres stores about 20,000 levels in a column of type json, but reads only 16,000 of them as
 * jsonb, with the stack that it has by default.
 */
const DEPTH_MAX = 5_000

/** A record that cannot be applied, with its id when that could be read. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord'
  override readonly cause: SyncError
  readonly externalId: string | null

  constructor(cause: SyncError, externalId: string | null) {
    super(cause.message)
    this.cause = cause
    this.externalId = externalId
  }
}

/** Part of a run's context that reading a line needs. */
export type ReaderContext = Pick<
  RunContext,
  'connector' | 'settings' | 'applyOptions' | 'source' | 'run' | 'redact'
>

/** Reads one line of a part: a record that can be applied, or a quarantined one. */
export function readLine(
  context: ReaderContext,
  partNo: number,
  line: PendingLine,
): ReadRecord | QuarantinedRecord {
  try {
    return readRecord(context, line)
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error
    const { cause, message: reason, externalId } = error
    return quarantineLine(context, partNo, line, { rule: cause.code, reason, externalId })
  }
}

/** @throws UnreadableRecord when the record must be quarantined */
export function readRecord(
  context: Pick<RunContext, 'connector' | 'settings' | 'applyOptions' | 'redact'>,
  { lineNo, byteOffset, line, scan, hash }: PendingLine,
): ReadRecord {
  const { connector, settings, applyOptions } = context
  const { record, bytes, text, repairs } = parseRecord(connector, { line, scan })
  try {
    const stated = boundedDraft(connector.normalise(record, settings))
    const draft = applyOptions === null ? stated : boundedDraft(applyOptions(stated))
    checkDuplicateKeys(draft)
    if (bytes !== null) checkNumbers(text)
    const raw = bytes ?? JSON.stringify(record)
    return {
      lineNo,
      byteOffset,
      line,
      draft: withWarnings(context, draft, repairs),
      raw,
      recordHash: hash ?? hashRaw(raw),
    }
  } catch (error) {
    throw toUnreadable(error, () => connector.identify(record) ?? findLineId(connector, line))
  }
}

interface ParsedRecord {
  readonly record: unknown
  /** The record as the supplier sent it; null when Postgres could not store or read it. */
  readonly bytes: Buffer | null
  /** The same as text; empty without bytes. */
  readonly text: string
  /** Number of texts that Postgres could not have stored. */
  readonly repairs: number
}

function parseRecord(
  connector: Connector,
  { line, scan }: Pick<PendingLine, 'line' | 'scan'>,
): ParsedRecord {
  try {
    checkSize(line)
    const parsed = scan === null ? unwrapLine(connector, line) : parseSlice(line, scan)
    const { record } = parsed
    if (!mayHoldUnstorableText(line)) return { ...parsed, repairs: 0 }
    let repairs = 0
    const repaired = mapTexts(record, (value) => {
      const stored = toStorableText(value)
      // Invalid UTF-8 has become U+FFFD already.
      if (stored !== value || value.includes('\ufffd')) repairs += 1
      return stored
    })
    return { ...parsed, record: repaired, bytes: repairs === 0 ? parsed.bytes : null, repairs }
  } catch (error) {
    throw toUnreadable(error, () => findLineId(connector, line))
  }
}

function parseSlice(line: Buffer, { start, end }: Slice): Omit<ParsedRecord, 'repairs'> {
  const bytes = line.subarray(start, end)
  const text = bytes.toString()
  return { record: parseJson(text), bytes, text }
}

/** Parses a line that the connector's scan did not recognise. */
function unwrapLine(connector: Connector, line: Buffer): Omit<ParsedRecord, 'repairs'> {
  const content = parseJson(line.toString())
  const record = connector.unwrap(content)
  const slice = findRecord(line, content, record)
  const bytes = slice && line.subarray(slice.start, slice.end)
  return { record, bytes, text: bytes?.toString() ?? '' }
}

/** Finds a record that is the content of its line, one of its members, or an element of one. */
function findRecord(line: Buffer, content: unknown, record: unknown): Slice | null {
  const start = findValueStart(line)
  if (record === content) return { start, end: findValueEnd(line, start) ?? line.length }
  for (const [name, value] of Object.entries(isObject(content) ? content : {})) {
    if (value === record) return findMember(line, start, name)
    const index = Array.isArray(value) ? value.indexOf(record) : -1
    const list = index === -1 ? null : findMember(line, start, name)
    if (list) return [...readElements(line, list.start)][index] ?? null
  }
  return null
}

/** Returns the draft with its warnings redacted, and with one more if texts were repaired. */
function withWarnings(context: Pick<RunContext, 'redact'>, draft: Draft, repairs: number): Draft {
  if (draft.warnings.length === 0 && repairs === 0) return draft
  const warnings = draft.warnings.map((text) => sanitizeText(context, text))
  if (repairs > 0)
    warnings.push(
      `${repairs} texts had U+0000, lone surrogates or invalid UTF-8: replaced by U+FFFD`,
    )
  return { ...draft, warnings }
}

function hashRaw(raw: Buffer | string): Uint8Array {
  return hashSha256(Buffer.from(raw)).subarray(0, RECORD_HASH_BYTES)
}

/**
 * A record that is stored byte by byte keeps its numbers as they are written. JSON has no limit for
 * numbers; `numeric` in Postgres has one.
 *
 * @throws SyncError `record/invalid`
 */
function checkNumbers(json: string): void {
  const number = findUnstorableNumber(json)
  if (number !== null)
    throw new SyncError(
      'record/invalid',
      `Postgres cannot store it: the number ${number} is out of its range`,
    )
}

/** `findId` is called only for a fault of the record. Any other error is returned unchanged. */
function toUnreadable(error: unknown, findId: () => string | null): unknown {
  // JSON.stringify overflows the stack on deeply nested documents that JSON.parse can read.
  const failure =
    error instanceof RangeError
      ? new SyncError('record/invalid', 'the record is nested too deeply', { cause: error })
      : error
  return failure instanceof SyncError && failure.action === 'quarantine'
    ? new UnreadableRecord(failure, findId())
    : failure
}

/** @throws SyncError `record/too-large` · `record/invalid` */
function checkSize(line: Buffer): void {
  const depth = line.length < 2 * DEPTH_MAX ? 0 : measureDepth(line)
  if (depth > DEPTH_MAX)
    throw new SyncError(
      'record/invalid',
      `the record is nested too deeply: it has ${depth} levels, and the limit is ${DEPTH_MAX}`,
    )
  if (line.length <= VALUES_MAX) return
  const values = countValues(line)
  if (values > VALUES_MAX)
    throw new SyncError(
      'record/too-large',
      `the record has about ${values} values; the limit is ${VALUES_MAX}`,
    )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SyncError('record/unreadable', `invalid JSON: ${describeJsonError(error)}`)
  }
}

/** Postgres text has no U+0000, and UTF-8 has no lone surrogates: JSON escapes can hide both. */
function mayHoldUnstorableText(line: Buffer): boolean {
  return (line.includes('\\u') && hasUnstorableEscape(line)) || !isUtf8(line)
}

function hasUnstorableEscape(line: Buffer): boolean {
  return line.includes('\\u0000') || line.includes('\\ud') || line.includes('\\uD')
}
