// One review: its whole evidence, the decision with an edit, and everything that was done about it.

import { z } from 'zod'
import { listActions, type RecordedAction } from '../../../db/read/actions.ts'
import { loadEvidence, type QueuedReview } from '../../../db/read/review-queue.ts'
import { loadReview, type ReviewSummary } from '../../../db/read/reviews.ts'
import { decideReview } from '../../../db/write/decisions.ts'
import { describeAction } from '../../../format/actions.ts'
import { formatInstant, formatPrice } from '../../../format/format.ts'
import { acceptEdit } from '../../../sources/edit-review.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { definePage, type User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { facts, notice, pageHeading, panel } from '../parts/blocks.ts'
import { lineChart } from '../parts/charts.ts'
import { hiddenFields, reasonField } from '../parts/forms.ts'
import { instant, time } from '../parts/values.ts'
import { timelineList } from '../run/timeline-view.ts'
import type { TimelineEntry } from '../run/timeline.ts'
import { EFFECTS, isEditable, listApprovals, nameRejection } from '../reviews/choices.ts'
import { describeProduct, formatValue, showLine, showValues } from '../reviews/evidence.ts'

const LINE_CHARS = 4000
const ACTIONS_MAX = 20

const reason = z.string().max(2000).optional()

export const reviewPage = definePage({
  path: '/reviews/:id',
  example: '/reviews/1',
  params: z.object({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) }),
  async render({ services: { db, nowMs }, params: { id }, user }) {
    const summary = await loadReview(db, id)
    const [evidence, { items: actions }] = await Promise.all([
      loadEvidence(db, id),
      listActions(db, { run: summary.run, subject: `review ${id}`, limit: ACTIONS_MAX }),
    ])
    const review = { ...summary, evidence }
    return {
      title: `Review ${id}`,
      assets: ['reviews.css', 'runs.css'],
      main: html`${pageHeading({
        title: `Review ${id}`,
        about: review.reason,
        state: badge(review.state),
        trail: [
          { href: '/reviews', label: 'Reviews' },
          {
            href: `/reviews?source=${encodeURIComponent(review.source)}`,
            label: review.source,
          },
        ],
      })}
      ${showDecision(review)} ${showEvidence(review, new Date(nowMs()))}
      ${decisionPanel(review, user)}
      ${panel({ title: 'Audit trail' }, timelineList(toTimeline(review, actions), nowMs()))}`,
    }
  },
  actions: {
    decide: {
      form: z.object({
        /** `approve`, `reject`, or the claim of a disagreement. */
        decision: z.union([z.enum(['approve', 'reject']), z.coerce.number().int().positive()]),
        reason,
      }),
      async run({ services: { db }, params: { id }, form: { decision, reason: why }, user }) {
        await decideReview(db, id, {
          approve: decision !== 'reject',
          claim: typeof decision === 'number' ? decision : undefined,
          by: user.name,
          reason: why,
        })
        return { notice: `Review ${id} is ${decision === 'reject' ? 'rejected' : 'approved'}.` }
      },
    },
    edit: {
      form: z.object({
        value: z.string().min(1).max(2000),
        despite: z.literal('true').optional(),
        reason,
      }),
      async run({ services: { db }, params: { id }, form, user }) {
        await acceptEdit(db, id, form.value, {
          by: user.name,
          reason: form.reason,
          despite: form.despite !== undefined,
        })
        return { notice: `Review ${id} is accepted with your value.` }
      },
    },
  },
})

function showDecision({ state, decidedBy, decidedAt, detail }: ReviewSummary): Html {
  if (state === 'open') return EMPTY
  if (decidedBy === null)
    return notice(
      'info',
      html`A later run closed it at ${instant(decidedAt)}. Nothing is left to decide.`,
    )
  const how = detail.edited === undefined ? state : 'accepted with another value'
  return notice('good', html`${decidedBy} ${how} it at ${instant(decidedAt)}.`)
}

