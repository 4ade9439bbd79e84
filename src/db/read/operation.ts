// The read model of the service as a whole: its workers, the quotas of suppliers, what is stored,
// and the hosts that fail.

import { type Catalog, toInstant } from '../catalog.ts'

/** A process that has a task now. */
export interface BusyWorker {
  readonly worker: string
  readonly tasks: number
  readonly runs: readonly number[]
}

/** The requests that a supplier allows a day. */
export interface DailyQuota {
  readonly source: string
  readonly scope: string
  readonly perDay: number
  readonly perSecond: number
  /** The share that is kept for imports. */
  readonly reserved: number
  readonly used: number
  readonly resetsAt: Date
}

export interface StoredBytes {
  /** Null: all sources together. */
  readonly source: string | null
  readonly artifacts: number
  readonly parts: number
  readonly images: number
  readonly imageFiles: number
  /** Size of the database; null for one source. */
  readonly database: number | null
}

export interface FailingHost {
  readonly kind: 'source' | 'images'
  /** The source, or the host of images. */
  readonly subject: string
  /** In a row. */
  readonly failures: number
  readonly reason: string | null
  readonly sinceAt: Date | null
  /** When it is requested again; null: at any time. */
  readonly nextAt: Date | null
}

export function listWorkers(db: Catalog): Promise<BusyWorker[]> {
  return db.call<BusyWorker>('list_workers', {})
}

export async function listQuotas(db: Catalog): Promise<DailyQuota[]> {
  const rows = await db.call<{
    source: string
    scope: string
    per_day: number
    per_second: number
    reserved: number
    used: number
    resets_at: string
  }>('list_quotas', {})
  return rows.map(({ per_day, per_second, resets_at, ...row }) => ({
    ...row,
    perDay: per_day,
    perSecond: per_second,
    resetsAt: toInstant(resets_at),
  }))
}

/** Returns the row of all sources first. Reads every part and image: keep the result for a while. */
export async function listStorage(db: Catalog): Promise<StoredBytes[]> {
  const rows = await db.call<Omit<StoredBytes, 'imageFiles'> & { image_files: number }>(
    'list_storage',
    {},
  )
  return rows.map(({ image_files: imageFiles, ...row }) => ({ ...row, imageFiles }))
}

/** Those with the most failures first. */
export async function listFailingHosts(db: Catalog, limit: number): Promise<FailingHost[]> {
  const rows = await db.call<
    Omit<FailingHost, 'sinceAt' | 'nextAt'> & { since: string | null; next_at: string | null }
  >('list_failing_hosts', { limit })
  return rows.map(({ since, next_at, ...row }) => ({
    ...row,
    sinceAt: toInstant(since),
    nextAt: toInstant(next_at),
  }))
}
