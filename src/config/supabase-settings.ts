// Settings of a Supabase project.

import { WORKER_ROLES, type Role } from '../core/roles.ts'
import { BUCKET_NAME } from './artifact-settings.ts'
import { plain, secret } from './setting.ts'
import { HttpUrl, matching } from './value-schemas.ts'

export const BUCKET_DEFAULT = 'medipim-raw'

/** Images can be stored in the same project. */
const READERS: readonly Role[] = [...WORKER_ROLES, 'images']
/** A publishable key has no rights to anything that Shelfsync uses. */
const SECRET_KEY = /^(?!sb_publishable_)\S+$/

export const supabaseSettings = {
  SUPABASE_URL: plain(HttpUrl, {
    description: 'The address of your project.',
    default: 'none',
    example: 'https://your-project.supabase.co',
    readBy: READERS,
  }),
  SUPABASE_SECRET_KEY: secret(matching(SECRET_KEY, 'a secret key (`sb_secret_…`)'), {
    description: 'A secret key of the project.',
    default: 'none',
    example: 'sb_secret_…',
    readBy: READERS,
  }),
  SUPABASE_SERVICE_ROLE_KEY: secret(matching(SECRET_KEY, 'a service role key'), {
    description: 'A service role key, the older kind, in place of SUPABASE_SECRET_KEY.',
    default: 'none',
    example: 'your-service-role-key',
    readBy: READERS,
  }),
  BUCKET: plain(
    matching(BUCKET_NAME, 'a bucket name of lower-case letters, digits, dots and hyphens'),
    {
      description:
        'The private storage bucket for artifacts. Shelfsync creates it when it does not exist.',
      default: BUCKET_DEFAULT,
      example: BUCKET_DEFAULT,
      readBy: WORKER_ROLES,
    },
  ),
}
