// The read model of the queue of reviews: open reviews with filters, each with the evidence that a
// decision relies on, and the counts for the filters.

import { jsonb, one, toBytes, toInstant, type Catalog } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'
import { toReviewSummary, type ReviewKind, type ReviewRow, type ReviewSummary } from './reviews.ts'

export interface QueueFilter {
  readonly source?: string | undefined
  readonly kind?: ReviewKind | undefined
  readonly run?: number | undefined
  /** Part of the product's id or title. */
  readonly text?: string | undefined
  readonly openedBefore?: Date | undefined
  readonly openedSince?: Date | undefined
  /** Limits of the price change in percent, up or down. Other kinds have no change. */
  readonly changeMin?: number | undefined
  readonly changeMax?: number | undefined
  readonly direction?: 'rise' | 'fall' | undefined
}

/** Members that the kind of the review does not have are null. */
export interface ReviewEvidence {
  /** Of a held price, in percent; null without two prices that can be compared. */
  readonly change: number | null
  /** Title of the variant. */
  readonly variant: string | null
  readonly sku: string | null
  /** Address of an image of the product. */
  readonly image: string | null
  /** The newest published prices of the variant and type, the oldest first. */
  readonly history: readonly PricePoint[]
  readonly record: RecordEvidence | null
}

export interface PricePoint {
  readonly at: Date
  /** Null: the supplier stated none. */
  readonly amountMinor: number | null
  readonly currency: string
}

export interface RecordEvidence {
  readonly artifactRun: number
  readonly part: number
  readonly line: number
  readonly rule: string
  readonly message: string
  readonly bytes: number
  /** At most the first 2 KiB; empty once its licence has ended. */
  readonly start: Uint8Array
}

export interface QueuedReview extends ReviewSummary {
  readonly evidence: ReviewEvidence
}

export interface QueueCount {
  readonly source: string
  readonly kind: ReviewKind
  readonly reviews: number
}

interface EvidenceRow extends Omit<ReviewEvidence, 'history' | 'record'> {
  readonly history: readonly (Omit<PricePoint, 'at'> & { readonly at: string })[] | null
  readonly record: (Omit<RecordEvidence, 'start'> & { readonly start: string }) | null
}

/** The oldest first. */
export function listQueue(
  db: Catalog,
  filter: QueueFilter,
  page: PageRequest,
): Promise<ListPage<QueuedReview>> {
  return loadPage('reviews', page, {
    load: (after, limit) =>
      db.call<ReviewRow & { readonly evidence: EvidenceRow }>('list_queue', {
        filter: jsonb(filter),
        after: after === null ? null : Number(after),
        limit,
      }),
    toItem: ({ evidence, ...row }) => ({ ...toReviewSummary(row), evidence: toEvidence(evidence) }),
    keyOf: ({ id }) => id,
  })
}

/** Counts the open reviews that match, by source and kind. */
export function countQueue(db: Catalog, filter: QueueFilter): Promise<readonly QueueCount[]> {
  return db.call<QueueCount>('count_queue', { filter: jsonb(filter) })
}

/** Lists the oldest reviews that match and can be decided together: every kind except runs. */
export function listDecidable(db: Catalog, filter: QueueFilter, limit: number): Promise<number[]> {
  return db.call<number>('list_decidable', { filter: jsonb(filter), limit })
}

/** The review must exist, see `loadReview`. */
export async function loadEvidence(db: Catalog, review: number): Promise<ReviewEvidence> {
  return toEvidence(one(await db.call<EvidenceRow>('load_evidence', { review })))
}

function toEvidence({ history, record, ...row }: EvidenceRow): ReviewEvidence {
  return {
    ...row,
    history: (history ?? []).map(({ at, ...price }) => ({ ...price, at: toInstant(at) })),
    record: record && { ...record, start: toBytes(`\\x${record.start}`) },
  }
}
