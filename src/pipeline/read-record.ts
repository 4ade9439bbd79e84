// One archived line to a draft and the JSON that jsonb can hold. Everything that can be wrong with a single record is found here.

import { isUtf8 } from 'node:buffer'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Draft } from '../core/product.ts'
import { sha256, RECORD_HASH_BYTES } from '../node/hash.ts'
import type { PendingLine } from './batch.ts'

/** An int4 column. */
const PACK_COUNT_MAX = 2 ** 31 - 1

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
export function readRecord(connector: Connector, settings: unknown, { line, scan, hash }: PendingLine): ReadRecord {
  let record: unknown
  try {
    record = scan === null ? connector.unwrap(parseJson(line)) : parseJson(line.subarray(scan.start, scan.end))
  } catch (error) {
    throw skipped(error, null)
  }
  const repaired = mayHoldWhatTextCannot(line) ? new Repair() : null
  if (repaired) record = repaired.repair(record)
  try {
    const draft = connector.normalise(record, settings)
    checkNumbers(draft)
    const exact = scan !== null && hash !== null && !repaired?.count
    const raw = exact ? line.subarray(scan.start, scan.end) : JSON.stringify(record)
    return {
      draft: repaired?.count ? { ...draft, warnings: [...draft.warnings, repaired.warning] } : draft,
      raw,
      hash: hash ?? sha256(Buffer.from(JSON.stringify(record))).subarray(0, RECORD_HASH_BYTES),
    }
  } catch (error) {
    throw skipped(error, connector.identify(record))
  }
}

/** A number that its column cannot hold would break the COPY, and with it the whole run. @throws SyncError `record/invalid` */
function checkNumbers({ variants, prices }: Draft): void {
  for (const { packCount } of variants) checkWhole('the pack count', packCount, PACK_COUNT_MAX)
  for (const { amountMinor, compareAtMinor } of prices) {
    checkWhole('the price', amountMinor, Number.MAX_SAFE_INTEGER)
    checkWhole('the crossed-out price', compareAtMinor, Number.MAX_SAFE_INTEGER)
  }
}

function checkWhole(what: string, value: number | null, max: number): void {
  if (value === null || (Number.isInteger(value) && Math.abs(value) <= max)) return
  throw new SyncError('record/invalid', `${what} is ${value} where a whole number of at most ${max} is expected`)
}

function skipped(error: unknown, externalId: string | null): unknown {
  return error instanceof SyncError && error.action === 'skip' ? new UnreadableRecord(error, externalId) : error
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new SyncError('record/unreadable', `no JSON: ${String(cause instanceof Error ? cause.message : cause).slice(0, 200)}`, { cause })
  }
}

/** Postgres text has no U+0000, and UTF-8 has no lone surrogates: both can hide in JSON escapes. */
function mayHoldWhatTextCannot(line: Buffer): boolean {
  return line.includes('\\u0000') || line.includes('\\ud') || line.includes('\\uD') || !isUtf8(line)
}

/** Replaces what text cannot hold by U+FFFD, wherever it is. */
class Repair {
  count = 0

  get warning(): string {
    return `${this.count} texts held bytes that are no text (U+0000, lone surrogates or invalid UTF-8): replaced by U+FFFD`
  }

  repair(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value)
    if (Array.isArray(value)) return value.map((element) => this.repair(element))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.#text(key), this.repair(member)]))
  }

  #text(text: string): string {
    if (text.isWellFormed() && !text.includes('\0')) {
      if (text.includes('\ufffd')) this.count += 1
      return text
    }
    this.count += 1
    return text.toWellFormed().replaceAll('\0', '\ufffd')
  }
}
