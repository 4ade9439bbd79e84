// Whose record a line holds that cannot be parsed: too large, cut short or broken. A record that is
// set aside with its id counts as seen, so that nobody has to guess which product the line stands
// for.

import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { documentOf, MemberFinder } from '../../lib/member-finder.ts'
import { toStorableText } from '../../lib/storable.ts'

/** Push the line into it, then ask `idFound`. */
export function newIdFinder({ idPaths }: Connector): MemberFinder {
  return new MemberFinder(idPaths)
}

/** The id, when it is where the connector expects it, and one that it takes. */
export function idFound(connector: Connector, { found }: MemberFinder): string | null {
  if (found === null) return null
  try {
    const id = connector.identify(connector.unwrap(documentOf(found)))
    return id === null ? null : toStorableText(id)
  } catch (error) {
    if (error instanceof SyncError) return null
    throw error
  }
}

export function findId(connector: Connector, line: Uint8Array): string | null {
  const finder = newIdFinder(connector)
  finder.push(line)
  return idFound(connector, finder)
}
