// The contract of a place that images are stored in and served from. Names come from the content, so
// storing the same bytes twice leaves one object.

import type { ImageType } from '../image-type.ts'

export interface ImageFile {
  readonly bytes: Buffer<ArrayBuffer>
  readonly type: ImageType
  /** Hexadecimal digits. */
  readonly sha256: string
}

export interface StoredImage {
  /** The key or the id of the object, for `remove`. */
  readonly object: string
  /** The public address. */
  readonly url: string
}

export interface FetchedCopy extends StoredImage {
  /** The address of its bytes, as the service has fetched them. */
  readonly original: string
}

/** Errors of every method: `image/store-unavailable` · `image/store-refused` · `settings/invalid`. */
export interface ImageTarget {
  /** The setting IMAGES, such as `supabase:images`. */
  readonly name: string
  /** Stores the bytes; an object that exists is a success. */
  store(file: ImageFile, signal: AbortSignal): Promise<StoredImage>
  /** An object that does not exist is a success. */
  remove(object: string, signal: AbortSignal): Promise<void>
  /**
   * Lets the service fetch an address whose host refuses this client, and store it under a name made
   * of `key`. Absent if the service cannot fetch.
   */
  storeFromUrl?(url: string, key: string, signal: AbortSignal): Promise<FetchedCopy>
}
