// Requests of example-supplier. The last line of a response is `{"end":true,"count":n}`: it proves
// that nothing is missing, and without it no product may be removed.

import { z } from 'zod'
import type { FetchRequest, Page } from '../../../src/core/connector.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Http, HttpResponse } from '../../../src/core/http.ts'
import { SUPPLIER_CODES, toStatusError } from '../../../src/lib/http-status.ts'
import { readLineBlocks } from '../../../src/lib/ndjson.ts'
import { toHost } from '../../../src/lib/read-body.ts'
import type { ExampleSupplierSettings } from './settings.ts'

const PAGE_BYTES = 1024 * 1024
const LINE_BYTES_MAX = 16 * 1024 * 1024

const EndMarker = z.strictObject({ end: z.literal(true), count: z.int().nonnegative() })

type Headers = Readonly<Record<string, string>>

/** Yields the catalogue in pages of whole lines; `headers` carry the key, if there is one. */
export async function* fetchPages(
  { settings, http, warn }: FetchRequest<ExampleSupplierSettings>,
  headers: Headers,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const response = await openCatalogue(settings, http, headers, signal)
  let recordCount = 0
  for await (const { kind, bytes, ends } of readLineBlocks(response.body, {
    blockBytes: PAGE_BYTES,
    lineBytesMax: LINE_BYTES_MAX,
  })) {
    // The rest is a line without its end: the response was cut short.
    if (kind === 'rest') break
    const lastLine = ends.at(-2) ?? 0
    const expected = kind === 'piece' ? null : readCount(bytes.subarray(lastLine))
    const lineCount = expected === null ? ends.length : ends.length - 1
    recordCount += lineCount
    const complete = expected === recordCount
    if (expected !== null && !complete)
      warn(`The supplier counts ${expected} products and sent ${recordCount}`)
    yield {
      bytes: expected === null ? bytes : bytes.subarray(0, lastLine),
      lineCount,
      // The supplier cannot resume, so an interrupted fetch begins again.
      cursor: null,
      expected,
      watermarkMs: null,
      complete,
    }
    if (expected !== null) return
  }
  throw new SyncError(
    'source/cut-short',
    `The response of ${toHost(response.url)} ended after ${recordCount} products, without its end marker`,
  )
}

/** @throws SyncError `source/…` for any status but 200 */
export async function openCatalogue(
  { url }: ExampleSupplierSettings,
  http: Http,
  headers: Headers,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const response = await http(
    { url, headers: { accept: 'application/x-ndjson', ...headers } },
    signal,
  )
  if (response.status === 200) return response
  await response.cancel()
  throw toStatusError(
    response,
    SUPPLIER_CODES,
    `${toHost(response.url)} responds ${response.status}`,
  )
}

/** The count in the end marker, or null when `line` is a record. */
function readCount(line: Uint8Array): number | null {
  try {
    return EndMarker.safeParse(JSON.parse(new TextDecoder().decode(line))).data?.count ?? null
  } catch {
    // Not JSON: the pipeline quarantines the line.
    return null
  }
}
