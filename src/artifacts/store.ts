// Where raw bytes live. Every store keeps this contract; test/conformance/store.ts is the suite
// that proves it. Putting other bytes under a key replaces the old ones, so a part's key carries
// its checksum: nobody can spoil another's.

import { randomUUID } from 'node:crypto'
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
   * Proves that the store can be used as it is set up, a disk by writing to it, and makes what is
   * missing (a folder, a bucket of Supabase). Twice is safe.
   *
   * @throws SyncError `settings/invalid` with what to change · `artifact/unwritable` ·
   * `artifact/unavailable`
   */
  check(): Promise<void>

  /**
   * Stores `bytes`, which must not change meanwhile. When it resolves they survive a power cut; a
   * reader sees all of them or what was there before. The same bytes again: nothing changes.
   *
   * @throws SyncError `artifact/unwritable`, and then no reader ever sees any of it ·
   * `usage/invalid` for an unsafe key; and from a store across a network, here and below,
   * `artifact/unavailable` · `settings/invalid` when it refuses our key or the size
   */
  put(key: string, bytes: Uint8Array): Promise<void>

  /**
   * The same for bytes that are too many to hold: a few MiB of them are in memory at a time.
   * `source` is read once, so what cannot be resumed fails, and what `source` throws is thrown;
   * readers then see what was there before.
   */
  putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void>

  /** @throws SyncError `artifact/missing` when there are none, or none that can be read */
  get(key: string): Promise<Uint8Array>

  /**
   * Every whole object whose key begins with `prefix`, keys ascending. What unfinished writers left
   * behind is not listed. What was yielded may be removed meanwhile.
   */
  list(prefix: string): AsyncIterable<StoredObject>

  /** Removes what is there of `keys`. Twice is safe. @throws SyncError `artifact/unwritable` */
  remove(keys: readonly string[]): Promise<void>

  /**
   * Removes what writers that died left behind and says how many pieces that were. Only what was
   * last touched before `before` goes, so choose an instant that is older than any write can take.
   */
  sweep(before: Date): Promise<number>
}

/** A block: file systems keep less than that beside the name, where a full disk still takes it. */
const PROBE_BYTES = 4096

/**
 * Writes, reads and removes a few kilobytes. @throws SyncError as `put`, `get` and `remove` do, and
 * then nothing is left of it
 */
export async function proveWritable(store: ArtifactStore): Promise<void> {
  const key = `check-${randomUUID()}.json`
  await store.put(key, new Uint8Array(PROBE_BYTES))
  try {
    await store.get(key)
  } finally {
    await store.remove([key])
  }
}

const SAFE_SEGMENT = /^[A-Za-z0-9._-]{1,200}$/

const TYPES: Readonly<Record<string, string>> = {
  zst: 'application/zstd',
  gz: 'application/gzip',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
}

/** What an unfinished write is called, so no object may be called so. */
export const UNFINISHED = '.tmp'

/**
 * `key` itself, when every store can hold it and it cannot lead out of one. @throws SyncError
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
      `${shown} is no artifact key: use A–Z a–z 0–9 . _ - between single slashes`,
    )
  }
  return key
}

/**
 * The folder of `prefix`, '' or ended by a slash: all keys with the prefix lie below it. @throws
 * SyncError `usage/invalid`
 */
export function folderOf(prefix: string): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '') checkKey(folder.slice(0, -1))
  return folder
}

/** The media type under which a store that has such a thing keeps `key`. */
export function contentTypeOf(key: string): string {
  return TYPES[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}
