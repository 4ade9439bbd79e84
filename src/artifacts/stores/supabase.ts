// Artifacts in a private bucket of Supabase Storage: https://supabase.com/docs/guides/storage. The
// next process that stores the same bytes resumes the upload of one that died; otherwise no reader
// sees it, and the platform removes it after 24 hours.

import { z } from 'zod'
import { uploadBytes, uploadStream } from './resumable-upload.ts'
import {
  checkKey,
  findContentType,
  toFolder,
  type ArtifactStore,
  type StoredObject,
} from '../store.ts'
import { type ApiOptions, type ApiRequest, StorageApi, StorageError } from './supabase-api.ts'
import {
  describeBucket,
  ignoreMissing,
  prepareBucket,
  requestJson,
  withStorageErrors,
  type BucketAccess,
} from './supabase-bucket.ts'
import type { UploadTarget } from './tus.ts'
import { NO_UPLOAD_MEMORY, type UploadMemory } from './upload-memory.ts'

export interface SupabaseOptions extends ApiOptions {
  readonly bucket: string
  /** Default: an upload is not remembered beyond its process. */
  readonly memory?: UploadMemory
}

/** A folder has no id. */
const Entry = z.object({
  name: z.string(),
  id: z.string().nullable(),
  updated_at: z.string().nullish(),
  metadata: z.object({ size: z.number() }).nullish(),
})
type Entry = z.infer<typeof Entry>

/** The service's maximum for a page of a list and for one removal. */
const PAGE_SIZE = 1000

export class SupabaseStore implements ArtifactStore {
  readonly #access: BucketAccess
  /** The bucket's name in a path. */
  readonly #place: string
  readonly #memory: UploadMemory
  /** The first check that succeeded, or the one in progress. */
  #checked: Promise<void> | null = null

  constructor({ bucket, memory = NO_UPLOAD_MEMORY, ...options }: SupabaseOptions) {
    this.#access = { api: new StorageApi(options), bucket }
    this.#place = encodeURIComponent(bucket)
    this.#memory = memory
  }

  describe(): string {
    return describeBucket(this.#access)
  }

  async check(): Promise<void> {
    await prepareBucket(this.#access)
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.#targetOf(key)
    await this.#write(key, () => uploadBytes(this.#access.api, target, bytes, this.#memory))
  }

  async putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const target = this.#targetOf(key)
    let isRead = false
    const read = async function* (): AsyncGenerator<Uint8Array> {
      isRead = true
      yield* source
    }
    await this.#write(
      key,
      () => uploadStream(this.#access.api, target, read()),
      () => !isRead,
    )
  }

  /**
   * Uploads. A bucket that was deleted after its check is created again: for this upload if it can
   * be repeated, otherwise for the next one.
   */
  async #write(
    key: string,
    upload: () => Promise<void>,
    canRepeat = (): boolean => true,
  ): Promise<void> {
    await this.#ensureChecked()
    const operation = { code: 'artifact/unwritable', what: `Cannot write ${key}` } as const
    await withStorageErrors(this.#access, operation, async () => {
      try {
        await upload()
      } catch (error) {
        if (!(error instanceof StorageError) || error.status !== 404) throw error
        this.#checked = null
        if (!canRepeat()) throw error
        await this.#ensureChecked()
        await upload()
      }
    })
  }

  async get(key: string): Promise<Uint8Array> {
    const path = `/object/authenticated/${this.#place}/${checkKey(key)}`
    const operation = { code: 'artifact/missing', what: `Cannot read ${key}` } as const
    return await withStorageErrors(this.#access, operation, async () => {
      const { bytes } = await this.#access.api.sendWithRetries({ method: 'GET', path })
      return bytes
    })
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    yield* this.#walk(toFolder(prefix), prefix)
  }

  async remove(keys: readonly string[]): Promise<void> {
    const names = keys.map(checkKey)
    for (let from = 0; from < names.length; from += PAGE_SIZE) {
      const prefixes = names.slice(from, from + PAGE_SIZE)
      const what = `Cannot remove ${prefixes.length} objects`
      await withStorageErrors(this.#access, { code: 'artifact/unwritable', what }, async () => {
        await this.#access.api
          .sendWithRetries({ method: 'DELETE', path: `/object/${this.#place}`, json: { prefixes } })
          .catch(ignoreMissing)
      })
    }
  }

  /** The platform itself removes unfinished uploads after 24 hours. */
  async sweep(): Promise<number> {
    await this.#memory.sweep()
    return 0
  }

  #targetOf(key: string): UploadTarget {
    return { bucket: this.#access.bucket, key: checkKey(key), contentType: findContentType(key) }
  }

  /**
   * Checks before the first write, once for all writers; the next writer repeats a failed check.
   */
  async #ensureChecked(): Promise<void> {
    this.#checked ??= this.check()
    try {
      await this.#checked
    } catch (error) {
      this.#checked = null
      throw error
    }
  }

  /**
   * Yields every object under `folder` whose key begins with `prefix`. Reads a whole folder before
   * it yields from it, so that removing objects shifts no page.
   */
  async *#walk(folder: string, prefix: string): AsyncIterable<StoredObject> {
    for (const [key, entry] of await this.#listFolder(folder)) {
      if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue
      if (entry.id === null) yield* this.#walk(key, prefix)
      else if (key.startsWith(prefix))
        yield { key, bytes: entry.metadata?.size ?? 0, modifiedAt: new Date(entry.updated_at ?? 0) }
    }
  }

  /** Entries by key, ascending. Folders end with a slash, so that `a.b` sorts before `a/`. */
  async #listFolder(folder: string): Promise<[string, Entry][]> {
    const entries = new Map<string, Entry>()
    for (let offset = 0; ; offset += PAGE_SIZE) {
      const page = await this.#listPage(folder, offset)
      for (const entry of page)
        entries.set(folder + entry.name + (entry.id === null ? '/' : ''), entry)
      if (page.length < PAGE_SIZE) return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
    }
  }

  async #listPage(folder: string, offset: number): Promise<Entry[]> {
    const sortBy = { column: 'name', order: 'asc' }
    const request: ApiRequest = {
      method: 'POST',
      path: `/object/list/${this.#place}`,
      json: { prefix: folder, limit: PAGE_SIZE, offset, sortBy },
    }
    const what = `Cannot list ${folder || 'the store'}`
    const page = await withStorageErrors(this.#access, { code: 'artifact/missing', what }, () =>
      requestJson(this.#access.api, request, z.array(Entry)),
    )
    return page ?? []
  }
}
