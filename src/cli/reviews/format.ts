// The texts of reviews: the cells of the list, and one review in full.

import type { PriceClaim } from '../../core/product.ts'
import type { ExplainedReview } from '../../db/read/product-explanations.ts'
import type { ReviewDetail, ReviewSummary } from '../../db/read/reviews.ts'
import { formatPriceLabel, formatTitle } from '../format/changes.ts'
import { formatArgument, formatInstant, formatPrice } from '../../format/format.ts'
import { formatRelative } from '../../lib/words.ts'
import { formatDiff } from '../runs/diff.ts'
import type { Output } from '../terminal/output.ts'

const QUOTATION_CHARS_MAX = 200

/** The effect of rejecting a review that is not of a run. */
const REJECTED = {
  price: 'the current price stays',
  disagreement: 'the current price stays',
  proposal: 'the field stays empty',
  record: 'this record and later ones with the same fault are ignored',
} as const

export const REVIEW_HEADINGS = [
  'review',
  'source',
  'run',
  'subject',
  'from',
  'to',
  'reason',
  'opened',
]

/** The cells under `REVIEW_HEADINGS`. */
export function toReviewCells(output: Output, review: ReviewSummary, now: Date): string[] {
  const { id, source, run, reason, openedAt } = review
  const [from, to] = formatValues(output, review)
  const cells = [describeSubject(output, review), from, to, reason, formatRelative(openedAt, now)]
  return [String(id), source, String(run), ...cells]
}

function describeSubject(output: Output, review: ReviewSummary): string {
  const { kind, product, title, variant, priceType, detail, diff } = review
  if (kind === 'run') return `the whole run${diff ? `: ${formatDiff(diff)}` : ''}`
  if (kind === 'record')
    return `quarantined record ${detail.record}${product === null ? '' : ` of ${product}`}`
  const what =
    kind === 'proposal'
      ? output.short(detail.field ?? '', QUOTATION_CHARS_MAX)
      : `${variant !== product ? `${variant} ` : ''}${priceType}`
  return `${product} ${what} (${formatTitle(output, title)})`
}

function formatValues(output: Output, { kind, detail }: ReviewSummary): [string, string] {
  if (kind === 'run' || kind === 'record') return ['', '']
  if (detail.expired === true) return ['expired', 'expired']
  if (kind === 'proposal') return ['', formatProposed(output, detail)]
  const { from = null, to = null, currency = null, claims = [] } = detail
  const before = formatPrice({ amountMinor: from, currency })
  if (kind === 'price') return [before, formatPrice({ amountMinor: to, currency })]
  return [before, `${[...new Set(claims.map(formatPrice))].join(' or ')}?`]
}

/**
 * ```
 * Review 3 of tea-shop: open
 *   subject     green-tea public price (Green Tea 250 g)
 *   reason      json-ld and microdata state different prices
 *   current     EUR 10.00
 *   claim 1     EUR 12.00 in json-ld: "price": "12.00"
 *   claim 2     EUR 15.00 in microdata: <span itemprop="price">15,00 €</span>
 *   opened      2026-11-28 03:17:02 UTC (5 min ago) by run 7
 *   product     shelfsync explain tea-shop green-tea
 *   decide      shelfsync reviews approve 3 --claim 1
 *               shelfsync reviews approve 3 --claim 2
 *               shelfsync reviews reject 3: the current price stays
 * ```
 */
export function formatReview(output: Output, review: ReviewSummary, now: Date): string {
  const { id, source, run, product, reason, openedAt, kind } = review
  const facts: (readonly [name: string, value: string])[] = [
    ['subject', describeSubject(output, review)],
    ['reason', reason],
    ...(kind === 'run' ? [] : listValueFacts(output, review)),
    ['opened', `${formatInstant(openedAt)} (${formatRelative(openedAt, now)}) by run ${run}`],
    ...(product === null
      ? []
      : [
          [
            'product',
            `shelfsync explain ${source} ${formatArgument(output.inLine(product))}`,
          ] as const,
        ]),
    ...listDecisionFacts(review),
  ]
  return [
    `Review ${id} of ${source}: ${review.state}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(11)} ${output.inLine(value)}`),
  ].join('\n')
}

