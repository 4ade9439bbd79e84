// Images in a public bucket of Supabase Storage. The bucket is created when it is missing.
// https://supabase.com/docs/guides/storage/serving/downloads#public-buckets

import { z } from 'zod'
import {
  StorageApi,
  StorageError,
  type ApiOptions,
} from '../../../artifacts/stores/supabase-api.ts'
import { KEY_REMEDY, requestJson } from '../../../artifacts/stores/supabase-bucket.ts'
import { SyncError } from '../../../core/errors.ts'
import { IMAGE_BYTES_MAX } from '../fetch-image.ts'
import { EXTENSIONS } from '../image-type.ts'
import type { ImageFile, ImageTarget, StoredImage } from './target.ts'

export interface SupabaseTargetOptions extends ApiOptions {
  readonly bucket: string
}

const Bucket = z.object({ public: z.boolean() })

/** An object never changes, so browsers may keep it for a year. */
const CACHE_CONTROL = 'max-age=31536000'

export class SupabaseTarget implements ImageTarget {
  readonly name: string
  readonly #api: StorageApi
  readonly #bucket: string
  readonly #publicUrl: string
  /** The check that succeeded, or the one in progress. */
  #checked: Promise<void> | null = null

  constructor({ bucket, ...options }: SupabaseTargetOptions) {
    this.name = `supabase:${bucket}`
    this.#api = new StorageApi(options)
    this.#bucket = encodeURIComponent(bucket)
    this.#publicUrl = `${options.url.replace(/\/+$/, '')}/storage/v1/object/public/${this.#bucket}`
  }

  async store({ bytes, type, sha256 }: ImageFile): Promise<StoredImage> {
    const object = `${sha256.slice(0, 2)}/${sha256}.${EXTENSIONS[type]}`
    await this.#run('Cannot store an image', async () => {
      await this.#ensureBucket()
      await this.#upload(object, bytes, type)
    })
    return { object, url: `${this.#publicUrl}/${object}` }
  }

  async remove(object: string): Promise<void> {
    const path = `/object/${this.#bucket}`
    await this.#run('Cannot remove an image', async () => {
      await this.#api.sendWithRetries({ method: 'DELETE', path, json: { prefixes: [object] } })
    })
  }

  async #upload(object: string, bytes: Buffer, type: string): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await this.#api.send({
          method: 'POST',
          path: `/object/${this.#bucket}/${object}`,
          headers: { 'content-type': type, 'x-upsert': 'false', 'cache-control': CACHE_CONTROL },
          body: bytes,
        })
        return
      } catch (error) {
        // The object exists, and its name says that it has these bytes.
        if (error instanceof StorageError && error.status === 409) return
        await this.#api.waitBeforeRetry(error, failures)
      }
    }
  }

  /** Once for all images; a failed check is repeated by the next one. */
  async #ensureBucket(): Promise<void> {
    this.#checked ??= this.#prepareBucket()
    try {
      await this.#checked
    } catch (error) {
      this.#checked = null
      throw error
    }
  }

  async #prepareBucket(): Promise<void> {
    const path = `/bucket/${this.#bucket}`
    const find = () => requestJson(this.#api, { method: 'GET', path }, Bucket)
    const found = (await find()) ?? (await this.#createBucket().then(find))
    if (found?.public === true) return
    throw new SyncError(
      'settings/invalid',
      `The bucket of IMAGES=${this.name} is private, so browsers cannot load its images: ` +
        'make it public, or name another bucket in IMAGES',
    )
  }

  async #createBucket(): Promise<void> {
    const id = decodeURIComponent(this.#bucket)
    const json = {
      id,
      name: id,
      public: true,
      file_size_limit: IMAGE_BYTES_MAX,
      allowed_mime_types: Object.keys(EXTENSIONS),
    }
    await this.#api.send({ method: 'POST', path: '/bucket', json }).catch((error: unknown) => {
      // Another process has created it a moment earlier.
      if (!(error instanceof StorageError && error.status === 409)) throw error
    })
  }

  async #run(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      const { status, isTransient, retryAfterMs } = error
      // The bucket was deleted: the next image creates it again.
      if (status === 404) this.#checked = null
      const message = `${what} in ${this.name} at ${this.#api.host}: ${error.message}`
      if (isTransient || status === 404)
        throw new SyncError('image/store-unavailable', message, { retryAfterMs })
      if (status === 401 || status === 403)
        throw new SyncError('settings/invalid', `${message}. ${KEY_REMEDY}`)
      throw new SyncError('image/store-refused', message)
    }
  }
}
