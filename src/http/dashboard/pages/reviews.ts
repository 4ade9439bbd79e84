// The queue of everything that waits for a person. Its filters are in the address.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import {
  countQueue,
  listDecidable,
  listQueue,
  type QueueCount,
} from '../../../db/read/review-queue.ts'
import { listSources } from '../../../db/sources.ts'
import { decideReviews, type DecidedReviews } from '../../../db/write/decisions.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import { definePage, type ActionResult, type DashboardServices } from '../page.ts'
import { emptyState, pageHeading } from '../parts/blocks.ts'
import { pager } from '../parts/pager.ts'
import type { DecidableKind } from '../reviews/choices.ts'
import { kindTabs, queueForm, QueueQuery, toQueueFilter } from '../reviews/filters.ts'
import { decideAll, queueList } from '../reviews/queue-list.ts'
import { parseRanges } from '../reviews/ranges.ts'

const ROWS = 25
/** Reviews that one decision on all that match covers. */
const COVERED_MAX = 2000
/** Below the deadline of an action. */
const DECIDING_MS = 4000

const Decision = z.enum(['approve', 'reject'])
const reason = z.string().max(2000).optional()
const ReviewId = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

const Chosen = z.object({
  id: z.union([z.array(ReviewId).max(ROWS), ReviewId.transform((id) => [id])]).default([]),
  reason,
  /** The buttons under the list. */
  decision: Decision.optional(),
  /** The buttons of one review: its number, and the claim of a disagreement. */
  approve: z
    .string()
    .regex(/^\d{1,15}(?::\d{1,4})?$/)
    .optional(),
  reject: ReviewId.optional(),
})

export const reviewsPage = definePage({
  path: '/reviews',
  query: QueueQuery,
  async render({ services: { db, nowMs }, query, user }) {
    const now = nowMs()
    const filter = toQueueFilter(query, now)
    const { source: _source, kind: _kind, ...others } = filter
    const [sources, counts, page, covered] = await Promise.all([
      listSources(db),
      countQueue(db, others),
      listQueue(db, filter, { limit: ROWS, after: query.after }),
      user.mayWrite ? listDecidable(db, filter, COVERED_MAX) : [],
    ])
    const matching = counts.filter(
      ({ source, kind }) =>
        (query.source === undefined || source === query.source) &&
        (query.kind === undefined || kind === query.kind),
    )
    const total = matching.reduce((sum, { reviews }) => sum + reviews, 0)
    const shown =
      page.items.length === 0
        ? showNothing(counts, query)
        : html`${decideAll({ user, covered, total, kinds: listKinds(matching) })}
          ${queueList({ items: page.items, user, nowMs: now })}
          ${pager({ address: user.address, next: page.next })}`
    return {
      title: 'Reviews',
      assets: ['reviews.css', 'reviews.js'],
      main: html`${pageHeading({
          title: 'Reviews',
          about: 'Everything that waits for a person, the oldest first.',
          actions: html`<a href="/reviews/rules">Rules</a>
            <a href="/actions?action=review">Decisions</a>`,
        })}
        ${queueForm(
          query,
          counts,
          sources.map(({ name }) => name),
        )}
        <div id="results">
          ${kindTabs(query, counts, user.address)}
          <p class="quiet" role="status">${formatQuantity(total, 'open review')}</p>
          ${shown}
        </div>`,
    }
  },
  actions: {
    decide: {
      form: Chosen,
      run: ({ services, form, user }) => decideChosen(services, user.name, form),
    },
    'decide-all': {
      form: z.object({ covered: z.string().min(1).max(60_000), decision: Decision, reason }),
      async run({ services, form: { covered, decision, reason: why }, user }) {
        const ids = parseRanges(covered, COVERED_MAX)
        const endMs = services.nowMs() + DECIDING_MS
        const results = await decideReviews(
          services.db,
          ids,
          { approve: decision === 'approve', by: user.name, reason: why },
          { isOver: () => services.nowMs() > endMs },
        )
        return { notice: describeResults(results, decision) }
      },
    },
  },
})

async function decideChosen(
  { db }: DashboardServices,
  by: string,
  { id: chosen, approve, reject, decision, reason: why }: z.output<typeof Chosen>,
): Promise<ActionResult> {
  const [named, claim] = approve?.split(':').map(Number) ?? []
  const one = named ?? reject
  const verb = approve !== undefined ? 'approve' : reject !== undefined ? 'reject' : decision
  const ids = one === undefined ? chosen : [one]
  if (verb === undefined || ids.length === 0)
    throw new SyncError('request/invalid', 'No review was chosen. Tick at least one')
  const results = await decideReviews(db, ids, {
    approve: verb === 'approve',
    by,
    claim,
    reason: why,
  })
  return { notice: describeResults(results, verb) }
}

/** @throws SyncError the first refusal, if nothing was decided */
function describeResults(
  { decided, refused, left }: DecidedReviews,
  verb: z.output<typeof Decision>,
): string {
  const [first] = refused
  if (decided.length === 0 && first !== undefined)
    throw new SyncError(
      first.code,
      refused
        .slice(0, 3)
        .map(({ message }) => message)
        .join('. '),
    )
  return [
    `${formatQuantity(decided.length, 'review')} ${verb === 'approve' ? 'approved' : 'rejected'}.`,
    ...(first === undefined
      ? []
      : [`${formatQuantity(refused.length, 'review')} refused: ${first.message}.`]),
    ...(left.length === 0
      ? []
      : [
          `${formatQuantity(left.length, 'review')} of those shown still wait: repeat it for them.`,
        ]),
  ].join(' ')
}

function listKinds(counts: readonly QueueCount[]): DecidableKind[] {
  return [...new Set(counts.flatMap(({ kind }) => (kind === 'run' ? [] : [kind])))]
}

function showNothing(counts: readonly QueueCount[], { after, ...query }: QueueQuery): Html {
  if (after !== undefined) return emptyState({ title: 'No more reviews' })
  const isFiltered = Object.values(query).some((value) => value !== undefined)
  return isFiltered || counts.length > 0
    ? emptyState({
        title: 'No open review matches',
        icon: 'search',
        actions: html`<a href="/reviews">Show everything that waits</a>`,
      })
    : emptyState({
        title: 'Nothing waits for a person',
        about: 'Prices that fail a gate, disagreements and proposals appear here.',
        icon: 'check',
      })
}
