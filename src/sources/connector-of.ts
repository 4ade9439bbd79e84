// Which connector a source belongs to in this version, and what it was told.

import { z } from 'zod'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Source } from '../db/sources.ts'

/**
 * The connector of a source. @throws SyncError `usage/invalid` when this version has none of that
 * name
 */
export function connectorOf(
  { connectors }: { readonly connectors: ReadonlyMap<string, Connector> },
  { name, connector }: Source,
): Connector {
  const found = connectors.get(connector)
  if (!found)
    throw new SyncError(
      'usage/invalid',
      `${name} is a source of the connector ${connector}, which this version of Shelfsync does not have`,
    )
  return found
}

/**
 * What the connector works with. @throws SyncError `settings/invalid` when another version, or
 * somebody by hand, left what it cannot read
 */
export function settingsOf({ settings }: Connector, source: Source): unknown {
  const { data, error } = settings.safeParse(source.settings)
  if (error)
    throw new SyncError(
      'settings/invalid',
      `The settings of ${source.name} in catalog.sources cannot be read: ${z.prettifyError(error)}`,
    )
  return data
}
