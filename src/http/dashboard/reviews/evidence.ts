// The evidence of a review: before and after, the history of the price, the claims, the proposed
// value, or the line that could not be read.

import type { Json } from '../../../core/json.ts'
import { isSafeLink } from '../../../core/safe-links.ts'
import type { PricePoint, QueuedReview, RecordEvidence } from '../../../db/read/review-queue.ts'
import type { ReviewDetail } from '../../../db/read/reviews.ts'
import { formatBytes, formatPrice } from '../../../format/format.ts'
import { cutText } from '../../../lib/text.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { EMPTY, html, type Content, type Html } from '../html.ts'
import { code } from '../parts/blocks.ts'
import { sparkline } from '../parts/charts.ts'
import { toProductAddress } from '../pages/product-address.ts'

const TEXT_CHARS_MAX = 300
const LINE_CHARS_MAX = 400

/** The product as a link, with its variant, its code and its image. */
export function describeProduct(review: QueuedReview): Html {
  const { source, product, title, variant, evidence } = review
  if (product === null) return html`record without a readable id`
  const names = [
    variant !== null && variant !== product ? (evidence.variant ?? variant) : null,
    evidence.sku,
    title === null ? null : product,
  ].filter(Boolean)
  return html`<a href="${toProductAddress(source, product)}">${title ?? product}</a>
    <span class="quiet">${names.join(' · ')}</span>${
      evidence.image !== null && isSafeLink(evidence.image)
        ? html` <a href="${evidence.image}" rel="noopener noreferrer nofollow" target="_blank"
            >image</a
          >`
        : EMPTY
    }`
}

export function showValues(review: QueuedReview): Html {
  const { kind, detail, evidence, state, diff, run } = review
  if (detail.expired === true)
    return html`<p class="quiet">
      The content has expired, as the licence of its source requires. It can only be rejected.
    </p>`
  switch (kind) {
    case 'price':
      return showHeldPrice(detail, evidence.change, evidence.history)
    case 'disagreement':
      return showClaims(detail, evidence.history)
    case 'proposal':
      return showProposal(detail)
    case 'record':
      return evidence.record === null ? EMPTY : showLine(evidence.record, LINE_CHARS_MAX)
    case 'run':
      return html`<p>
        ${
          diff === null
            ? EMPTY
            : `Approving it removes ${formatQuantity(diff.removals, 'product')} and changes ${formatQuantity(diff.prices, 'price')}.`
        }
        ${state === 'open' ? html`<a href="/runs/${run}#decide">Decide on the page of run ${run}</a>` : EMPTY}
      </p>`
  }
}

function showHeldPrice(
  detail: ReviewDetail,
  change: number | null,
  history: readonly PricePoint[],
): Html {
  const { from = null, to = null, currency = null } = detail
  return html`<p class="values">
      <span><span class="quiet">now</span> ${formatPrice({ amountMinor: from, currency })}</span>
      <span aria-hidden="true">→</span>
      <strong><span class="quiet">held</span> ${formatPrice({ amountMinor: to, currency })}</strong>
      ${change === null ? EMPTY : html`<span class="change">${formatChange(change)}</span>`}
      ${showHistory(history)}
    </p>
    ${showEdited(detail)}`
}

/** `+60 %`, `−33.3 %`. */
function formatChange(change: number): string {
  return `${change < 0 ? '−' : '+'}${Math.abs(change)} %`
}

function showEdited({ edited }: ReviewDetail): Html {
  return edited === undefined ? EMPTY : html`<p>Accepted as ${formatEdited(edited)}</p>`
}

function formatEdited(edited: Json): string {
  if (typeof edited === 'object' && edited !== null && 'amountMinor' in edited) {
    const { amountMinor, currency } = edited
    if (typeof amountMinor === 'number' && typeof currency === 'string')
      return formatPrice({ amountMinor, currency })
  }
  return formatValue(edited)
}

function showHistory(history: readonly PricePoint[]): Html {
  if (history.length < 2) return EMPTY
  const last = history.at(-1)
  const label = `The last ${history.length} published prices, now ${last ? formatPrice(last) : ''}`
  return sparkline(
    history.map(({ amountMinor }) => amountMinor),
    label,
  )
}

function showClaims(detail: ReviewDetail, history: readonly PricePoint[]): Html {
  const { from = null, currency = null, claims = [], claim } = detail
  return html`<p class="values">
      <span><span class="quiet">now</span> ${formatPrice({ amountMinor: from, currency })}</span>
      ${showHistory(history)}
    </p>
    <ol class="claims">
      ${claims.map(
        (one, index) =>
          html`<li>
            <strong>${formatPrice(one)}</strong> in ${one.source}:
            <q>${cutText(one.quotation, TEXT_CHARS_MAX)}</q>
            ${claim === index + 1 ? '(accepted)' : EMPTY}
          </li>`,
      )}
    </ol>
    ${showEdited(detail)}`
}

function showProposal(detail: ReviewDetail): Html {
  const { field = '', value = null, quotation = '', confidence, model } = detail
  return html`<p class="values">
      <span class="quiet">${cutText(field, 100)}</span>
      <span class="quiet">empty</span>
      <span aria-hidden="true">→</span>
      <strong>${formatValue(value)}</strong>
    </p>
    <p class="quiet">
      ${model} read it in <q>${cutText(quotation, TEXT_CHARS_MAX)}</q>, confidence ${confidence}
    </p>
    ${showEdited(detail)}`
}

/** `washed`; lists as `plum, cocoa`; other values as JSON. */
export function formatValue(value: ReviewDetail['value']): string {
  const isText = (one: unknown): one is string => typeof one === 'string'
  const text =
    isText(value) || typeof value === 'number'
      ? String(value)
      : Array.isArray(value) && value.every(isText)
        ? value.join(', ')
        : JSON.stringify(value ?? null)
  return cutText(text, TEXT_CHARS_MAX)
}

/** The beginning of a malformed line, with its place. */
export function showLine(record: RecordEvidence, charsMax: number): Html {
  const { rule, part, line, artifactRun, bytes, start } = record
  const text = new TextDecoder().decode(start).slice(0, charsMax)
  const place: Content = html`line ${line} of part ${part} of
    <a href="/runs/${artifactRun}?view=quarantine">run ${artifactRun}</a>, ${formatBytes(bytes)}`
  return html`<p class="quiet"><code>${rule}</code> in ${place}</p>
    ${text === '' ? EMPTY : code(text, 'The line as it arrived')}`
}
