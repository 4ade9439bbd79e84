// The availability of a product over time: a row for its status, and one for each variant that states an
// availability. Read backwards from the present state through the changes.

import type { ExplainedChange } from '../../../db/read/product-explanations.ts'
import { formatInstant } from '../../../format/format.ts'
import { EMPTY, type Html } from '../html.ts'
import type { Tone } from '../parts/badge.ts'
import { panel } from '../parts/blocks.ts'
import { timeline, type Span } from '../parts/charts.ts'

const ROWS_MAX = 12
const PREFIX = 'availability:'
const TONES: Readonly<Record<string, Tone>> = {
  active: 'good',
  in_stock: 'good',
  preorder: 'busy',
  draft: 'busy',
  unavailable: 'warn',
  out_of_stock: 'warn',
  discontinued: 'bad',
  removed: 'bad',
}

export interface AvailabilityFacts {
  readonly status: string
  readonly variants: readonly {
    readonly id: string
    readonly name: string
    readonly availability: string | null
  }[]
  /** Published ones, in any order. */
  readonly changes: readonly Pick<ExplainedChange, 'kind' | 'detail' | 'changedAt'>[]
  readonly firstSeenAt: Date
  readonly now: Date
}

/** Shows nothing for a product whose state has never changed. */
export function showAvailability(facts: AvailabilityFacts): Html {
  const spans = listAvailability(facts)
  const rows = new Set(spans.map(({ name }) => name))
  if (spans.length === rows.size) return EMPTY
  const chart = timeline({
    label: 'Availability over time, as in the changes below',
    spans,
    from: facts.firstSeenAt,
    to: facts.now,
    formatAt: (at) => at.toISOString().slice(0, 10),
  })
  return panel({ title: 'Availability' }, chart)
}

/** The spans of each state, row by row. A change that does not name a state leaves it. */
export function listAvailability({
  status,
  variants,
  changes,
  firstSeenAt,
  now,
}: AvailabilityFacts): readonly Span[] {
  const newestFirst = changes.toSorted((a, b) => b.changedAt.getTime() - a.changedAt.getTime())
  const span = { fromMs: firstSeenAt.getTime(), toMs: now.getTime() }
  const statuses = newestFirst.flatMap(({ changedAt, ...change }) => {
    const before = findStatusBefore(change)
    return before === null ? [] : [{ atMs: changedAt.getTime(), before }]
  })
  return [
    ...toSpans('product', status, statuses, span),
    ...variants.slice(0, ROWS_MAX).flatMap(({ id, name, availability }) => {
      const steps = newestFirst.flatMap(({ detail, changedAt }) => {
        const before = findBefore(detail, PREFIX + id)
        return before === undefined ? [] : [{ atMs: changedAt.getTime(), before }]
      })
      return availability === null && steps.length === 0
        ? []
        : toSpans(name, availability, steps, span)
    }),
  ]
}

/** The status before a change; null if the change has not changed it. */
function findStatusBefore({
  kind,
  detail,
}: Pick<ExplainedChange, 'kind' | 'detail'>): string | null {
  const stated = findBefore(detail, 'status')
  if (typeof stated === 'string') return stated
  if (kind === 'returned') return 'removed'
  // Only an active product becomes unavailable. A removal does not say what the product was before.
  return kind === 'unavailable' || kind === 'removed' ? 'active' : null
}

/** The value before; undefined if the change does not name it. */
function findBefore(detail: ExplainedChange['detail'], name: string): string | null | undefined {
  const value: unknown = detail[name]
  if (!Array.isArray(value) || value.length < 2) return undefined
  const [before]: readonly unknown[] = value
  return typeof before === 'string' ? before : null
}

interface Step {
  readonly atMs: number
  readonly before: string | null
}

/** `steps` begin with the newest. A null state is a gap. */
function toSpans(
  name: string,
  state: string | null,
  steps: readonly Step[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Span[] {
  const states = [state, ...steps.map(({ before }) => before)]
  const ends = [toMs, ...steps.map(({ atMs }) => atMs)]
  const starts = [...steps.map(({ atMs }) => atMs), fromMs]
  return states
    .flatMap((one, index) => {
      const [startMs = fromMs, endMs = toMs] = [starts[index], ends[index]]
      if (one === null || endMs <= startMs) return []
      const since =
        startMs === fromMs ? 'from the first load' : `since ${formatInstant(new Date(startMs))}`
      const title = `${one.replaceAll('_', ' ')} ${since}`
      return [{ name, title, startMs, endMs, tone: TONES[one] ?? 'calm' }]
    })
    .toReversed()
}
