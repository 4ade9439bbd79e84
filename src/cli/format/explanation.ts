// The text of `explain`: one fact a line, each with its time, its run, and the command that shows
// more or decides.

import type {
  ExplainedChange,
  ExplainedPrice,
  ExplainedRun,
  ProductExplanation,
  RecordPlace,
} from '../../db/read/product-explanations.ts'
import {
  formatArgument,
  formatInstant,
  formatPrice,
  formatPriceChange,
} from '../../format/format.ts'
import { formatCount, formatRelative } from '../../lib/words.ts'
import { formatMembers, formatPriceLabel, formatTitle } from './changes.ts'
import { formatExplainedReview } from '../reviews/format.ts'
import type { Output } from '../terminal/output.ts'

export interface NamedExplanation extends ProductExplanation {
  readonly source: string
  readonly externalId: string
}

const EARLIER_PRICES_MAX = 3
const READ_VALUES_MAX = 40
const MESSAGE_CHARS_MAX = 200
const ID_CHARS_MAX = 200

type Fact = readonly [name: string, value: string]

/**
 * ```
 * pharmacy M0001: Exampleprazole 20 mg
 *   status      active
 *   price       public price AUD 13.00 since 2026-11-02 03:17:02 UTC (26 d ago)
 *               run 7, part 1, line 12 of its artifact
 *               before: AUD 12.50 since 2026-10-01 03:17:05 UTC (run 3)
 * ```
 */
export function formatExplanation(output: Output, explained: NamedExplanation, now: Date): string {
  const { source, externalId, product, quarantine } = explained
  const facts: Fact[] = [
    ...listStatusFacts(explained, now),
    ...listPriceFacts(output, explained, now),
    ...listWaitingFacts(output, explained),
    ...explained.reviews.map((review): Fact => [
      review.kind,
      formatExplainedReview(output, externalId, review),
    ]),
    ...(product?.warnings ?? []).map((warning): Fact => [
      'warning',
      output.short(warning, MESSAGE_CHARS_MAX),
    ]),
    ...listReadFacts(output, explained),
    ...quarantine.map(({ id, state, rule, message }): Fact => [
      'quarantine',
      `${state}, ${rule}: ${output.short(message, MESSAGE_CHARS_MAX)}\nshow it: shelfsync quarantine show ${id}`,
    ]),
    ...explained.changes.map((change): Fact => [
      'change',
      formatChange(output, externalId, change),
    ]),
    ...listRecordFacts(output, explained),
  ]
  const title = product ? formatTitle(output, product.title) : 'not in the catalogue'
  return [
    `${source} ${output.short(externalId, ID_CHARS_MAX)}: ${title}`,
    ...formatFacts(facts),
  ].join('\n')
}

/** Prints a name once for the facts that follow each other under it. */
function formatFacts(facts: readonly Fact[]): string[] {
  return facts.flatMap(([name, value], index) =>
    value
      .split('\n')
      .map(
        (line, at) =>
          `  ${(at === 0 && facts[index - 1]?.[0] !== name ? name : '').padEnd(11)} ${at === 0 ? '' : '  '}${line}`,
      ),
  )
}

function listStatusFacts(explained: NamedExplanation, now: Date): Fact[] {
  const { product, missingSince } = explained
  if (product === null) return [['status', 'its record could not be applied: it is in quarantine']]
  const facts: Fact[] = [['status', describeStatus(explained, now)]]
  if (missingSince !== null)
    facts.push([
      'missing',
      `since ${formatTime(missingSince.at, now)}: ${formatMisses(explained.runs)}; the next complete full run that does not see it either removes it`,
    ])
  const removing = explained.runs.find(({ removes }) => removes)
  if (removing !== undefined)
    facts.push([
      'missing',
      `${formatMisses(explained.runs)}; run ${removing.run} is held, and approving it removes the product\n${formatRunDecision(removing.run)}`,
    ])
  facts.push(['id', `${product.id} in api.products`])
  if (product.expiresAt !== null) facts.push(['expires', formatTime(product.expiresAt, now)])
  return facts
}

