// Decisions of a person on held runs and on reviews. The rules are in the SQL functions decide_run
// and decide_review.

import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { type Catalog, jsonb, one } from '../catalog.ts'

interface Decider {
  /** The person, as the log names them. */
  readonly by: string
  readonly reason?: string | null
}

export interface Approval {
  /** Held while something waits that had not been seen. */
  readonly state: 'succeeded' | 'held'
  /** Products removed. */
  readonly removed: number
  /** Prices that became current. */
  readonly prices: number
  /** Removals and prices that appeared after the diff was seen: they wait for another decision. */
  readonly waiting: { readonly removals: number; readonly prices: number }
}

/**
 * Approves what a held run's diff contained at `version`, see `RunDiff`: publishes the prices and
 * changes, and removes the products that the run found missing.
 *
 * @throws SyncError `run/unknown` · `run/not-held`, also when another person has decided ·
 * `usage/invalid` for a version of another run
 */
export async function approveRun(
  db: Catalog,
  run: number,
  { version, by, reason = null }: Decider & { readonly version: string },
): Promise<Approval> {
  const row = one(
    await db.call<{
      state: Approval['state']
      removed: number
      prices: number
      waiting_removals: number
      waiting_prices: number
    }>('decide_run', { run, approve: true, by, version, reason }),
  )
  return {
    state: row.state,
    removed: row.removed,
    prices: row.prices,
    waiting: { removals: row.waiting_removals, prices: row.waiting_prices },
  }
}

/** Discards the pending prices and changes of a held run. @throws as `approveRun` */
export async function rejectRun(
  db: Catalog,
  run: number,
  by: string,
  reason: string | null = null,
): Promise<void> {
  await db.call('decide_run', { run, approve: false, by, version: null, reason })
}

export interface ReviewDecision {
  readonly approve: boolean
  readonly by: string
  /** The claim of a disagreement that is approved, from 1; by default the first one. */
  readonly claim?: number | undefined
  /** As the person stated it. */
  readonly reason?: string | undefined
}

/**
 * Decides on an open review of any kind, except for the approval of a run.
 *
 * @throws SyncError `review/unknown`, which names the person who has decided it · `usage/invalid` for
 * the approval of a run, which has to be seen first, and for a claim that the review does not have ·
 * `run/not-held`
 */
export async function decideReview(
  db: Catalog,
  review: number,
  { approve, by, claim, reason }: ReviewDecision,
): Promise<void> {
  await db.call('decide_review', {
    review,
    approve,
    by,
    claim: claim ?? null,
    reason: reason ?? null,
  })
}

/** The errors of one review that do not concern the others. */
const REFUSALS = new Set<string>(['review/unknown', 'run/not-held', 'usage/invalid'])

export interface DecidedReviews {
  readonly decided: readonly number[]
  readonly refused: readonly SyncError[]
  /** Not reached before `isOver`. */
  readonly left: readonly number[]
}

/**
 * Decides on several reviews, each in its own transaction, so that none waits for the others and a
 * refused one, such as one that another person has decided, stops none.
 */
export async function decideReviews(
  db: Catalog,
  reviews: readonly number[],
  decision: ReviewDecision,
  { isOver = () => false, onDecided }: DecisionProgress = {},
): Promise<DecidedReviews> {
  const decided: number[] = []
  const refused: SyncError[] = []
  for (const [index, review] of reviews.entries()) {
    if (isOver()) return { decided, refused, left: reviews.slice(index) }
    try {
      await decideReview(db, review, decision)
      decided.push(review)
      onDecided?.(review)
    } catch (error) {
      if (!(error instanceof SyncError && REFUSALS.has(error.code))) throw error
      refused.push(error)
    }
  }
  return { decided, refused, left: [] }
}

interface DecisionProgress {
  /** Asked before each review. */
  readonly isOver?: () => boolean
  readonly onDecided?: (review: number) => void
}

export interface ReviewEdit {
  /** Of a price or a disagreement `{ amountMinor, currency }`; of a proposal the value of its field. */
  readonly value: Json
  readonly by: string
  readonly reason?: string | undefined
  /** Accepts a price although it would be held. */
  readonly despite?: boolean
  /** The price factor in the policy of the source. */
  readonly priceFactor: number
}

/**
 * Accepts a price, a disagreement or a proposal with the value of the person. A price has to pass
 * the gates of its source, unless the person accepts it nevertheless; a value has the type of the
 * proposed one.
 *
 * @throws SyncError `review/unknown`, which names the person who has decided it · `usage/invalid`
 */
export async function editReview(
  db: Catalog,
  review: number,
  { value, by, reason, despite = false, priceFactor }: ReviewEdit,
): Promise<void> {
  await db.call('edit_review', {
    review,
    value: jsonb(value),
    by,
    reason: reason ?? null,
    despite,
    factor: priceFactor,
  })
}
