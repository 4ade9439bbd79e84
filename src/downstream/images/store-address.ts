// Fetches one address and stores the image. A process that is killed between the upload and the row
// leaves an object whose name is its content: the next upload finds it, and stores the row.

import { SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import type { Db } from '../../db/pool.ts'
import {
  findBlob,
  storeImage,
  type DueAddress,
  type ImageChannel,
  type StoredBlob,
} from '../../db/write/images.ts'
import { hashSha256, hashText } from '../../node/hash.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { fetchImage, type FetchedImage, type Validators } from './fetch-image.ts'
import { findImageSize } from './image-size.ts'
import type { OneAtATime, Turn } from './one-at-a-time.ts'
import type { ImageTarget, StoredImage } from './targets/target.ts'

export interface StoreTools {
  readonly db: Db
  /** Limits requests, and their time. */
  readonly http: Http
  readonly target: ImageTarget
  readonly metrics: Metrics
  /** The turns of large images. */
  readonly large: OneAtATime
}

export type StoreResult = Awaited<ReturnType<typeof storeImage>>

const NO_VALIDATORS: Validators = { etag: null, lastModified: null }

/** @throws SyncError `image/…` · `source/…` · `settings/invalid` · `db/…` */
export async function storeAddress(
  tools: StoreTools,
  channel: ImageChannel,
  address: DueAddress,
  signal: AbortSignal,
): Promise<StoreResult> {
  const turn = tools.large.open()
  try {
    return await fetchAndStore(tools, channel, address, { signal, turn })
  } finally {
    turn.leave()
  }
}

async function fetchAndStore(
  tools: StoreTools,
  channel: ImageChannel,
  { id, url, sha256, etag, lastModified }: DueAddress,
  { signal, turn }: { readonly signal: AbortSignal; readonly turn: Turn },
): Promise<StoreResult> {
  const { db, http, target, metrics } = tools
  const validators = sha256 === null ? NO_VALIDATORS : { etag, lastModified }
  const image = await fetchImage(http, url, validators, { signal, turn })
  if (image === null) {
    metrics.count('shelfsync_images_total', { result: 'unchanged' })
    return storeImage(db, channel, { id, blob: null, ...validators })
  }
  metrics.count('shelfsync_image_fetched_bytes_total', {}, image.bytes.byteLength)
  const hash = hashSha256(image.bytes)
  const known = await findKnown(tools, hash)
  if (known?.removing === true) return 'removing'
  const file = { bytes: image.bytes, type: image.type, sha256: toHex(hash) }
  const copy = known ? toCopy(known) : await target.store(file, signal)
  metrics.count('shelfsync_images_total', { result: known ? 'known' : 'uploaded' })
  return saveBlob(tools, channel, { id, image, hash, copy })
}

/**
 * Lets the target fetch the address, because its host refuses this client. The copy is
 * read back: only the bytes tell the content and the type.
 *
 * @throws SyncError as `storeAddress`; `image/store-refused` if the target cannot fetch it either
 */
export async function storeAddressByUrl(
  tools: StoreTools & { readonly target: Required<ImageTarget> },
  channel: ImageChannel,
  { id, url, sha256 }: DueAddress,
  signal: AbortSignal,
): Promise<StoreResult> {
  const { http, target, metrics } = tools
  // With the old content in the key, the upload never overwrites the present copy of the address.
  const key = hashText(sha256 === null ? url : `${url} ${toHex(sha256)}`)
  const fetched = await target.storeFromUrl(url, key, signal)
  const turn = tools.large.open()
  try {
    const image = await fetchImage(http, fetched.original, NO_VALIDATORS, { signal, turn })
    if (image === null) throw new SyncError('image/missing', `${target.name} sent no image`)
    const hash = hashSha256(image.bytes)
    const known = await findKnown(tools, hash)
    if (known?.removing === true) return 'removing'
    const copy = known ? toCopy(known) : fetched
    if (copy.object !== fetched.object) await target.remove(fetched.object, signal)
    metrics.count('shelfsync_images_total', { result: 'by_url' })
    return await saveBlob(tools, channel, { id, image, hash, copy })
  } catch (error) {
    if (error instanceof SyncError && /^image\/(wrong-type|too-large)$/.test(error.code))
      await target.remove(fetched.object, signal)
    throw error
  } finally {
    turn.leave()
  }
}

/** Returns the copy with this content at the present target, or null. */
async function findKnown({ db, target }: StoreTools, hash: Uint8Array): Promise<StoredBlob | null> {
  const blob = await findBlob(db, hash)
  return blob !== null && (blob.removing || blob.target === target.name) ? blob : null
}

interface StoredCopy {
  /** The address. */
  readonly id: number
  readonly image: FetchedImage
  /** SHA-256 of its bytes. */
  readonly hash: Uint8Array
  readonly copy: StoredImage
}

function saveBlob(
  { db, target }: StoreTools,
  channel: ImageChannel,
  { id, image, hash, copy }: StoredCopy,
): Promise<StoreResult> {
  const { bytes, type, validators } = image
  const size = findImageSize(bytes, type)
  const blob = {
    sha256: toHex(hash),
    type,
    bytes: bytes.byteLength,
    width: size?.width ?? null,
    height: size?.height ?? null,
    target: target.name,
    object: copy.object,
    cdn_url: copy.url,
  }
  return storeImage(db, channel, { id, blob, ...validators })
}

function toCopy({ object, cdn_url: url }: StoredBlob): StoredImage {
  return { object, url }
}

function toHex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
