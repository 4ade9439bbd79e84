// Checks an address before it is stored. The address guard checks it again at each request.

import { SyncError } from '../core/errors.ts'
import { createAddressGuard, type AllowPrivateHosts } from './address-guard.ts'
import { checkPrivacy } from './http-client.ts'

/**
 * Returns a check of an address and of those that its name leads to. A name that does not resolve now
 * passes: it is checked again when a request is sent.
 *
 * The check throws SyncError `source/address-refused` (not a URL, http to another machine, or a private
 * network).
 */
export function createAddressCheck(allow: AllowPrivateHosts): (text: string) => Promise<URL> {
  const guard = createAddressGuard(allow)
  return async (text) => {
    const url = URL.parse(text)
    if (url === null)
      throw new SyncError('source/address-refused', 'The address is not a valid URL')
    guard.check(url)
    checkPrivacy(url, guard)
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    guard.lookupFor(url)(url.hostname, { all: true }, (error) =>
      error instanceof SyncError ? reject(error) : resolve(undefined),
    )
    await promise
    return url
  }
}
