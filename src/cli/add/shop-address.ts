// The address of a shop on the command line.

import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'

/**
 * Parses an address; without a scheme, it is read as https.
 *
 * @throws SyncError `usage/invalid` when `text` is not an address or contains an "@". The message
 * never contains a password, not even one with an unencoded slash.
 */
export function parseAddress(
  text: string,
  { connectors }: { readonly connectors: ReadonlyMap<string, Connector> },
): URL {
  if (text.includes('@'))
    throw new SyncError(
      'usage/invalid',
      'The address contains an "@": remove the user name and the password, which no shop needs, and write an "@" in a path as %40',
    )
  const address = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)
  if (!address || !/^https?:$/.test(address.protocol) || !/[.:]|^localhost$/.test(address.host)) {
    throw new SyncError(
      'usage/invalid',
      `"${text}" is neither the address of a shop nor a connector (${[...connectors.keys()].join(', ')})`,
    )
  }
  return address
}
