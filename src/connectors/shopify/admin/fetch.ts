// Reads all products by the Admin API, with the token of the owner: a bulk operation writes them
// into a file, whose numbers of lines prove that nothing is missing. The operation and the place in
// its file are the cursor.

import { z } from 'zod'
import type { FetchRequest, Page } from '../../../core/connector.ts'
import { SyncError } from '../../../core/errors.ts'
import type { Http, HttpResponse } from '../../../core/http.ts'
import { classifyStatus, SUPPLIER_CODES } from '../../../lib/http-status.ts'
import type { ShopifyCredentials } from '../credentials.ts'
import { toCurrencyError } from '../errors.ts'
import type { ShopifySettings } from '../settings.ts'
import { openAdminApi, type AdminApi } from './api.ts'
import { readRecords } from './file.ts'
import {
  readCurrency,
  requireRepeatable,
  startOperation,
  waitForOperation,
  type Operation,
} from './operation.ts'

/** Operations of one run that may fail or expire. Shopify calls its errors intermittent. */
const OPERATIONS_MAX = 3

const Place = z.object({
  /** Null: the next operation has not been started. */
  operation: z.string().nullable(),
  /** Number of operations that were started. */
  started: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  objects: z.int().nonnegative(),
  products: z.int().nonnegative(),
})
type Place = z.infer<typeof Place>

const FILE_START = { offset: 0, objects: 0, products: 0 }
const START: Place = { operation: null, started: 0, ...FILE_START }

type Request = FetchRequest<ShopifySettings, ShopifyCredentials>

/** @throws SyncError `settings/invalid` without a token · `source/…` */
export async function* fetchAdmin(request: Request, signal: AbortSignal): AsyncGenerator<Page> {
  const { settings, warn, http } = request
  const api = openApi(request, signal)
  let place = request.cursor === null ? START : Place.parse(request.cursor)
  for (;;) {
    if (place.operation === null) {
      place = await start(api, settings, place)
      yield toPage(place, null)
    }
    const operation = await waitForOperation(
      api,
      place.operation ?? '',
      settings.minIntervalMs,
      signal,
    )
    if (operation?.status === 'COMPLETED') {
      const isRead = yield* readFile({ api, http, warn, signal }, operation, place)
      if (isRead) return
    } else if (operation !== null) requireRepeatable(api.host, operation)
    if (place.started >= OPERATIONS_MAX) throw failed(api.host, operation)
    // The products of an earlier file are read again: a newer record replaces an older one.
    place = { ...START, started: place.started }
    yield toPage(place, null)
  }
}

/** One request that every token is allowed. @throws SyncError as `fetchAdmin` */
export async function probeAdmin(
  request: Pick<Request, 'settings' | 'credentials' | 'http'>,
  signal: AbortSignal,
): Promise<void> {
  await readCurrency(openApi({ ...request, warn: () => undefined }, signal))
}

function openApi(
  {
    settings,
    credentials,
    http,
    warn,
  }: Pick<Request, 'settings' | 'credentials' | 'http' | 'warn'>,
  signal: AbortSignal,
): AdminApi {
  const { adminUrl } = settings
  const { token } = credentials
  if (adminUrl === null || token === null)
    throw new SyncError(
      'settings/invalid',
      `The Admin API of ${settings.url} needs ${adminUrl === null ? 'the setting adminUrl' : 'a token: set SECRET_<SOURCE>_TOKEN'}`,
    )
  return openAdminApi(http, { origin: adminUrl, token, warn }, signal)
}

async function start(
  api: AdminApi,
  { currency }: ShopifySettings,
  { started }: Place,
): Promise<Place> {
  const operation = await startOperation(api)
  if (operation.currency !== currency) throw toCurrencyError(api.host, currency, operation.currency)
  return { operation: operation.id, started: started + 1, ...FILE_START }
}

function failed(host: string, operation: Operation | null): SyncError {
  const state =
    operation === null ? 'unknown to the shop' : (operation.errorCode ?? operation.status)
  return new SyncError(
    'source/rejected',
    `${OPERATIONS_MAX} bulk operations of ${host} have failed; the last one is ${state}`,
  )
}

interface Tools {
  readonly api: AdminApi
  readonly http: Http
  readonly warn: (message: string) => void
  readonly signal: AbortSignal
}

/**
 * Yields the rest of the file. Returns false when its address has expired.
 *
 * @throws SyncError `source/…`
 */
async function* readFile(
  { api: { host }, http, warn, signal }: Tools,
  { url, objectCount, rootObjectCount }: Operation,
  from: Place,
): AsyncGenerator<Page, boolean> {
  let place = from
  if (url == null && objectCount > 0)
    throw new SyncError(
      'source/malformed',
      `The bulk operation of ${host} has ended without a file`,
    )
  const body = url == null ? null : await openFile(http, url, place.offset, signal)
  if (body === 'expired') return false
  if (body !== null)
    for await (const block of readRecords(body, place, objectCount)) {
      const { offset, objects, products } = block
      place = { operation: from.operation, started: from.started, offset, objects, products }
      yield { ...toPage(place, rootObjectCount), bytes: block.bytes, lineCount: block.lineCount }
    }
  const isWhole = place.objects === objectCount && place.products === rootObjectCount
  if (isWhole) yield { ...toPage(place, rootObjectCount), complete: true }
  else
    warn(
      `${host} counts ${rootObjectCount} products in ${objectCount} lines, and its file has ${place.products} in ${place.objects}, so the run stays incomplete`,
    )
  return true
}

/**
 * Requests the file from byte `offset` on. Null: there is nothing after it. Its address is signed
 * and valid for a week; the token is not sent there.
 *
 * @throws SyncError `source/…`
 */
async function openFile(
  http: Http,
  url: string,
  offset: number,
  signal: AbortSignal,
): Promise<HttpResponse['body'] | null | 'expired'> {
  // Compressed bytes have other offsets.
  const headers = { 'accept-encoding': 'identity' }
  const range = offset === 0 ? {} : { range: `bytes=${offset}-` }
  const response = await http({ url, headers: { ...headers, ...range } }, signal)
  const { status } = response
  if (status === 200) return skipBytes(response.body, offset)
  if (status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${offset}-`))
    return response.body
  await response.cancel()
  if (status === 416 && offset > 0) return null
  if ([400, 401, 403, 404, 410].includes(status)) return 'expired'
  throw new SyncError(
    SUPPLIER_CODES[classifyStatus(status)],
    `The file of the bulk operation: the server responds ${status}`,
  )
}

async function* skipBytes(body: HttpResponse['body'], count: number): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of body) {
    const skipped = Math.min(left, chunk.byteLength)
    left -= skipped
    if (skipped < chunk.byteLength) yield chunk.subarray(skipped)
  }
}

function toPage(place: Place, expected: number | null): Page {
  return {
    bytes: new Uint8Array(),
    lineCount: 0,
    cursor: place,
    expected,
    watermarkMs: null,
    complete: false,
  }
}