function showEvidence(review: QueuedReview, now: Date): Html {
  const { source, run, kind, priceType, openedAt, evidence } = review
  return panel(
    { title: 'Evidence' },
    html`<div class="evidence">
        ${
          kind === 'record' && evidence.record !== null
            ? html`<p>${evidence.record.message}</p>
                ${showLine(evidence.record, LINE_CHARS)}`
            : showValues(review)
        }
      </div>
      ${drawHistory(review, now)}
      ${facts([
        ['Product', kind !== 'run' && describeProduct(review)],
        ['Price type', priceType],
        ['Source', html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`],
        [
          'Opened by',
          html`<a href="/runs/${run}">run ${run}</a>, ${time(openedAt, now.getTime())}`,
        ],
      ])}`,
  )
}

function drawHistory({ evidence: { history }, detail, openedAt }: QueuedReview, now: Date): Html {
  const [first] = history
  if (first === undefined) return EMPTY
  const { currency } = first
  const points = history
    .filter((price) => price.currency === currency)
    .map(({ at, amountMinor }) => ({ at, value: amountMinor }))
  const held = typeof detail.to === 'number' && detail.currency === currency ? detail.to : null
  return html`<h3>Published prices${held === null ? '' : ', and the held one'}</h3>
    ${lineChart({
      label: `Published prices since ${formatInstant(first.at)}`,
      series: [
        { name: 'published', tone: 'busy', points },
        ...(held === null
          ? []
          : [{ name: 'held', tone: 'warn' as const, points: [{ at: openedAt, value: held }] }]),
      ],
      format: (value) => formatPrice({ amountMinor: value, currency }),
      isStep: true,
      from: first.at,
      to: now,
      formatAt: (at) => at.toISOString().slice(0, 10),
    })}`
}

function decisionPanel(review: QueuedReview, user: User): Html {
  const { id, kind, state } = review
  if (!user.mayWrite || state !== 'open' || kind === 'run') return EMPTY
  const { approve, reject } = EFFECTS[kind]
  return panel(
    { title: 'Decide', id: 'decide' },
    html`<form class="decision" method="post" action="/reviews/${id}/decide">
        ${hiddenFields({ user })}
        <p class="quiet">Approved: ${approve}. Rejected: ${reject}.</p>
        <div class="row">
          ${reasonField()}
          ${listApprovals(review).map(
            ({ claim, label }) =>
              html`<button
                type="submit"
                class="main-button"
                name="decision"
                value="${claim ?? 'approve'}"
              >
                ${label}
              </button>`,
          )}
          <button type="submit" class="danger-button" name="decision" value="reject">
            ${nameRejection(review)}
          </button>
        </div>
      </form>
      ${isEditable(review) ? editForm(review, user) : EMPTY}`,
  )
}

function editForm({ id, kind, detail }: QueuedReview, user: User): Html {
  const isPrice = kind !== 'proposal'
  const label = isPrice ? `Price in ${detail.currency ?? ''}` : `Value of ${detail.field ?? ''}`
  return html`<h3 id="edit">Accept another value</h3>
    <form class="decision" method="post" action="/reviews/${id}/edit">
      ${hiddenFields({ user })}
      <div class="row">
        <label
          ><span>${label}</span
          ><input
            type="text"
            name="value"
            required
            maxlength="2000"
            value="${isPrice ? '' : formatValue(detail.value)}"
        /></label>
        ${reasonField()}
        <button type="submit" class="quiet-button">Accept this value</button>
      </div>
      ${
        isPrice
          ? html`<label class="check"
              ><input type="checkbox" name="despite" value="true" /> Accept it even if a gate would
              hold it</label
            >`
          : EMPTY
      }
    </form>`
}

function toTimeline(review: QueuedReview, actions: readonly RecordedAction[]): TimelineEntry[] {
  const opened = {
    at: review.openedAt,
    what: `run ${review.run} opened the review`,
    who: null,
    why: review.reason,
    state: null,
  }
  const done = actions.map((action) => ({
    at: action.at,
    what: describeAction(action),
    who: action.actor,
    why: action.reason,
    state: null,
  }))
  return [...done, opened]
}
