// The filters of the queue of reviews, which are in its address, and their form with counts.

import { z } from 'zod'
import { REVIEW_KINDS, type ReviewKind } from '../../../db/read/reviews.ts'
import type { QueueCount, QueueFilter } from '../../../db/read/review-queue.ts'
import { formatCount } from '../../../lib/words.ts'
import type { Html } from '../html.ts'
import { withQuery } from '../parts/addresses.ts'
import { tabs } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'

const HOUR_MS = 3_600_000
const AGES = {
  today: { label: 'Less than a day', fromMs: 24 * HOUR_MS, isOlder: false },
  day: { label: 'More than a day', fromMs: 24 * HOUR_MS, isOlder: true },
  week: { label: 'More than a week', fromMs: 7 * 24 * HOUR_MS, isOlder: true },
  month: { label: 'More than 30 days', fromMs: 30 * 24 * HOUR_MS, isOlder: true },
} as const

export const KIND_NAMES: Readonly<Record<ReviewKind, string>> = {
  price: 'Held prices',
  run: 'Held runs',
  disagreement: 'Disagreements',
  proposal: 'Proposals',
  record: 'Malformed records',
}

const Percent = z.coerce.number('It must be a number of percent, such as 60.').min(0).max(1e9)

export const QueueQuery = z.object({
  q: z.string().max(200).optional(),
  source: z.string().max(63).optional(),
  kind: z.enum(REVIEW_KINDS).optional(),
  run: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  age: z.enum(['today', 'day', 'week', 'month']).optional(),
  direction: z.enum(['rise', 'fall']).optional(),
  min: Percent.optional(),
  max: Percent.optional(),
  after: z.string().max(200).optional(),
})
export type QueueQuery = z.output<typeof QueueQuery>

export function toQueueFilter(query: QueueQuery, nowMs: number): QueueFilter {
  const { q, source, kind, run, age, direction, min, max } = query
  const edge = age && new Date(nowMs - AGES[age].fromMs)
  return {
    source,
    kind,
    run,
    direction,
    text: q,
    changeMin: min,
    changeMax: max,
    openedBefore: age && AGES[age].isOlder ? edge : undefined,
    openedSince: age && !AGES[age].isOlder ? edge : undefined,
  }
}

/** The kinds as tabs. `counts` are those of all kinds that match the other filters. */
export function kindTabs(query: QueueQuery, counts: readonly QueueCount[], address: string): Html {
  const inSource = counts.filter(
    ({ source }) => query.source === undefined || source === query.source,
  )
  const countOf = (kind: ReviewKind): number =>
    inSource.reduce((sum, one) => sum + (one.kind === kind ? one.reviews : 0), 0)
  return tabs('Kinds of reviews', [
    {
      href: withQuery(address, { kind: null }),
      label: 'Everything',
      isCurrent: query.kind === undefined,
      count: inSource.reduce((sum, { reviews }) => sum + reviews, 0),
    },
    ...REVIEW_KINDS.map((kind) => ({
      href: withQuery(address, { kind }),
      label: KIND_NAMES[kind],
      isCurrent: query.kind === kind,
      count: countOf(kind),
    })),
  ])
}

export function queueForm(
  { q, source, kind, run, age, direction, min, max }: QueueQuery,
  counts: readonly QueueCount[],
  sources: readonly string[],
): Html {
  const countOf = (name: string): number =>
    counts.reduce(
      (sum, one) =>
        sum + (one.source === name && (kind === undefined || one.kind === kind) ? one.reviews : 0),
      0,
    )
  return filterForm({
    path: '/reviews',
    results: 'results',
    fields: [
      { kind: 'search', name: 'q', label: 'Product', value: q, placeholder: 'Title or id' },
      {
        kind: 'select',
        name: 'source',
        label: 'Source',
        value: source,
        options: sources.map((name) => ({
          value: name,
          label: `${name} (${formatCount(countOf(name))})`,
        })),
        any: 'All sources',
      },
      {
        kind: 'select',
        name: 'age',
        label: 'Waiting for',
        value: age,
        options: Object.entries(AGES).map(([value, { label }]) => ({ value, label })),
        any: 'Any time',
      },
      {
        kind: 'select',
        name: 'direction',
        label: 'Price',
        value: direction,
        options: [
          { value: 'rise', label: 'Rises' },
          { value: 'fall', label: 'Falls' },
        ],
        any: 'Any change',
      },
      { kind: 'number', name: 'min', label: 'Change from %', value: min },
      { kind: 'number', name: 'max', label: 'Change to %', value: max },
      { kind: 'number', name: 'run', label: 'Run', value: run },
      ...(kind === undefined ? [] : [{ kind: 'hidden' as const, name: 'kind', value: kind }]),
    ],
  })
}
