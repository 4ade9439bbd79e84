// Fetches the toy supplier's list page by page: `/products?page=1&since=0`. Each line has its
// number in the list, and the headers `x-lines`, `x-pages` and `x-count` count the lines of the
// page, the pages, and the records of all pages. `&keys=p-1,p-2` requests named products.

import { z } from 'zod'
import type { FetchRequest, Page, ProbeRequest, Scope } from '../../../src/core/connector.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { HttpResponse } from '../../../src/core/http.ts'
import { trustedTime } from '../../../src/core/source-time.ts'
import { readBytes } from '../../../src/lib/read-body.ts'
import { KEY, requireKey, type ToyCredentials } from './credentials.ts'
import type { Has } from './defects.ts'

/** Number of lines on a page. */
export const PAGE_SIZE = 20

export const ToySettings = z.strictObject({
  url: z.url().refine((url) => URL.parse(url)?.origin === url, 'must be an origin'),
})
export type ToySettings = z.infer<typeof ToySettings>

type Request = FetchRequest<ToySettings, ToyCredentials>

const Cursor = z.object({ page: z.int(), listed: z.int() })
type Cursor = z.infer<typeof Cursor>

interface ToyPage {
  readonly bytes: Uint8Array
  readonly lines: readonly string[]
  /** The records of the page. */
  readonly listed: number
  /** The number of records on all pages, as the supplier counts them. */
  readonly expected: number
  readonly isLast: boolean
  readonly failed: boolean
}

/** Yields the pages of the list in order, each with the number of the page after it as cursor. */
export async function* fetchPages(
  request: Request,
  signal: AbortSignal,
  has: Has,
): AsyncGenerator<Page> {
  const { scope, cursor } = request
  const kept: Uint8Array[] = []
  let { page, listed } = cursor === null ? { page: 1, listed: 0 } : Cursor.parse(cursor)
  let watermarkMs: number | null = null
  for (; ; page++) {
    const loaded = await loadPage(request, page, signal, has)
    const { bytes, lines, expected, isLast } = loaded
    listed += loaded.listed
    if (has('keeps all pages')) kept.push(bytes)
    watermarkMs = findWatermark(lines, watermarkMs)
    const whole = isLast && isWhole({ ...loaded, listed }, has)
    if (isLast && !whole)
      throw new SyncError(
        'source/cut-short',
        `The toy ended after ${listed} of ${expected} products`,
      )
    const unsorted = has('expects the order of ids') && !isSorted(lines)
    yield {
      bytes,
      lineCount: lines.length,
      cursor: cursorAfter(page, listed, has),
      expected: expected || null,
      watermarkMs,
      complete:
        (scope.kind !== 'keys' || has('reports a fetch by keys as complete')) &&
        (whole || unsorted),
    }
    if (isLast || unsorted) return
  }
}

async function loadPage(
  { settings, credentials, scope, http }: Request,
  page: number,
  signal: AbortSignal,
  has: Has,
): Promise<ToyPage> {
  const key = has('makes requests without a key')
    ? (credentials.key ?? '')
    : requireKey(credentials)
  const url = `${settings.url}/products?page=${page}&${formatScope(scope, has)}`
  const response = await http({ url, headers: { 'x-key': key } }, signal)
  const failed = response.status !== 200
  if (failed && !has('treats a failed page as the end')) throw await toError(response, has)
  const bytes = failed ? new Uint8Array() : await readPage(response, has)
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1)
  const listed = countRecords(lines)
  if (listed < readCount(response, 'x-lines') && !believesAnyEnd(has))
    throw new SyncError('source/cut-short', `Page ${page} of the toy ended after ${listed} lines`)
  if (has('refuses repeated products') && new Set(lines.map(numberIn)).size < lines.length)
    throw new SyncError('source/malformed', 'a product was listed twice')
  return {
    bytes,
    lines,
    listed,
    expected: readCount(response, 'x-count'),
    isLast: !(page < readCount(response, 'x-pages')),
    failed,
  }
}

function formatScope(scope: Scope, has: Has): string {
  const since = scope.kind === 'since' && !has('ignores the instant') ? scope.sinceMs : 0
  const by = has('requests created instead of changed products') ? 'created_at' : 'updated_at'
  const keys =
    scope.kind === 'keys' && !has('ignores the keys') ? `&keys=${scope.keys.join(',')}` : ''
  return `since=${since}&by=${by}${keys}`
}

