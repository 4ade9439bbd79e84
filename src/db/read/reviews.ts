// The read model of reviews: everything that waits for a person, by kind.

import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { PriceClaim } from '../../core/product.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'
import { toRunDiff, type RunDiff, type RunDiffRow } from './run-diffs.ts'

export const REVIEW_KINDS = ['price', 'run', 'disagreement', 'proposal', 'record'] as const
export type ReviewKind = (typeof REVIEW_KINDS)[number]

export interface ReviewSummary {
  readonly id: number
  readonly source: string
  readonly kind: ReviewKind
  readonly run: number
  readonly product: string | null
  readonly title: string | null
  readonly variant: string | null
  readonly priceType: string | null
  readonly reason: string
  readonly detail: ReviewDetail
  readonly state: 'open' | 'approved' | 'rejected' | 'superseded'
  readonly openedAt: Date
  readonly decidedAt: Date | null
  readonly decidedBy: string | null
  /** The effect of approving the open review of a run; null for the other kinds. */
  readonly diff: RunDiff | null
}

/** The members depend on the kind. */
export interface ReviewDetail {
  /** Last good price in minor units, also in a disagreement. */
  readonly from?: number | null
  /** Held price in minor units. */
  readonly to?: number | null
  readonly currency?: string
  /** Claims of a disagreement, the most reliable one first. */
  readonly claims?: readonly PriceClaim[]
  /** Number of the claim that was approved, from 1. */
  readonly claim?: number
  /** Path of the empty field that a proposal is for, such as `attributes.process`. */
  readonly field?: string
  readonly value?: Json
  /** Words of the product that the proposed value relies on. */
  readonly quotation?: string
  readonly confidence?: number
  /** Name of the model that proposed the value. */
  readonly model?: string
  /** The person's value, if it was accepted with another one: a price, or that of a field. */
  readonly edited?: Json
  /** Number of the quarantined record. */
  readonly record?: number
  /** True once the licence of its content has ended: no amounts, claims, value and quotation. */
  readonly expired?: boolean
}

export interface ReviewFilter {
  readonly source?: string | undefined
  readonly run?: number | undefined
  readonly kind?: ReviewSummary['kind'] | undefined
}

export type ReviewRow = Omit<
  ReviewSummary,
  'priceType' | 'openedAt' | 'decidedAt' | 'decidedBy' | 'diff'
> & {
  readonly price_type: string | null
  readonly opened_at: string
  readonly decided_at: string | null
  readonly decided_by: string | null
  readonly diff: RunDiffRow | null
}

/** The oldest first. */
export function listReviews(
  db: Catalog,
  { source, run, kind, ...page }: ReviewFilter & PageRequest,
): Promise<ListPage<ReviewSummary>> {
  return loadPage('reviews', page, {
    load: (after, limit) =>
      db.call<ReviewRow>('list_reviews', {
        review: null,
        source: source ?? null,
        run: run ?? null,
        kind: kind ?? null,
        after: after === null ? null : Number(after),
        limit,
      }),
    toItem: toReviewSummary,
    keyOf: ({ id }) => id,
  })
}

/** Loads a review in any state. @throws SyncError `review/unknown` */
export async function loadReview(db: Catalog, id: number): Promise<ReviewSummary> {
  const filter = { source: null, run: null, kind: null, after: null, limit: 1 }
  const [row] = await db.call<ReviewRow>('list_reviews', { review: id, ...filter })
  if (!row) throw new SyncError('review/unknown', `Review ${id} does not exist`)
  return toReviewSummary(row)
}

export function toReviewSummary({
  price_type: priceType,
  opened_at: openedAt,
  decided_at: decidedAt,
  decided_by: decidedBy,
  diff,
  ...row
}: ReviewRow): ReviewSummary {
  return {
    id: row.id,
    source: row.source,
    kind: row.kind,
    run: row.run,
    product: row.product,
    title: row.title,
    variant: row.variant,
    priceType,
    reason: row.reason,
    detail: row.detail,
    state: row.state,
    openedAt: toInstant(openedAt),
    decidedAt: toInstant(decidedAt),
    decidedBy,
    diff: diff && toRunDiff(diff),
  }
}
