// Opens the store that a setting names.

import { resolve } from 'node:path'
import { SyncError } from '../core/errors.ts'
import { DiskStore } from './disk.ts'
import type { ArtifactStore } from './store.ts'

/**
 * Opens `file:PATH`; a relative path begins at `base`. Touches nothing yet: the folder is made by the first write.
 *
 * @throws SyncError `settings/invalid`, without the location, which may hold a secret
 */
export function openStore(location: string, base: string): ArtifactStore {
  const path = /^file:(?:\/\/(?=\/))?(.+)$/.exec(location)?.[1]
  if (path === undefined) throw new SyncError('settings/invalid', 'ARTIFACTS is no store that we know: write file:PATH')
  return new DiskStore(resolve(base, path))
}
