// The tools that show whether the catalogue is fine: sources, a run, and what waits for a person.

import { z } from 'zod'
import type { Db } from '../../db/pool.ts'
import { isCursor } from '../../db/read/page.ts'
import { listReviews, REVIEW_KINDS, type ReviewSummary } from '../../db/read/reviews.ts'
import { loadRunDetails } from '../../db/read/run-summaries.ts'
import { loadStatus } from '../../db/read/source-summaries.ts'
import { toRunDetailJson, toSourceJson } from '../catalogue/objects.ts'
import { RunDetail, SourceItem } from '../catalogue/schemas.ts'

const LIMIT = 50
const LIMIT_MAX = 200
const limit = z.int().min(1).max(LIMIT_MAX).default(LIMIT)
const sourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
  .optional()
  .describe('Name of a source.')

function after(list: 'sources' | 'reviews') {
  return z
    .string()
    .refine((text) => isCursor(list, text), { error: 'expected the `next` of an earlier result' })
    .optional()
    .describe('The `next` of the result before.')
}

export const SourcesRequest = z.object({ limit, after: after('sources') })
export const SourcesResponse = z.object({
  sources: z.array(SourceItem),
  next: z.string().nullable(),
})

export const RunRequest = z.object({ id: z.int().min(1).describe('Number of the run.') })
export const RunResponse = z.object({ run: RunDetail })

export const ReviewsRequest = z.object({
  source: sourceName,
  run: z.int().min(1).optional(),
  kind: z.enum(REVIEW_KINDS).optional(),
  limit,
  after: after('reviews'),
})

const Review = z.object({
  id: z.int(),
  source: z.string(),
  kind: z.enum(REVIEW_KINDS),
  run: z.int(),
  product: z.string().nullable().describe("The supplier's id of the product."),
  title: z.string().nullable(),
  variant: z.string().nullable(),
  priceType: z.string().nullable(),
  reason: z.string(),
  detail: z.record(z.string(), z.unknown()).describe('The values that are compared.'),
  openedAt: z.iso.datetime({ offset: true }),
})
export const ReviewsResponse = z.object({
  reviews: z.array(Review),
  next: z.string().nullable(),
})

export interface OperationContext {
  readonly db: Db
  readonly responseMs: number
}

export async function listSources(
  { db, responseMs }: OperationContext,
  page: z.output<typeof SourcesRequest>,
) {
  const { sources, next } = await loadStatus(db, { source: null, ...page }, responseMs)
  return { sources: sources.map(toSourceJson), next }
}

/** @throws SyncError `run/unknown` */
export async function getRun(
  { db, responseMs }: OperationContext,
  { id }: z.output<typeof RunRequest>,
) {
  return { run: toRunDetailJson(await loadRunDetails(db, id, responseMs)) }
}

/** Lists open reviews, the oldest first. */
export async function listOpenReviews(
  { db }: OperationContext,
  request: z.output<typeof ReviewsRequest>,
) {
  const { items, next } = await listReviews(db, request)
  return { reviews: items.map(toReviewJson), next }
}

/** Without the names of people and the diff of a run. */
function toReviewJson(review: ReviewSummary) {
  const { id, source, kind, run, product, title, variant, priceType, reason, detail } = review
  const openedAt = review.openedAt.toISOString()
  const shown = { ...detail }
  return {
    id,
    source,
    kind,
    run,
    product,
    title,
    variant,
    priceType,
    reason,
    detail: shown,
    openedAt,
  }
}