function formatProposed(output: Output, { value = null }: ReviewDetail): string {
  return output.short(JSON.stringify(value), QUOTATION_CHARS_MAX)
}

function listValueFacts(output: Output, review: ReviewSummary): [string, string][] {
  const { kind, state, detail } = review
  const { from = null, currency = null, claims = [] } = detail
  const [, to] = formatValues(output, review)
  if (kind === 'record') return [['bytes', `shelfsync quarantine show ${detail.record}`]]
  if (detail.expired === true)
    return [
      ['content', 'expired, as the licence of its source requires; a refresh may state it again'],
    ]
  if (kind === 'proposal')
    return [
      ['value', to],
      ['quotation', output.short(detail.quotation ?? '', QUOTATION_CHARS_MAX)],
      ['confidence', String(detail.confidence)],
      ['model', output.inLine(detail.model ?? '')],
    ]
  return [
    [state === 'open' ? 'current' : 'before', formatPrice({ amountMinor: from, currency })],
    ...(kind === 'price' ? ([['held', to]] as [string, string][]) : []),
    ...claims.map((claim, index): [string, string] => [
      `claim ${index + 1}`,
      formatClaim(output, claim),
    ]),
  ]
}

function formatClaim(output: Output, claim: PriceClaim): string {
  return `${formatPrice(claim)} in ${claim.source}: ${output.short(claim.quotation, QUOTATION_CHARS_MAX)}`
}

/** The lines of a review in the explanation of its product. */
export function formatExplainedReview(
  output: Output,
  product: string,
  { id, run, variant, priceType, reason, detail, state, decidedAt, decidedBy }: ExplainedReview,
): string {
  const subject =
    priceType === null
      ? ''
      : `${formatPriceLabel(output, product, { variant: variant ?? product, priceType })}: `
  return [
    `${subject}${reason} (run ${run})`,
    ...(detail.claims ?? []).map((claim) => formatClaim(output, claim)),
    ...(detail.field === undefined
      ? []
      : [`${output.short(detail.field, QUOTATION_CHARS_MAX)}: ${formatProposed(output, detail)}`]),
    state === 'open'
      ? `decide: shelfsync reviews show ${id}`
      : `${state} by ${output.inLine(decidedBy ?? '')} at ${formatInstant(decidedAt)}${formatNamedClaim(detail)}`,
  ].join('\n')
}

function formatNamedClaim({ claim }: ReviewDetail): string {
  return claim === undefined ? '' : `, claim ${claim}`
}

function listDecisionFacts(review: ReviewSummary): (readonly [string, string])[] {
  const { id, kind, run, state, decidedAt, decidedBy, detail } = review
  if (state === 'superseded')
    return [['closed', `${formatInstant(decidedAt)}: a later run stated something else`]]
  if (state !== 'open') {
    return [
      [
        'decided',
        `${state} by ${decidedBy} at ${formatInstant(decidedAt)}${formatNamedClaim(detail)}`,
      ],
    ]
  }
  if (kind === 'run')
    return [
      ['decide', `shelfsync runs diff ${run}`],
      ['', `shelfsync runs approve ${run}`],
      ['', `shelfsync runs reject ${run}`],
    ]
  const approvals =
    detail.claims?.map((_, index) => `shelfsync reviews approve ${id} --claim ${index + 1}`) ?? []
  const [first = `shelfsync reviews approve ${id}`, ...others] = approvals
  return [
    ['decide', first],
    ...others.map((command) => ['', command] as const),
    ['', `shelfsync reviews reject ${id}: ${REJECTED[kind]}`],
  ]
}
