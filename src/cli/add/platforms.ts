// The platforms of shops: the connectors that recognise the address of a shop.

import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'

type Connectors = ReadonlyMap<string, Connector>

/** Returns the names of all platforms, in the order in which they are tried. */
export function formatPlatforms(connectors: Connectors): string {
  return listPlatforms(connectors)
    .map(({ name }) => name)
    .join(', ')
}

/**
 * Returns the platform of this name, or all with null.
 *
 * @throws SyncError `usage/invalid` for a name that is not that of a platform
 */
export function choosePlatforms(
  connectors: Connectors,
  platform: string | null,
): readonly Connector[] {
  const platforms = listPlatforms(connectors)
  const chosen = platforms.filter(({ name }) => platform === null || name === platform)
  if (chosen.length > 0) return chosen
  throw new SyncError(
    'usage/invalid',
    `"${platform}" is not a platform: use one of ${formatPlatforms(connectors)}`,
  )
}

function listPlatforms(connectors: Connectors): readonly Connector[] {
  return [...connectors.values()].filter(({ recognise }) => recognise !== undefined)
}
