// One archived line to a draft and the JSON that jsonb can hold. Everything that can be wrong with
// a single record is found here.

import { isUtf8 } from 'node:buffer'
import { boundedDraft } from '../../core/bounded-draft.ts'
import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'
import { describeJsonError } from '../../lib/json-error.ts'
import { countValues } from '../../lib/json-slices.ts'
import { findUnstorableNumber } from '../../lib/numeric-limits.ts'
import { mapTexts, toStorableText } from '../../lib/storable.ts'
import { sha256, RECORD_HASH_BYTES } from '../../node/hash.ts'
import type { PendingLine } from './batch.ts'
import { checkKeys } from './check-keys.ts'
import { findId } from './find-id.ts'

/**
 * A product has some hundred values. From a million on, parsing and normalising would keep the
 * process from everything else.
 */
const VALUES_MAX = 1_000_000

export interface ReadRecord {
  readonly draft: Draft
  readonly raw: Uint8Array | string
  readonly hash: Uint8Array
}

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

/** @throws UnreadableRecord when the record must be skipped */
export function readRecord(
  connector: Connector,
  settings: unknown,
  { line, scan, hash }: PendingLine,
): ReadRecord {
  let record: unknown
  let repairs = 0
  try {
    checkSize(line)
    record =
      scan === null
        ? connector.unwrap(parseJson(line))
        : parseJson(line.subarray(scan.start, scan.end))
    if (mayHoldWhatTextCannot(line)) {
      record = mapTexts(record, (text) => {
        const stored = toStorableText(text)
        // Bytes that are no UTF-8 have become U+FFFD already.
        if (stored !== text || text.includes('\ufffd')) repairs += 1
        return stored
      })
    }
  } catch (error) {
    throw skipped(error, () => findId(connector, line))
  }
  try {
    const draft = boundedDraft(connector.normalise(record, settings))
    checkKeys(draft)
    const exact = scan !== null && hash !== null && repairs === 0
    if (exact) checkNumbers(line.toString('latin1', scan.start, scan.end))
    const raw = exact ? line.subarray(scan.start, scan.end) : JSON.stringify(record)
    return {
      draft: repairs > 0 ? { ...draft, warnings: [...draft.warnings, repaired(repairs)] } : draft,
      raw,
      hash: hash ?? sha256(Buffer.from(JSON.stringify(record))).subarray(0, RECORD_HASH_BYTES),
    }
  } catch (error) {
    throw skipped(error, () => connector.identify(record) ?? findId(connector, line))
  }
}

/**
 * What is stored byte by byte keeps its numbers as they are written, and JSON has no limits for
 * them. @throws SyncError `record/invalid`
 */
function checkNumbers(json: string): void {
  const number = findUnstorableNumber(json)
  if (number !== null)
    throw new SyncError(
      'record/invalid',
      `Postgres cannot hold it: the number ${number} is out of its range`,
    )
}

function skipped(error: unknown, whose: () => string | null): unknown {
  // How deep a document may be is for the stack to say: JSON.parse reads what JSON.stringify cannot
  // write again.
  const failure =
    error instanceof RangeError
      ? new SyncError('record/invalid', 'the record is nested too deeply', { cause: error })
      : error
  return failure instanceof SyncError && failure.action === 'quarantine'
    ? new UnreadableRecord(failure, whose())
    : failure
}

/** @throws SyncError `record/too-large` */
function checkSize(line: Buffer): void {
  if (line.length <= VALUES_MAX) return
  const values = countValues(line)
  if (values > VALUES_MAX)
    throw new SyncError(
      'record/too-large',
      `the record has some ${values} values, ${VALUES_MAX} are the limit`,
    )
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new SyncError('record/unreadable', `no JSON: ${describeJsonError(error)}`)
  }
}

/** Postgres text has no U+0000, and UTF-8 has no lone surrogates: both can hide in JSON escapes. */
function mayHoldWhatTextCannot(line: Buffer): boolean {
  return line.includes('\\u0000') || line.includes('\\ud') || line.includes('\\uD') || !isUtf8(line)
}

function repaired(texts: number): string {
  return `${texts} texts held bytes that are no text (U+0000, lone surrogates or invalid UTF-8): replaced by U+FFFD`
}
