// Keeps parts in their rows: the key of a part is a data URL with its bytes. Edge functions use it,
// whose parts are small: the bytes become durable with the row, and the purge of the row removes
// them.

import { SyncError } from '../../core/errors.ts'
import { toDataUrl } from '../parts.ts'
import type { ArtifactStore } from '../store.ts'

export const ROW_STORE: ArtifactStore = {
  codec: 'gzip',
  toKey: (_, bytes) => toDataUrl(bytes),
  describe: () => 'the rows of the parts',
  check: () => Promise.resolve(),
  /** The bytes of a part are in its key. The rows also have everything that a manifest has. */
  put: () => Promise.resolve(),
  putStream: () => Promise.resolve(),
  get(key) {
    return Promise.reject(
      new SyncError('artifact/missing', `${key.slice(0, 100)} is not in the rows of the parts`),
    )
  },
  async *list() {
    // No object exists besides the rows.
  },
  remove: () => Promise.resolve(),
  sweep: () => Promise.resolve(0),
}
