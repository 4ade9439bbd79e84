// Every connector, by name. Everything else about a supplier is in its folder.

import type { Connector } from '../core/connector.ts'
import { medipim } from './medipim/connector.ts'
import { shopify } from './shopify/connector.ts'
import { website } from './website/connector.ts'
import { woocommerce } from './woocommerce/connector.ts'
import { amazon } from './amazon/connector.ts'

export const CONNECTORS: ReadonlyMap<string, Connector> = byName([
  medipim,
  shopify,
  woocommerce,
  // The last one: the others know more about the shops of their platform.
  website,
  amazon,
  // npm run new connector: above this line
])

function byName(connectors: readonly Connector[]): Map<string, Connector> {
  return new Map(connectors.map((connector) => [connector.name, connector]))
}
