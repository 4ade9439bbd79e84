// The list of the queue: each review with its evidence and its buttons, in one form, so that
// several can be chosen without a script.

import type { QueuedReview } from '../../../db/read/review-queue.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { EMPTY, html, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { panel } from '../parts/blocks.ts'
import { actionForm, hiddenFields, reasonField } from '../parts/forms.ts'
import { time } from '../parts/values.ts'
import { EFFECTS, isEditable, listApprovals, nameRejection, type DecidableKind } from './choices.ts'
import { describeProduct, showValues } from './evidence.ts'
import { formatRanges } from './ranges.ts'

interface ListOptions {
  readonly items: readonly QueuedReview[]
  readonly user: User
  readonly nowMs: number
}

export function queueList({ items, user, nowMs }: ListOptions): Html {
  const list = html`<ol class="reviews">
    ${items.map((review) => queueItem(review, user, nowMs))}
  </ol>`
  if (!user.mayWrite) return list
  return html`<form method="post" action="/reviews/decide">
    ${hiddenFields({ user })} ${list}
    <div class="chosen-bar" role="group" aria-label="Decide on the chosen reviews">
      <label class="check" data-check-all hidden
        ><input type="checkbox" /> Choose all on this page</label
      >
      ${reasonField()}
      <button type="submit" class="main-button" name="decision" value="approve">
        Approve the chosen
      </button>
      <button type="submit" class="danger-button" name="decision" value="reject">
        Reject the chosen
      </button>
    </div>
  </form>`
}

function queueItem(review: QueuedReview, user: User, nowMs: number): Html {
  const { id, kind, source, run, reason, priceType, openedAt } = review
  const canDecide = user.mayWrite && kind !== 'run'
  const subject =
    kind === 'run' ? html`<a href="/runs/${run}">run ${run}</a>` : describeProduct(review)
  return html`<li id="review-${id}">
    <header>
      ${
        canDecide
          ? html`<input type="checkbox" name="id" value="${id}" aria-label="Choose review ${id}" />`
          : EMPTY
      }
      ${badge('held', { label: kind })}
      <span class="subject">${subject}</span>
      <a class="more" href="/reviews/${id}">review ${id}</a>
    </header>
    <div class="evidence">
      <p class="why">${reason}</p>
      ${showValues(review)}
      <p class="quiet">
        ${priceType === null ? EMPTY : html`${priceType} price of `}<a
          href="/sources/${encodeURIComponent(source)}"
          >${source}</a
        >, <a href="/runs/${run}">run ${run}</a>, ${time(openedAt, nowMs)}
      </p>
    </div>
    ${canDecide ? html`<div class="actions">${itemButtons(review)}</div>` : EMPTY}
  </li>`
}

/** Buttons of the form around the list: the value names the review, and the claim of a disagreement. */
function itemButtons(review: QueuedReview): Html {
  const { id } = review
  // For a screen reader, each button names its review.
  const of = html`<span class="visually-hidden"> review ${id}</span>`
  return html`${listApprovals(review).map(
      ({ claim, label }) =>
        html`<button
          type="submit"
          class="quiet-button"
          name="approve"
          value="${claim === null ? id : `${id}:${claim}`}"
        >
          ${label}${of}
        </button>`,
    )}
    <button type="submit" class="danger-button" name="reject" value="${id}">
      ${nameRejection(review)}${of}
    </button>
    ${isEditable(review) ? html`<a href="/reviews/${id}#edit">Edit…${of}</a>` : EMPTY}`
}

interface AllOptions {
  readonly user: User
  /** The reviews that match and can be decided together, the oldest first. */
  readonly covered: readonly number[]
  /** All reviews that match, held runs included. */
  readonly total: number
  readonly kinds: readonly DecidableKind[]
}

/** The decision on all that match. Its forms name each review that is counted here. */
export function decideAll({ user, covered, total, kinds }: AllOptions): Html {
  if (!user.mayWrite || covered.length < 2) return EMPTY
  const quantity = formatQuantity(covered.length, 'review')
  const rest = total - covered.length
  const values = { covered: formatRanges(covered) }
  const button = (decision: 'approve' | 'reject', label: string): Html =>
    actionForm({
      user,
      action: '/reviews/decide-all',
      label: `${label} ${formatCount(covered.length)}`,
      tone: decision === 'approve' ? 'main' : 'danger',
      values: { ...values, decision },
      confirm: {
        question: `${label} ${quantity}?`,
        detail: html`<ul>
            ${kinds.map((kind) => html`<li>${kind}: ${EFFECTS[kind][decision]}</li>`)}
          </ul>
          <p>It covers the reviews that match now, and none that is opened later.</p>`,
        label: `${label} ${formatCount(covered.length)}`,
      },
      fields: reasonField(),
    })
  return panel(
    {
      title: `${rest === 0 ? 'All' : 'The oldest'} ${quantity} that match`,
      actions: html`${button('approve', 'Approve all')}${button('reject', 'Reject all')}`,
    },
    rest === 0
      ? EMPTY
      : html`<p class="quiet">
          ${formatCount(rest)} more match: held runs, which are decided on their own pages, or
          reviews for the next decision.
        </p>`,
  )
}
