// The archived line of a page: its address, its validators, its evidence and its HTML. The evidence
// is the record. It is read from the HTML again when `readPage` has changed since, so that a replay of
// the archive gains from a better reader.

import { z } from 'zod'
import type { Scan } from '../../core/connector.ts'
import { matchesAt } from '../../lib/byte-scan.ts'
import { EXTRACTOR_VERSION, type PageEvidence } from './evidence.ts'
import { identifyPage } from './product.ts'
import { readPage } from './read-page.ts'

export interface ReadPage {
  /** The address that was requested. */
  readonly address: string
  /** The address of the response. */
  readonly url: string
  readonly readAtMs: number
  readonly etag: string | null
  readonly lastModified: string | null
  readonly html: string
}

/** The line without its record. */
const Stored = z.object({
  extractor: z.int(),
  address: z.string(),
  url: z.string(),
  readAtMs: z.number(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  html: z.string(),
})

const HEAD_BYTES_MAX = 16 * 1024
const encoder = new TextEncoder()
const [RECORD, HTML] = [encoder.encode(',"record":'), encoder.encode(',"html":"')]

/**
 * Returns the line with its line feed. The head has the length of the record, so that the record is
 * found without parsing.
 */
export function toLine(page: ReadPage, evidence: PageEvidence): Uint8Array {
  const { address, url, readAtMs, etag, lastModified, html } = page
  const record = JSON.stringify(evidence)
  const head = JSON.stringify({
    extractor: EXTRACTOR_VERSION,
    bytes: encoder.encode(record).byteLength,
    id: identifyPage(evidence),
    address,
    url,
    readAtMs,
    etag,
    lastModified,
  }).slice(0, -1)
  return encoder.encode(
    `${head},"record":${record},"html":${JSON.stringify(html.toWellFormed())}}\n`,
  )
}

/** Finds the record of a line that this version has written. */
export function scanLine(line: Uint8Array): Scan | null {
  const head = line.subarray(0, HEAD_BYTES_MAX)
  const at = indexOf(head, RECORD)
  if (at === -1) return null
  const [, extractor, bytes] =
    /^\{"extractor":(\d{1,9}),"bytes":(\d{1,9}),/.exec(decode(head.subarray(0, 64))) ?? []
  if (Number(extractor) !== EXTRACTOR_VERSION) return null
  const start = at + RECORD.length
  const end = start + Number(bytes)
  return matchesAt(line, end, HTML) ? { start, end, volatile: [] } : null
}

/** Returns the evidence in a parsed line. For a line that has only an id, it has only the address. */
export function unwrapLine(line: unknown): unknown {
  const { data } = Stored.safeParse(line)
  const { id, record } = Object(line) as { id?: unknown; record?: unknown }
  if (data === undefined) return record ?? { url: id }
  return data.extractor === EXTRACTOR_VERSION
    ? record
    : readPage(data.html, data.url, data.readAtMs)
}

/** Reads a line of an earlier fetch. Null for a line that this connector did not write. */
export function parseLine(line: Uint8Array): ReadPage | null {
  try {
    return Stored.safeParse(JSON.parse(decode(line))).data ?? null
  } catch {
    return null
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first = 0] = wanted
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1))
    if (matchesAt(bytes, at, wanted)) return at
  return -1
}