function cursorAfter(page: number, listed: number, has: Has): Cursor {
  return has('resumes one page too late')
    ? { page: page + 2, listed: listed + PAGE_SIZE }
    : { page: page + 1, listed }
}

/** Returns the newest trusted time of these lines and of those before them. */
function findWatermark(lines: readonly string[], before: number | null): number | null {
  let newest = before
  for (const line of lines) {
    const updatedAtMs = Number(/"updated_at":(\d+)/.exec(line)?.[1] ?? 0)
    newest = Math.max(newest ?? 0, trustedTime(updatedAtMs, Date.now()) ?? 0)
  }
  return newest
}

function isSorted(lines: readonly string[]): boolean {
  return lines.every((line, n) => n === 0 || numberIn(line) >= numberIn(lines[n - 1] ?? ''))
}

export async function probe(
  { settings, credentials, http }: ProbeRequest<ToySettings, ToyCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const headers = { 'x-key': requireKey(credentials) }
  const response = await http({ url: `${settings.url}/products?page=0&since=0`, headers }, signal)
  if (response.status !== 200) throw await toError(response, () => false)
  await response.cancel()
}

function isWhole(
  { listed, expected, lines, failed }: Omit<ToyPage, 'bytes' | 'isLast'>,
  has: Has,
): boolean {
  return (
    believesAnyEnd(has) ||
    failed ||
    (has('treats an empty response as complete') && lines.length === 0) ||
    listed >= expected
  )
}

function believesAnyEnd(has: Has): boolean {
  return (
    has('treats a truncated feed as complete') ||
    has('ignores a stalled response') ||
    has('ignores a reset connection')
  )
}

function readCount({ headers }: HttpResponse, name: string): number {
  return Number(headers.get(name) ?? Number.NaN)
}

/** Counts the records of a page. A repeated line counts once, a blank line does not count. */
function countRecords(lines: readonly string[]): number {
  const written = lines.filter((line) => line.trim() !== '' && line !== '\ufeff')
  return new Set(
    written.map((line, index) => /^\ufeff?\{"n":(\d+),/.exec(line)?.[1] ?? `#${index}`),
  ).size
}

async function readPage(response: HttpResponse, has: Has): Promise<Uint8Array> {
  try {
    const bytes = has('decodes each piece separately')
      ? await decodePieces(response)
      : await readBytes(response, 64 * 1024 * 1024)
    if (bytes.length > 0 && bytes.at(-1) !== 0x0a) {
      if (!has('treats a truncated feed as complete'))
        throw new SyncError('source/cut-short', 'A page of the toy ends inside a line')
      return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
    }
    return bytes
  } catch (error) {
    const silent =
      has('ignores a stalled response') &&
      error instanceof SyncError &&
      error.code === 'source/unavailable'
    const cut =
      has('ignores a reset connection') &&
      error instanceof SyncError &&
      error.code === 'source/cut-short'
    if (silent || cut) return new Uint8Array()
    throw error
  }
}

async function decodePieces(response: HttpResponse): Promise<Uint8Array> {
  let text = ''
  for await (const piece of response.body) text += new TextDecoder().decode(piece)
  return new TextEncoder().encode(text)
}

async function toError(response: HttpResponse, has: Has): Promise<SyncError> {
  const { status, headers } = response
  await response.cancel()
  const seconds = Number(headers.get('retry-after') ?? 0)
  const retryAfterMs = has('ignores Retry-After') ? null : seconds * 1000
  const message = `The toy responded ${status}${has('quotes its key') ? ` to ${KEY}` : ''}`
  if (status === 429 && !has('gives up at 429'))
    return new SyncError('source/rate-limited', message, { retryAfterMs })
  if (status >= 500 && !has('gives up at 5xx'))
    return new SyncError('source/unavailable', message, { retryAfterMs })
  return new SyncError(status === 401 ? 'source/unauthorized' : 'source/rejected', message)
}

function numberIn(line: string): number {
  return Number(/"id":"p-(\d+)"/.exec(line)?.[1] ?? Number.NaN)
}
