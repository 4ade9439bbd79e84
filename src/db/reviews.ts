// What waits for a person, and what the person decides. The rules are in the SQL functions
// decide_run and decide_price.

import { SyncError } from '../core/errors.ts'
import { translateErrors } from './errors.ts'
import type { Db } from './pool.ts'

export interface Review {
  readonly id: number
  readonly source: string
  readonly kind: 'price' | 'run'
  readonly run: number
  readonly product: string | null
  readonly title: string | null
  readonly variant: string | null
  readonly priceType: string | null
  readonly reason: string
  /** Of a price: `from`, `to` in minor units, `currency`. */
  readonly detail: {
    readonly from?: number | null
    readonly to?: number | null
    readonly currency?: string
  }
  readonly openedAt: Date
}

export interface ReviewFilter {
  readonly source?: string | undefined
  readonly run?: number | undefined
  readonly kind?: Review['kind'] | undefined
  readonly ids?: readonly number[] | undefined
  /** Default: all. */
  readonly limit?: number | undefined
}

/** What is open, the oldest first. */
export async function listReviews(
  db: Db,
  { source, run, kind, ids, limit }: ReviewFilter = {},
): Promise<Review[]> {
  const { rows } = await db.query<Review>(
    `select v.id, s.name as source, v.kind, v.run_id as run, v.product_external_id as product, p.title, v.variant_external_id as variant,
       v.price_type as "priceType", v.reason, v.detail, v.opened_at as "openedAt"
     from catalog.reviews v
     join catalog.sources s on s.id = v.source_id
     left join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
     where v.state = 'open' and ($1::text is null or s.name = $1) and ($2::bigint is null or v.run_id = $2)
       and ($3::text is null or v.kind = $3) and ($4::bigint[] is null or v.id = any ($4))
     order by v.id limit $5`,
    [source ?? null, run ?? null, kind ?? null, ids ?? null, limit ?? null],
  )
  return rows
}

/**
 * Approving makes the run do what it waits to do (removals included, without a second look),
 * rejecting drops that.
 *
 * @returns how many products were removed
 * @throws SyncError `run/unknown` · `run/not-held`
 */
export async function decideRun(
  db: Db,
  run: number,
  approve: boolean,
  by: string,
): Promise<number> {
  const { rows } = await translateErrors(
    db.query<{ removed: number }>('select catalog.decide_run($1, $2, $3) as removed', [
      run,
      approve,
      by,
    ]),
  )
  return rows[0]?.removed ?? 0
}

/** A held price becomes the current one, or is dropped. @throws SyncError `review/unknown` */
export async function decidePrice(
  db: Db,
  review: number,
  approve: boolean,
  by: string,
): Promise<void> {
  await translateErrors(db.query('select catalog.decide_price($1, $2, $3)', [review, approve, by]))
}

/** Decides on one review of either kind. @throws SyncError `review/unknown` */
export async function decideReview(
  db: Db,
  id: number,
  approve: boolean,
  by: string,
): Promise<void> {
  const [review] = await listReviews(db, { ids: [id] })
  if (!review) throw new SyncError('review/unknown', `There is no open review ${id}`)
  await (review.kind === 'run'
    ? decideRun(db, review.run, approve, by)
    : decidePrice(db, id, approve, by))
}
