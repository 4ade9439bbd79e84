// The state of stored images: counts, hosts and failures.

import type { Reading } from '../../telemetry/metrics.ts'
import { inSession, one, toInstant, type Catalog } from '../catalog.ts'
import type { DbClient } from '../transaction.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export interface ImageCounts {
  /** Images that have not been looked at, 100,000 at most. */
  readonly new: number
  /** Addresses that wait for a request. */
  readonly waiting: number
  /** Addresses that have failed for good. */
  readonly failed: number
  readonly flaggedHosts: number
}

export interface StoredCounts extends ImageCounts {
  /** Copies with different contents. */
  readonly stored: number
  readonly storedBytes: number
}

interface CountsRow {
  readonly new: number
  readonly waiting: number
  readonly failed: number
  readonly stored: number | null
  readonly stored_bytes: number | null
  readonly flagged_hosts: number
}

/** Counts without the copies, which takes milliseconds. */
export async function countImages(db: Catalog): Promise<ImageCounts> {
  return toCounts(one(await db.call<CountsRow>('measure_images', { with_copies: false })))
}

export async function countStoredImages(db: Catalog): Promise<StoredCounts> {
  const row = one(await db.call<CountsRow>('measure_images', { with_copies: true }))
  return { ...toCounts(row), stored: row.stored ?? 0, storedBytes: row.stored_bytes ?? 0 }
}

function toCounts({ flagged_hosts: flaggedHosts, ...row }: CountsRow): ImageCounts {
  return { new: row.new, waiting: row.waiting, failed: row.failed, flaggedHosts }
}

/** The images of a source by state. */
export interface SourceImages {
  readonly new: number
  readonly stored: number
  readonly failed: number
}

export async function countSourceImages(db: Catalog, sourceId: number): Promise<SourceImages> {
  const rows = await db.call<{ readonly state: keyof SourceImages; readonly images: number }>(
    'count_images',
    { source: sourceId },
  )
  return {
    new: 0,
    stored: 0,
    failed: 0,
    ...Object.fromEntries(rows.map(({ state, images }) => [state, images])),
  }
}

/** Reads the metrics inside the transaction of another reader. */
export async function readImageMetrics(client: DbClient): Promise<Reading[]> {
  const { flaggedHosts, ...counts } = await countImages(inSession(client))
  return [
    ...(['new', 'waiting', 'failed'] as const).map((state): Reading => ({
      name: 'shelfsync_image_addresses',
      labels: { state },
      value: counts[state],
    })),
    { name: 'shelfsync_image_flagged_hosts', labels: {}, value: flaggedHosts },
  ]
}

export interface ImageHost {
  readonly host: string
  readonly waiting: number
  readonly failed: number
  /** It gets no request until then; null if it may get one now. */
  readonly pausedUntil: Date | null
  /** Since when it is flagged; null if it is not. */
  readonly flaggedAt: Date | null
  readonly flagReason: string | null
}

interface HostRow {
  readonly host: string
  readonly waiting: number
  readonly failed: number
  readonly paused_until: string | null
  readonly flagged_at: string | null
  readonly flag_reason: string | null
}

/** Returns the hosts whose images wait or have failed, at most 100. */
export async function listImageHosts(db: Catalog): Promise<ImageHost[]> {
  const rows = await db.call<HostRow>('list_image_hosts', {})
  return rows.map((row) => ({
    host: row.host,
    waiting: row.waiting,
    failed: row.failed,
    pausedUntil: toInstant(row.paused_until),
    flaggedAt: toInstant(row.flagged_at),
    flagReason: row.flag_reason,
  }))
}

export interface FailedImage {
  readonly id: number
  readonly url: string
  readonly code: string
  readonly reason: string
  readonly attempts: number
  readonly failedAt: Date
  /** Up to three that name it, as `source/product`. */
  readonly products: readonly string[]
}

type FailedRow = Omit<FailedImage, 'failedAt'> & { readonly failed_at: string }

/** Lists the addresses that have failed for good, by id. */
export function listFailedImages(db: Catalog, page: PageRequest): Promise<ListPage<FailedImage>> {
  return loadPage('images', page, {
    load: (after, limit) =>
      db.call<FailedRow>('list_image_failures', {
        after: after === null ? null : Number(after),
        limit,
      }),
    toItem: ({ failed_at: failedAt, ...row }) => ({ ...row, failedAt: toInstant(failedAt) }),
    keyOf: ({ id }) => id,
  })
}
