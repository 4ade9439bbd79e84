// add: finds out what kind of shop an address is, and tries it out before anything is stored.

import type { Connector, FetchRequest, Recognition, Sample } from '../core/connector.ts'
import { isAbort, SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { formatMoney } from '../core/money.ts'
import type { Draft } from '../core/product.ts'
import type { CredentialOwner, CredentialReader } from './credentials.ts'

export interface Recognised extends Recognition<unknown> {
  readonly connector: Connector
}

/**
 * Finds the first connector that recognises `address`. The error of a connector that recognises it
 * but cannot read it is thrown only when no other connector can.
 *
 * @throws SyncError `source/not-recognised` · the error of a connector
 */
export async function recogniseAddress(
  connectors: Iterable<Connector>,
  address: URL,
  http: Http,
  signal: AbortSignal,
): Promise<Recognised> {
  let refusal: SyncError | null = null
  for (const connector of connectors) {
    try {
      const recognition = await connector.recognise?.(address, http, signal)
      if (recognition) return { connector, ...recognition }
    } catch (error) {
      if (!(error instanceof SyncError) || isAbort(error)) throw error
      refusal ??= error
    }
  }
  throw (
    refusal ??
    new SyncError('source/not-recognised', `${address.host} is not a shop that any connector knows`)
  )
}

/**
 * Reads the first products of a source, as a sync would, and goes no further.
 *
 * @throws SyncError `source/…` when it cannot be read, `source/malformed` when nothing in its first
 * page is a product
 */
export async function sampleProducts(
  owner: CredentialOwner,
  { http, credentials }: { readonly http: Http; readonly credentials: CredentialReader },
  signal: AbortSignal,
  wanted = 5,
): Promise<Sample[]> {
  const { connector, settings } = owner
  const request: FetchRequest = {
    settings,
    credentials: credentials(owner),
    scope: { kind: 'all' },
    cursor: null,
    http,
    warn: () => undefined,
  }
  const samples: Sample[] = []
  let refusal: SyncError | null = null
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
    if (samples.length > 0) return samples
  }
  if (refusal)
    throw new SyncError('source/malformed', `No product could be read: ${refusal.message}`, {
      cause: refusal,
    })
  return samples
}

function toSample({ externalId, title, prices }: Draft): Sample {
  const price = prices.find(({ amountMinor }) => amountMinor !== null)
  return {
    title: title ?? externalId,
    price: price === undefined ? null : formatMoney(price.amountMinor ?? 0, price.currency),
  }
}
