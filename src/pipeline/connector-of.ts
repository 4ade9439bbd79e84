// Which connector a source belongs to, in this version.

import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Source } from '../db/sources.ts'

/** The connector of a source. @throws SyncError `usage/invalid` when this version has none of that name */
export function connectorOf({ connectors }: { readonly connectors: ReadonlyMap<string, Connector> }, { name, connector }: Source): Connector {
  const found = connectors.get(connector)
  if (!found) throw new SyncError('usage/invalid', `${name} is a source of the connector ${connector}, which this version of Shelfsync does not have`)
  return found
}
