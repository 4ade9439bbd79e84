// Opens the artifact store that the setting ARTIFACTS names.

import { resolve } from 'node:path'
import { SyncError } from '../core/errors.ts'
import { DiskStore } from './stores/disk.ts'
import { type S3Options, S3Store } from './stores/s3.ts'
import type { ArtifactStore } from './store.ts'
import { SupabaseStore } from './stores/supabase.ts'
import { createUploadMemory } from './stores/upload-memory.ts'

/** Access to network stores, in addition to the location. The process settings have this shape. */
export interface StoreAccess {
  readonly supabase: {
    readonly url: string
    readonly secretKey: string
    readonly bucket: string
  } | null
  readonly s3: Pick<S3Options, 'endpoint' | 'region' | 'key'>
  /** Secrets that are removed from a store's messages. */
  readonly secrets?: readonly string[]
  /** Folder for files that outlive a process. */
  readonly home: string
}

const NO_ACCESS: StoreAccess = {
  supabase: null,
  s3: { endpoint: null, region: 'us-east-1', key: null },
  home: '.shelfsync',
}

/**
 * Opens `file:PATH` (a relative path begins at `base`), `supabase:` or `supabase:BUCKET`, or
 * `s3://BUCKET/PREFIX`. It does not access the store; `check` and the first write do.
 *
 * @throws SyncError `settings/invalid`, without the location, which may contain a secret
 */
export function openStore(
  location: string,
  base: string,
  { supabase, s3, secrets = [], home }: StoreAccess = NO_ACCESS,
): ArtifactStore {
  const [, scheme, rest = ''] = /^(file|supabase|s3):(.*)$/.exec(location) ?? []
  if (scheme === 'file' && rest !== '')
    return new DiskStore(resolve(base, rest.replace(/^\/\/(?=\/)/, '')))
  if (scheme === 'supabase') {
    if (supabase === null)
      throw new SyncError(
        'settings/invalid',
        'ARTIFACTS=supabase: needs SUPABASE_URL and SUPABASE_SECRET_KEY',
      )
    return new SupabaseStore({
      ...supabase,
      secrets,
      bucket: rest || supabase.bucket,
      memory: createUploadMemory(resolve(base, home, 'uploads')),
    })
  }
  const [, bucket, prefix] = (scheme === 's3' && /^\/\/([^/]+)\/?(.*?)\/?$/.exec(rest)) || []
  if (bucket !== undefined)
    return new S3Store({ ...s3, bucket, prefix: prefix ? `${prefix}/` : '' })
  throw new SyncError(
    'settings/invalid',
    'ARTIFACTS is not a known store: write file:PATH, supabase:BUCKET or s3://BUCKET/PREFIX',
  )
}
