// Finds the id of the record in a line that cannot be parsed because it is too large, cut short or
// broken. A quarantined record with an id counts as seen, so its product is not taken for missing.

import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { documentOf, MemberFinder } from '../../lib/member-finder.ts'
import { toStorableText } from '../../lib/storable-text.ts'

/** Returns a finder: push the line into it, then call `toLineId`. */
export function newIdFinder({ idPaths }: Connector): MemberFinder {
  return new MemberFinder(idPaths)
}

/** Returns the id if it is at a path of the connector and the connector accepts it, else null. */
export function toLineId(connector: Connector, { found }: MemberFinder): string | null {
  if (found === null) return null
  try {
    const id = connector.identify(connector.unwrap(documentOf(found)))
    return id === null ? null : toStorableText(id)
  } catch (error) {
    if (error instanceof SyncError) return null
    throw error
  }
}

export function findLineId(connector: Connector, line: Uint8Array): string | null {
  const finder = newIdFinder(connector)
  finder.push(line)
  return toLineId(connector, finder)
}
