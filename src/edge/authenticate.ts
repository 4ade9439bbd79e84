// The callers that an edge function accepts: those with a secret key of the project in the header
// `apikey`, as Supabase's client sends it, and the schedule with its token. A secret key is not a
// JWT, so the functions are deployed with `verify_jwt = false` and check it themselves.
// https://supabase.com/docs/guides/functions/auth

import { SyncError } from '../core/errors.ts'
import { digestSecrets, isAnyOf } from '../node/secret-digests.ts'
import type { EdgeEnvironment } from './environment.ts'

const PUBLISHABLE = 'sb_publishable_'

/**
 * @throws SyncError `request/unauthorized` without a right key · `request/forbidden` for a
 * publishable key
 */
export function authenticate(
  { secretKeys, publishableKeys, cronToken }: EdgeEnvironment,
  headers: Headers,
  allowsCron: boolean,
): void {
  const token = headers.get('x-cron-token')
  if (allowsCron && token !== null && cronToken !== null)
    if (isAnyOf(digestSecrets([cronToken]), token)) return
  const key = headers.get('apikey') ?? ''
  if (key !== '' && isAnyOf(digestSecrets(secretKeys), key)) return
  if (key.startsWith(PUBLISHABLE) || isAnyOf(digestSecrets(publishableKeys), key))
    throw new SyncError('request/forbidden', 'A publishable key may not call this function')
  throw new SyncError('request/unauthorized', 'The key is missing or wrong')
}
