// The contract of artifact stores; test/conformance/store.ts tests every implementation. `put`
// replaces the object under a key, so a part's key contains its checksum: no worker can overwrite
// another worker's part.

import { randomUUID } from 'node:crypto'
import { SyncError } from '../core/errors.ts'
import type { Codec } from './codec.ts'

export interface StoredObject {
  readonly key: string
  readonly bytes: number
  readonly modifiedAt: Date
}

export interface ArtifactStore {
  /** The compression of new parts. Default: zstd. */
  readonly codec?: Codec

  /**
   * Returns the key under which a part is stored, which may contain its bytes. Without this method,
   * it is `place`.
   */
  toKey?(place: string, bytes: Uint8Array): string

  /** Returns its address for messages, such as `file:/var/lib/shelfsync`, without secrets. */
  describe(): string

  /**
   * Verifies that the store is usable, a disk by writing to it. Creates a missing folder or
   * Supabase bucket. Safe to repeat.
   *
   * @throws SyncError `settings/invalid` with the remedy · `artifact/unwritable` ·
   * `artifact/unavailable`
   */
  check(): Promise<void>

  /**
   * Stores `bytes`, which must not change until it resolves. After that they survive a power cut. A
   * reader sees all of them or the previous object. Safe to repeat.
   *
   * @throws SyncError `artifact/unwritable`, and then no reader sees any of the bytes ·
   * `usage/invalid` for an unsafe key; a network store also throws, here and below,
   * `artifact/unavailable` · `settings/invalid` when it rejects the credentials or the size
   */
  put(key: string, bytes: Uint8Array): Promise<void>

  /**
   * Stores a stream with a few MiB in memory at a time. `source` is read once, so an upload that
   * cannot be resumed fails. After a failure, also one of `source`, readers see the previous
   * object.
   */
  putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void>

  /** @throws SyncError `artifact/missing` when the object does not exist or cannot be read */
  get(key: string): Promise<Uint8Array>

  /**
   * Yields every complete object whose key begins with `prefix`, keys ascending. The caller may
   * remove objects while it iterates.
   */
  list(prefix: string): AsyncIterable<StoredObject>

  /** Ignores keys that do not exist. @throws SyncError `artifact/unwritable` */
  remove(keys: readonly string[]): Promise<void>

  /**
   * Removes files of writers that died and returns their number. `before` protects active writers:
   * only files last changed before it are removed.
   */
  sweep(before: Date): Promise<number>
}

/** One block. Some file systems store fewer bytes in the inode, which succeeds on a full disk. */
const PROBE_BYTES = 4096

/** Writes, reads and removes an object of 4 KB. @throws SyncError as `put`, `get` and `remove` */
export async function verifyWritable(store: ArtifactStore): Promise<void> {
  const key = `check-${randomUUID()}.json`
  await store.put(key, new Uint8Array(PROBE_BYTES))
  try {
    await store.get(key)
  } catch (error) {
    await store.remove([key]).catch(() => undefined)
    throw error
  }
  await store.remove([key])
}

const SAFE_SEGMENT = /^[A-Za-z0-9._-]{1,200}$/

const TYPES: Readonly<Record<string, string>> = {
  zst: 'application/zstd',
  gz: 'application/gzip',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
}

/** Extension of unfinished files; no key may end with it. */
export const UNFINISHED = '.tmp'

/**
 * Returns `key` if it is valid in every store and stays inside it. @throws SyncError
 * `usage/invalid`
 */
export function checkKey(key: string): string {
  const safe = key
    .split('/')
    .every((segment) => SAFE_SEGMENT.test(segment) && segment !== '.' && segment !== '..')
  if (!safe || key.length > 1000 || key.endsWith(UNFINISHED)) {
    const shown = JSON.stringify(key.slice(0, 200))
    throw new SyncError(
      'usage/invalid',
      `${shown} is not a valid artifact key: use A–Z a–z 0–9 . _ - between single slashes`,
    )
  }
  return key
}

/**
 * Returns the folder that contains all keys with `prefix`: '' or a path with a trailing slash.
 *
 * @throws SyncError `usage/invalid`
 */
export function toFolder(prefix: string): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '') checkKey(folder.slice(0, -1))
  return folder
}

/** Returns the media type of `key`, for stores that record one. */
export function findContentType(key: string): string {
  return TYPES[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}
