// Recognises the shop at an address, and reads sample products before a source is stored.

import type { Connector, FetchRequest, Recognition, Sample } from '../core/connector.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { isAbort, SyncError } from '../core/errors.ts'
import { formatMoney } from '../core/money.ts'
import type { Draft } from '../core/product.ts'
import type { CredentialOwner, CredentialReader } from './credentials.ts'
import { limitRequests, type RequestTools } from './limited-http.ts'
import { recordRequests, type TriedRequest } from './tried-requests.ts'

export type RecognitionTools = RequestTools & {
  /** Without it, services that need a key are not used. */
  readonly credentials?: CredentialReader
}

export interface Recognised extends Recognition<unknown> {
  readonly connector: Connector
  /** The requests that led to it, in order. */
  readonly tried: readonly TriedRequest[]
}

/**
 * Errors that say the same to every connector: the shop is closed, or does not respond. No other one
 * is tried.
 */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'source/password',
  'source/closed',
  'source/unavailable',
  'source/too-slow',
  'source/rate-limited',
  'source/circuit-open',
  'source/address-refused',
])

/**
 * Finds the first connector that recognises `address`. The error of a connector that recognises it
 * but cannot read it is thrown only when no other connector can. `detail.tried` of an error are the
 * requests that were sent.
 *
 * @throws SyncError `source/not-recognised` · the error of a connector
 */
export async function recogniseAddress(
  connectors: Iterable<Connector>,
  address: URL,
  tools: RecognitionTools,
  signal: AbortSignal,
): Promise<Recognised> {
  const tried: TriedRequest[] = []
  const names: string[] = []
  let refusal: SyncError | null = null
  for (const connector of connectors) {
    if (!connector.recognise) continue
    names.push(connector.name)
    try {
      const credentials = findSharedCredentials(connector, tools)
      const http = limitRequests(tools, { connector, settings: null, credentials, urgent: true })
      const recording = recordRequests(http, connector.name, tried)
      const recognition = await connector.recognise(address, recording, signal, credentials)
      if (recognition) return { connector, tried, ...recognition }
    } catch (error) {
      if (!(error instanceof SyncError) || isAbort(error)) throw error
      refusal ??= error
      if (FINAL.has(error.code)) break
    }
  }
  refusal ??= new SyncError(
    'source/not-recognised',
    names.length === 1
      ? `${address.host} is not recognised as a shop by the connector ${names[0]}`
      : `${address.host} is not recognised as a shop by any connector (${names.join(', ')})`,
  )
  throw new SyncError(refusal.code, refusal.message, {
    cause: refusal,
    detail: { ...refusal.detail, tried },
    retryAfterMs: refusal.retryAfterMs,
  })
}

/**
 * Returns the shared credentials of a connector whose secrets go to a service for any settings, and
 * never to the address that is to be recognised; null for any other connector.
 */
function findSharedCredentials(connector: Connector, { credentials }: RecognitionTools): unknown {
  const isService =
    connector.secretsAddresses !== undefined && connector.usesCredentials === undefined
  return isService && credentials !== undefined
    ? credentials({ connector, settings: null, source: { name: '' } })
    : null
}

/** A page of a website has one product, so several are read; a page of a list is enough. */
const SAMPLE_PAGES_MAX = 10

/**
 * Reads up to `wanted` products of a source, as a sync would, from its first pages.
 *
 * @throws SyncError `source/…` when the source cannot be read · `source/malformed` when it has
 * records, but no valid product
 */
export async function sampleProducts(
  owner: CredentialOwner,
  tools: RequestTools & { readonly credentials: CredentialReader },
  signal: AbortSignal,
  wanted = 5,
): Promise<Sample[]> {
  const { connector, settings } = owner
  const credentials = tools.credentials(owner)
  const request: FetchRequest = {
    settings,
    credentials,
    scope: { kind: 'all' },
    cursor: null,
    http: limitRequests(tools, { connector, settings, credentials, urgent: true }),
    warn: () => undefined,
  }
  const samples: Sample[] = []
  let refusal: SyncError | null = null
  let pages = 0
  for await (const page of connector.fetch(request, signal)) {
    for (const line of new TextDecoder().decode(page.bytes).split('\n')) {
      if (line.trim() === '') continue
      try {
        samples.push(toSample(connector.normalise(connector.unwrap(JSON.parse(line)), settings)))
      } catch (error) {
        if (error instanceof SyncError) refusal ??= error
        else if (!(error instanceof SyntaxError)) throw error
      }
      if (samples.length === wanted) return samples
    }
    pages += 1
    if (samples.length > 0 && pages >= SAMPLE_PAGES_MAX) return samples
  }
  if (refusal && samples.length === 0)
    throw new SyncError('source/malformed', `No product could be read: ${refusal.message}`, {
      cause: refusal,
    })
  return samples
}

function toSample({ externalId, title, url, prices }: Draft): Sample {
  const price = prices.find(({ amountMinor }) => amountMinor !== null)
  return {
    title: title ?? externalId,
    url,
    price: price === undefined ? null : formatMoney(price.amountMinor ?? 0, price.currency),
  }
}
