// Recognises the shop at an address, and reads sample products before a source is stored.

import type { Connector, FetchRequest, Recognition, Sample } from '../core/connector.ts'
import { isAbort, SyncError } from '../core/errors.ts'
import { formatMoney } from '../core/money.ts'
import type { Draft } from '../core/product.ts'
import type { CredentialOwner, CredentialReader } from './credentials.ts'
import { limitRequests, type RequestTools } from './limited-http.ts'

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
  tools: RequestTools,
  signal: AbortSignal,
): Promise<Recognised> {
  let refusal: SyncError | null = null
  for (const connector of connectors) {
    try {
      const http = limitRequests(tools, {
        connector,
        settings: null,
        credentials: null,
        urgent: true,
      })
      const recognition = await connector.recognise?.(address, http, signal)
      if (recognition) return { connector, ...recognition }
    } catch (error) {
      if (!(error instanceof SyncError) || isAbort(error)) throw error
      refusal ??= error
    }
  }
  throw (
    refusal ??
    new SyncError('source/not-recognised', `${address.host} is not recognised by any connector`)
  )
}

/**
 * Reads up to `wanted` products of a source, as a sync would. Stops after the first page with a
 * valid product.
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