function describeStatus({ product, changes, runs }: NamedExplanation, now: Date): string {
  if (product === null) return ''
  const { status } = product
  const since =
    product.lastAvailableAt === null ? '' : ` since ${formatTime(product.lastAvailableAt, now)}`
  if (status === 'removed') {
    const removal = runs.find(({ run }) => run === product.run)
    const decision =
      removal?.decidedBy == null
        ? ''
        : `; ${removal.decidedBy} approved the removals of the run on ${formatInstant(removal.decidedAt)}`
    return `removed by run ${product.run}${since}: ${formatMisses(runs)}${decision}`
  }
  if (status === 'unavailable') {
    const change = changes.find(({ kind }) => kind === 'unavailable')
    const where = change ? `the supplier's record in run ${change.run}` : "the supplier's record"
    return `unavailable${since}: ${where} states it`
  }
  return status
}

/** `run 9 (fetched 29 of 30 expected) and run 8 (…) did not see it; run 7 saw it`. */
function formatMisses(runs: readonly ExplainedRun[]): string {
  const seenAt = runs.findIndex(({ saw }) => saw)
  const missed = seenAt === -1 ? runs : runs.slice(0, seenAt)
  const names = missed.map(({ run, fetched, expected }) => {
    const of = expected === null ? '' : ` of ${formatCount(expected)} expected`
    return `run ${run} (fetched ${formatCount(fetched)}${of})`
  })
  const last = runs[seenAt]
  return `${names.join(' and ') || 'a full run'} did not see it${last ? `; run ${last.run} saw it` : ''}`
}

function listPriceFacts(output: Output, explained: NamedExplanation, now: Date): Fact[] {
  const { prices, externalId } = explained
  return prices
    .filter(({ state }) => state === 'current')
    .map((price): Fact => {
      const earlier = prices
        .filter((other) => other.state === 'past' && isSamePrice(other, price))
        .slice(0, EARLIER_PRICES_MAX)
        .map(
          (past) => `${formatPrice(past)} since ${formatInstant(past.sinceAt)} (run ${past.run})`,
        )
      const compared =
        price.compareAtMinor === null
          ? ''
          : ` (before the discount ${formatPrice({ ...price, amountMinor: price.compareAtMinor })})`
      return [
        'price',
        [
          `${label(output, externalId, price)} ${formatPrice(price)}${compared} since ${formatTime(price.sinceAt ?? price.observedAt, now)}`,
          `stated by ${formatRecord(price)}`,
          ...(price.decision === null ? [] : [formatDecision(output, price)]),
          ...(earlier.length === 0 ? [] : [`before: ${earlier.join(' · ')}`]),
        ].join('\n'),
      ]
    })
}

/** Lists the prices that wait for a decision, and those that a person has rejected. */
function listWaitingFacts(output: Output, { prices, externalId }: NamedExplanation): Fact[] {
  return prices.flatMap((price): Fact[] => {
    const next = describeWaiting(output, price)
    if (next === null) return []
    const current = prices.find((other) => other.state === 'current' && isSamePrice(other, price))
    const before = current ?? { amountMinor: null, currency: price.currency }
    const change = `${label(output, externalId, price)} ${formatPriceChange(before, price)}`
    const place = `stated by ${formatRecord(price)}`
    return [[price.state, [`${change}: ${next.reason}`, place, ...next.lines].join('\n')]]
  })
}

/** Returns the reason why a price waits or was rejected, and the lines after it; else null. */
function describeWaiting(
  output: Output,
  price: ExplainedPrice,
): { reason: string; lines: readonly string[] } | null {
  const { state, review, decidingRun: run } = price
  if (state === 'held' && review !== null)
    return {
      reason: output.short(price.reason ?? '', MESSAGE_CHARS_MAX),
      lines: [`decide: shelfsync reviews approve ${review} · shelfsync reviews reject ${review}`],
    }
  if (state === 'pending' && run === null)
    return { reason: `it becomes current when a run succeeds`, lines: [] }
  if (state === 'pending')
    return {
      reason: `run ${run} is held`,
      lines: [formatRunDecision(run)],
    }
  return state === 'rejected' && price.decision !== null
    ? { reason: 'it is not current', lines: [formatDecision(output, price)] }
    : null
}

