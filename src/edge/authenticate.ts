// The callers that an edge function accepts: those with a secret key of the project in the header
// `apikey`, as Supabase's client sends it, and the schedule with its token. A secret key is not a
// JWT, so the functions are deployed with `verify_jwt = false` and check it themselves.
// https://supabase.com/docs/guides/functions/auth

import { SyncError } from '../core/errors.ts'
import { findSecret } from '../lib/constant-time.ts'
import type { EdgeEnvironment } from './environment.ts'

const PUBLISHABLE = 'sb_publishable_'

/**
 * @throws SyncError `request/unauthorized` without a right key · `request/forbidden` for a
 * publishable key
 */
export async function authenticate(
  { secretKeys, publishableKeys, cronToken }: EdgeEnvironment,
  headers: Headers,
  allowsCron: boolean,
): Promise<'key' | 'cron'> {
  const token = headers.get('x-cron-token')
  if (allowsCron && token !== null && cronToken !== null)
    if ((await findSecret([cronToken], token)) >= 0) return 'cron'
  const key = headers.get('apikey') ?? ''
  if (key !== '' && (await findSecret(secretKeys, key)) >= 0) return 'key'
  if (key.startsWith(PUBLISHABLE) || (await findSecret(publishableKeys, key)) >= 0)
    throw new SyncError('request/forbidden', 'A publishable key may not call this function')
  throw new SyncError('request/unauthorized', 'The key is missing or wrong')
}
