// The calls of the work on images. The rules are in supabase/schemas/28_image_work.sql and
// 29_image_upkeep.sql.

import { jsonb, one, toBytes, type Catalog } from '../catalog.ts'

/** An image of a product that has not been looked at. */
export interface NewImage {
  readonly source_id: number
  readonly product_external_id: string
  readonly image_position: number
  readonly url: string
}

/** An image with its address; one that cannot be fetched has none. */
export interface LinkedImage extends NewImage {
  readonly key: string | null
  readonly address: string | null
  readonly version: number | null
  readonly channel: string | null
  readonly host: string | null
}

/** A lease of the work at one host. */
export interface ImageChannel {
  readonly channel: string
  readonly host: string
  readonly token: number
  /** Refused requests in a row. */
  readonly refusals: number
  /** The host has refused several requests: this is its one request of the day. */
  readonly flagged: boolean
  readonly addresses: readonly DueAddress[]
}

export interface DueAddress {
  readonly id: number
  readonly url: string
  /** Failed attempts since the last success. */
  readonly attempts: number
  /** Content of the copy that was stored before. */
  readonly sha256: Uint8Array | null
  readonly etag: string | null
  readonly lastModified: string | null
}

export interface Blob {
  /** Hexadecimal digits. */
  readonly sha256: string
  readonly type: string
  readonly bytes: number
  readonly width: number | null
  readonly height: number | null
  readonly target: string
  readonly object: string
  readonly cdn_url: string
}

export type StoredBlob = Pick<Blob, 'target' | 'object' | 'cdn_url'> & {
  /** Its object is being removed. */
  readonly removing: boolean
}

export function listNewImages(db: Catalog, limit: number): Promise<NewImage[]> {
  return db.call<NewImage>('list_new_images', { limit })
}

/** Returns the number of images that now name their address. */
export async function linkImages(db: Catalog, images: readonly LinkedImage[]): Promise<number> {
  return one(await db.call<number>('link_images', { images: jsonb(images) }))
}

interface ClaimRow extends Omit<ImageChannel, 'addresses'> {
  readonly id: number
  readonly url: string
  readonly attempts: number
  readonly sha256: string | null
  readonly etag: string | null
  readonly last_modified: string | null
}

/** Leases due addresses of one host for `leaseMs`; null if none is due. */
export async function claimImages(
  db: Catalog,
  limit: number,
  leaseMs: number,
): Promise<ImageChannel | null> {
  const rows = await db.call<ClaimRow>('claim_images', { limit, lease: leaseMs })
  const [first] = rows
  if (first === undefined) return null
  const { channel, host, token, refusals, flagged } = first
  const addresses = rows.map((row) => ({
    id: row.id,
    url: row.url,
    attempts: row.attempts,
    sha256: row.sha256 === null ? null : toBytes(row.sha256),
    etag: row.etag,
    lastModified: row.last_modified,
  }))
  return { channel, host, token, refusals, flagged, addresses }
}

type Lease = Pick<ImageChannel, 'channel' | 'token'>

/** Returns false if another process has the channel. */
export async function renewImages(
  db: Catalog,
  { channel, token }: Lease,
  leaseMs: number,
): Promise<boolean> {
  return one(await db.call<boolean>('renew_images', { channel, token, lease: leaseMs }))
}

export interface ChannelEnd {
  readonly refusals: number
  /** Time for which the host gets no request. */
  readonly pauseMs: number
  /** The reason for which the host is flagged, or null. */
  readonly flag: string | null
}

export async function releaseImages(
  db: Catalog,
  { channel, token }: Lease,
  { refusals, pauseMs, flag }: ChannelEnd,
): Promise<void> {
  await db.call('release_images', { channel, token, refusals, pause: pauseMs, flag })
}

export async function findBlob(db: Catalog, sha256: Uint8Array): Promise<StoredBlob | null> {
  const [blob] = await db.call<StoredBlob>('find_blob', { sha256 })
  return blob ?? null
}

/** A success of an address. `blob` is null when its copy is unchanged. */
export interface ImageSuccess {
  readonly id: number
  readonly blob: Blob | null
  readonly etag: string | null
  readonly lastModified: string | null
}

/**
 * Records a success. `lost`: another process has the channel, and nothing is written. `removing`: the
 * copy is being removed, and the address has to be tried again.
 */
export async function storeImage(
  db: Catalog,
  { channel, token }: Lease,
  { id, blob, etag, lastModified }: ImageSuccess,
): Promise<'stored' | 'lost' | 'removing'> {
  const args = { channel, token, id, blob: blob && jsonb(blob), etag, last_modified: lastModified }
  return one(await db.call<'stored' | 'lost' | 'removing'>('store_image', args))
}

export interface ImageFailure {
  readonly id: number
  readonly code: string
  readonly reason: string
  /** Failed attempts, with this one if it counts. */
  readonly attempts: number
  /** Null: no other attempt. */
  readonly delayMs: number | null
}

export async function failImage(
  db: Catalog,
  { channel, token }: Lease,
  { id, code, reason, attempts, delayMs }: ImageFailure,
): Promise<void> {
  await db.call('fail_image', { channel, token, id, code, reason, attempts, delay: delayMs })
}

/** Addresses that one statement marks. */
const MARKED_MAX = 5_000

/** Marks the addresses that no image names any more. */
export async function markUnusedImages(db: Catalog): Promise<void> {
  for (let marked = MARKED_MAX; marked === MARKED_MAX;)
    marked = one(await db.call<number>('mark_unused_images', { limit: MARKED_MAX }))
}

export interface RemovableBlob {
  readonly sha256: Uint8Array
  readonly target: string
  readonly object: string
}

/** Returns copies whose objects have to be removed, at most `limit`. */
export async function beginBlobRemoval(
  db: Catalog,
  graceMs: number,
  limit: number,
): Promise<RemovableBlob[]> {
  const rows = await db.call<Omit<RemovableBlob, 'sha256'> & { readonly sha256: string }>(
    'begin_blob_removal',
    { grace: graceMs, limit },
  )
  return rows.map((row) => ({ ...row, sha256: toBytes(row.sha256) }))
}

export async function endBlobRemoval(db: Catalog, sha256: Uint8Array): Promise<void> {
  await db.call('end_blob_removal', { sha256 })
}

/** Addresses to fetch again. Null: those of every source or host. */
export interface RetryRequest {
  readonly sourceId: number | null
  readonly host: string | null
  /** The stored ones too. */
  readonly all: boolean
}

/** Returns the number of addresses that are fetched again. */
export async function retryImages(
  db: Catalog,
  { sourceId, host, all }: RetryRequest,
): Promise<number> {
  return one(await db.call<number>('retry_images', { source: sourceId, host, all }))
}
