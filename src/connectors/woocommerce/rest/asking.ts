// Requests with the keys of the owner. They are sent to the shop's own address only.

import { SyncError } from '../../../core/errors.ts'
import type { Http } from '../../../core/http.ts'
import type { WoocommerceCredentials } from '../credentials.ts'
import type { Ask } from '../list.ts'
import type { WoocommerceSettings } from '../settings.ts'

/** @throws SyncError `settings/invalid` without keys */
export function askingWithKeys(
  http: Http,
  { url: shop, keysInQuery }: WoocommerceSettings,
  { key, secret }: WoocommerceCredentials,
  signal: AbortSignal,
): Ask {
  if (key === null || secret === null)
    throw new SyncError(
      'settings/invalid',
      `The REST API of ${shop} needs keys: set SECRET_<SOURCE>_CONSUMER_KEY and SECRET_<SOURCE>_CONSUMER_SECRET`,
    )
  const accept = 'application/json'
  if (!keysInQuery) {
    const authorization = `Basic ${btoa(`${key}:${secret}`)}`
    return (url) => http({ url, headers: { accept, authorization } }, signal)
  }
  const keys = new URLSearchParams({ consumer_key: key, consumer_secret: secret }).toString()
  return (url) => http({ url: `${url}&${keys}`, headers: { accept } }, signal)
}