/** Lists the values that rules have read: `attributes.process from "Natural", title, by …`. */
function listReadFacts(output: Output, { product }: NamedExplanation): Fact[] {
  const read = Object.entries(product?.provenance ?? {})
  const facts = read
    .slice(0, READ_VALUES_MAX)
    .map(([path, { raw, rule, confidence, place }]): Fact => {
      const name = output.short(path, ID_CHARS_MAX)
      const words = output.short(JSON.stringify(raw), MESSAGE_CHARS_MAX)
      return ['read', `${name} from ${words}, ${place}, by ${rule} (confidence ${confidence})`]
    })
  const more = read.length - facts.length
  return more <= 0 ? facts : [...facts, ['read', `${formatCount(more)} more values`]]
}

function formatRunDecision(run: number | null): string {
  return `decide: shelfsync runs diff ${run} · shelfsync runs approve ${run} · shelfsync runs reject ${run}`
}

function listRecordFacts(output: Output, explained: NamedExplanation): Fact[] {
  const { source, externalId, product } = explained
  if (product === null) return []
  const show = `shelfsync explain ${source} ${formatArgument(output.inLine(externalId))} --raw`
  const { record } = product
  if (record === null) return [['record', `the last one before the removal: ${show}`]]
  const { artifactRun, artifactState, part, line } = record
  const archived =
    artifactState === 'purged'
      ? ''
      : ` · shelfsync artifacts cat ${artifactRun} --part ${part} --line ${line}`
  return [['record', `${formatPlace(record)}\nprint it: ${show}${archived}`]]
}

function formatChange(output: Output, product: string, change: ExplainedChange): string {
  const { run, runState, kind, published, changedAt } = change
  const members = formatMembers(output, product, change)
  const state = published ? '' : `, not published: the run is ${runState}`
  return [`${kind} by run ${run} at ${formatInstant(changedAt)}${state}`, ...members].join('\n')
}

function formatDecision(output: Output, { decision, run }: ExplainedPrice): string {
  if (decision === null) return ''
  const what = {
    run: 'with the held run',
    price: `as a held price of run ${run}`,
    disagreement: `as one of the prices that run ${run} found`,
  }[decision.decided]
  return `${decision.decision} by ${output.short(decision.by, ID_CHARS_MAX)} at ${formatInstant(decision.at)} ${what}: ${output.short(decision.reason, MESSAGE_CHARS_MAX)}`
}

/** `run 7 (part 1, line 12)`; of a replay with the run of the artifact. */
function formatRecord({ run, record }: ExplainedPrice): string {
  const { artifactRun, artifactState, part, line } = record
  return artifactRun === run && artifactState !== 'purged'
    ? `run ${run} (part ${part}, line ${line})`
    : `run ${run}, ${formatPlace(record)}`
}

function formatPlace({ artifactRun, artifactState, part, line }: RecordPlace): string {
  const purged = artifactState === 'purged' ? ', which is purged' : ''
  return `part ${part}, line ${line} of the artifact of run ${artifactRun}${purged}`
}

function formatTime(at: Date, now: Date): string {
  return `${formatInstant(at)} (${formatRelative(at, now)})`
}

function label(
  output: Output,
  product: string,
  { variant, priceType, sku }: ExplainedPrice,
): string {
  const name = formatPriceLabel(output, product, { variant, priceType })
  return sku === null || variant === product
    ? name
    : `${name} (SKU ${output.short(sku, ID_CHARS_MAX)})`
}

function isSamePrice(a: ExplainedPrice, b: ExplainedPrice): boolean {
  return a.variant === b.variant && a.priceType === b.priceType
}
