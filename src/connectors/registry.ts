// Every connector, by name. Secrets are handed in here, because a source's settings are stored and
// secrets are not.

import type { Connector } from '../core/connector.ts'
import type { Secrets } from './medipim/responses.ts'
import { createMedipim } from './medipim/connector.ts'
import { shopify } from './shopify/connector.ts'

/**
 * What connectors need and no source may store. Null: the suppliers can be replayed, but not
 * fetched from.
 */
export interface ConnectorSecrets {
  readonly medipim: Secrets | null
}

export function createConnectors(secrets: ConnectorSecrets): ReadonlyMap<string, Connector> {
  const connectors: readonly Connector[] = [
    createMedipim(secrets.medipim),
    shopify,
    // npm run new connector: above this line
  ]
  return new Map(connectors.map((connector) => [connector.name, connector]))
}
