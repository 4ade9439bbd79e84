// The operation getItems: at most ten items in one request, and only the resources that the
// documentation lists. A parent without its leaf, such as `offersV2`, is refused.

import { JsonCheck } from '../../lib/json-check.ts'
import { SyncError } from '../../core/errors.ts'
import type { FetchRequest } from '../../core/connector.ts'
import type { HttpResponse } from '../../core/http.ts'
import { findValueStart } from '../../lib/json-slices.ts'
import { readBytes, toHost } from '../../lib/read-body.ts'
import { requireCredential, requireTag, tokenUrlOf, type AmazonCredentials } from './credentials.ts'
import { failureOf, isNoItem, isTokenRefused } from './errors.ts'
import { toAuthorization, type TokenCache, type TokenRequest } from './tokens.ts'
import { marketplaceOf, type AmazonSettings } from './settings.ts'

/** https://affiliate-program.amazon.com/creatorsapi/docs/en-us/api-reference/operations/get-items */
export const BATCH_MAX = 10

const PATH = '/catalog/v1/getItems'
/** Ten items with all resources take about 200 KB. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024
const FIRST_BYTE_TIMEOUT_MS = 60_000

/** Without `customerReviews`: the public page omits them, and the licence forbids their use. */
export const RESOURCES: readonly string[] = [
  ...['browseNodes', 'browseNodes.ancestor', 'browseNodes.salesRank', 'websiteSalesRank'].map(
    (name) => `browseNodeInfo.${name}`,
  ),
  ...['primary', 'variants'].flatMap((which) =>
    ['small', 'medium', 'large', 'highRes'].map((size) => `images.${which}.${size}`),
  ),
  ...[
    'byLineInfo',
    'classifications',
    'contentInfo',
    'contentRating',
    'externalIds',
    'features',
    'manufactureInfo',
    'productInfo',
    'technicalInfo',
    'title',
    'tradeInInfo',
  ].map((name) => `itemInfo.${name}`),
  ...[
    'availability',
    'condition',
    'dealDetails',
    'isBuyBoxWinner',
    'loyaltyPoints',
    'merchantInfo',
    'price',
    'type',
  ].map((name) => `offersV2.listings.${name}`),
  'parentASIN',
]

type Request = FetchRequest<AmazonSettings, AmazonCredentials>

/** A response as it arrived. Null bytes: Amazon does not know any of the items. */
export interface Arrived {
  readonly bytes: Uint8Array | null
  readonly atMs: number
}

export type GetItems = (asins: readonly string[]) => Promise<Arrived>

/**
 * Returns the operation for the marketplace of a source. It sends one request for each call, and a
 * second one when its token has expired.
 *
 * @throws SyncError `settings/invalid` before any request; later `source/…`
 */
export function openApi(request: Request, tokens: TokenCache, signal: AbortSignal): GetItems {
  const { settings, credentials, http } = request
  const credential = requireCredential(credentials, settings)
  const tag = requireTag(credentials, settings)
  const token: TokenRequest = { url: tokenUrlOf(settings, credential.version), credential }
  const { languages } = marketplaceOf(settings)

  const send = (asins: readonly string[], text: string): Promise<HttpResponse> =>
    http(
      {
        url: settings.apiUrl + PATH,
        method: 'POST',
        firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
        facts: { operation: 'getItems', items: asins.length },
        headers: {
          authorization: toAuthorization(text, credential),
          'content-type': 'application/json',
          accept: 'application/json',
          'x-marketplace': settings.marketplace,
        },
        body: JSON.stringify({
          itemIds: asins,
          itemIdType: 'ASIN',
          // The documentation requires it here, Amazon's own programs send the header only.
          marketplace: settings.marketplace,
          partnerTag: tag,
          languagesOfPreference: [settings.language ?? languages[0]],
          resources: RESOURCES,
        }),
      },
      signal,
    )

  return async (asins) => {
    for (let isSecond = false; ; isSecond = true) {
      const text = await tokens.get(token, http, signal)
      const response = await send(asins, text)
      const atMs = Date.now()
      if (response.status === 200)
        return { bytes: checkWhole(await readBytes(response, RESPONSE_BYTES_MAX), response), atMs }
      const failure = await failureOf(response)
      if (isNoItem(failure)) return { bytes: null, atMs }
      if (isSecond || !isTokenRefused(failure)) throw failure.error
      await tokens.refuse(token, text)
    }
  }
}

/** @throws SyncError `source/cut-short` · `source/malformed` */
function checkWhole(bytes: Uint8Array, { url }: HttpResponse): Uint8Array {
  const check = new JsonCheck()
  check.push(bytes.subarray(findValueStart(bytes)))
  if (check.isWhole) return bytes
  const host = toHost(url)
  throw check.faultAt === null
    ? new SyncError('source/cut-short', `The response of ${host} ends at byte ${bytes.length}`)
    : new SyncError('source/malformed', `The response of ${host} is not JSON`)
}
