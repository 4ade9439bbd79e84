// The change feed: published changes in one order, read by cursor. No change is skipped under
// parallel writers, see `lock_feed` in supabase/schemas/87_feed.sql.

import {
  type FeedKind,
  type ChangeMessage,
  type FeedChange,
  toChangeMessage,
} from '../../core/change-message.ts'
import { type Catalog, one } from '../catalog.ts'

export interface FeedRequest {
  /** The cursor: the `next` of the page before. 0: from the oldest change. */
  readonly after: number
  readonly limit: number
  /** Null: all sources. */
  readonly source: string | null
  /** Empty: all kinds. */
  readonly kinds: readonly FeedKind[]
  /** External id; null: all products. */
  readonly product: string | null
}

export interface FeedPage {
  /** In the order of their positions, at most `limit`. */
  readonly changes: readonly ChangeMessage[]
  /** The cursor of the next page. It moves past changes that the filters leave out. */
  readonly next: number
  /** The newest position of the feed: when `next` equals it, nothing follows yet. */
  readonly last: number
}

/**
 * @throws SyncError `feed/cursor-expired` when changes after the cursor have been removed by their
 * age · `source/unknown` · `db/unreachable`, also after `timeoutMs`
 */
export async function readFeed(
  db: Catalog,
  { after, limit, source, kinds, product }: FeedRequest,
  timeoutMs?: number,
): Promise<FeedPage> {
  const page = one(
    await db.call<{ changes: FeedChange[]; next: number; last: number }>(
      'read_feed',
      { after, limit, source, kinds: kinds.length === 0 ? null : [...kinds], product },
      timeoutMs,
    ),
  )
  return { ...page, changes: page.changes.map(toChangeMessage) }
}

export interface FeedPlace {
  /** The oldest cursor that has not expired. */
  readonly oldest: number
  readonly last: number
  /** The cursor before the changes since the requested time; without a time, the same as `last`. */
  readonly place: number
}

export async function findFeedPlace(db: Catalog, at: Date | null): Promise<FeedPlace> {
  return one(await db.call<FeedPlace>('find_feed_place', { at }))
}

export interface LatestRequest {
  /** The `next` of the page before; null for the newest changes. */
  readonly before: number | null
  readonly limit: number
  readonly source: string | null
  readonly kind: FeedKind | null
  readonly product: string | null
}

export interface LatestChanges {
  /** The newest first, at most `limit`. */
  readonly changes: readonly ChangeMessage[]
  /** Null at the oldest change. */
  readonly next: number | null
}

/** Reads the feed from its end, for a person. @throws SyncError `source/unknown` */
export async function readLatestChanges(
  db: Catalog,
  { before, limit, source, kind, product }: LatestRequest,
): Promise<LatestChanges> {
  const page = one(
    await db.call<{ changes: FeedChange[]; next: number | null }>('read_latest_changes', {
      before,
      limit,
      source,
      kind,
      product,
    }),
  )
  return { changes: page.changes.map(toChangeMessage), next: page.next }
}
