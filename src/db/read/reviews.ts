// The read model of open reviews: held prices and held runs.

import { type Catalog, toInstant } from '../catalog.ts'
import { countListed, loadPage, type ListPage, type PageRequest } from './page.ts'
import { toRunDiff, type RunDiff, type RunDiffRow } from './run-diffs.ts'

export interface ReviewSummary {
  readonly id: number
  readonly source: string
  readonly kind: 'price' | 'run'
  readonly run: number
  readonly product: string | null
  readonly title: string | null
  readonly variant: string | null
  readonly priceType: string | null
  readonly reason: string
  /** Of a price: `from` and `to` in minor units, `currency`. */
  readonly detail: {
    readonly from?: number | null
    readonly to?: number | null
    readonly currency?: string
  }
  readonly openedAt: Date
  /** The effect of approving the run; null for a price. */
  readonly diff: RunDiff | null
}

export interface ReviewFilter {
  readonly source?: string | undefined
  readonly run?: number | undefined
  readonly kind?: ReviewSummary['kind'] | undefined
}

type ReviewRow = Omit<ReviewSummary, 'priceType' | 'openedAt' | 'diff'> & {
  readonly price_type: string | null
  readonly opened_at: string
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

export function countReviews(db: Catalog, { source, run, kind }: ReviewFilter): Promise<number> {
  return countListed(db, 'reviews', { source, run, kind })
}

/** Returns null for a review that is not open. */
export async function findReview(db: Catalog, id: number): Promise<ReviewSummary | null> {
  const filter = { source: null, run: null, kind: null, after: null, limit: 1 }
  const [row] = await db.call<ReviewRow>('list_reviews', { review: id, ...filter })
  return row ? toReviewSummary(row) : null
}

function toReviewSummary({
  price_type: priceType,
  opened_at: openedAt,
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
    openedAt: toInstant(openedAt),
    diff: diff && toRunDiff(diff),
  }
}
