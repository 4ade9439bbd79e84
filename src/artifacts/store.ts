// Where raw bytes live. Every store keeps this contract; test/conformance/store.ts is the suite that proves it.
// Putting other bytes under a key replaces the old ones, so a part's key carries its checksum: nobody can spoil another's.

import { SyncError } from '../core/errors.ts'

export interface StoredObject {
  readonly key: string
  readonly bytes: number
  readonly modifiedAt: Date
}

export interface ArtifactStore {
  /** The store's own address for messages, such as `file:/var/lib/shelfsync`. Never a secret. */
  describe(): string

  /**
   * Stores `bytes`, which must not change meanwhile. When it resolves they survive a power cut; a reader sees all of them or
   * what was there before. The same bytes again: nothing changes.
   *
   * @throws SyncError `artifact/unwritable`, and then nothing of it is left behind · `usage/invalid` for an unsafe key
   */
  put(key: string, bytes: Uint8Array): Promise<void>

  /** @throws SyncError `artifact/missing` when there are none, or none that can be read */
  get(key: string): Promise<Uint8Array>

  /** Every whole object whose key begins with `prefix`, keys ascending. What unfinished writers left behind is not listed. */
  list(prefix: string): AsyncIterable<StoredObject>

  /** Removes what is there of `keys`. Twice is safe. @throws SyncError `artifact/unwritable` */
  remove(keys: readonly string[]): Promise<void>

  /**
   * Removes what writers that died left behind and says how many pieces that were. Only what was last touched before
   * `before` goes, so choose an instant that is older than any write can take.
   */
  sweep(before: Date): Promise<number>
}

const SAFE_SEGMENT = /^[A-Za-z0-9._-]{1,200}$/

/** What an unfinished write is called, so no object may be called so. */
export const UNFINISHED = '.tmp'

/** `key` itself, when every store can hold it and it cannot lead out of one. @throws SyncError `usage/invalid` */
export function checkKey(key: string): string {
  const safe = key.split('/').every((segment) => SAFE_SEGMENT.test(segment) && segment !== '.' && segment !== '..')
  if (!safe || key.length > 1000 || key.endsWith(UNFINISHED)) {
    const shown = JSON.stringify(key.slice(0, 200))
    throw new SyncError('usage/invalid', `${shown} is no artifact key: use A–Z a–z 0–9 . _ - between single slashes`)
  }
  return key
}
