// Checks the new address of a source before it is stored: the shop must be recognised, or the API
// must accept the key.

import { z } from 'zod'
import type { Connector } from '../core/connector.ts'
import { isReady } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { BoundSource } from './bound-source.ts'
import type { CredentialReader } from './credentials.ts'
import { limitRequests, type RequestTools } from './limited-http.ts'

const Document = z.record(z.string(), z.json())

/**
 * Returns the settings that the shop at `address` states, or null for a connector that does not
 * recognise shops.
 *
 * @throws SyncError `source/not-recognised` · the error of the connector
 */
export async function readShopSettings(
  connector: Connector,
  address: URL,
  tools: RequestTools,
  signal: AbortSignal,
): Promise<Readonly<Record<string, Json>> | null> {
  if (!connector.recognise) return null
  const http = limitRequests(tools, { connector, settings: null, credentials: null, urgent: true })
  const found = await connector.recognise(address, http, signal)
  if (found === null)
    throw new SyncError(
      'source/not-recognised',
      `${address.host} is not recognised by the connector ${connector.name}`,
    )
  return Document.parse(found.settings)
}

/**
 * Requests the address of a source with its credentials, if they are complete.
 *
 * @throws SyncError the error of the connector
 */
export async function probeAddress(
  bound: Pick<BoundSource, 'source' | 'connector' | 'settings'>,
  tools: RequestTools & { readonly credentials: CredentialReader },
  signal: AbortSignal,
): Promise<void> {
  const { connector, settings } = bound
  const credentials = tools.credentials(bound)
  const http = limitRequests(tools, { connector, settings, credentials, urgent: true })
  if (isReady(connector, settings, credentials))
    await connector.probe?.({ settings, credentials, http }, signal)
}
