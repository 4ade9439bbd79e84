// The changes of a plan: counted as the run would record them, and the first ones as text in
// groups.

import type { PlannedChange } from '../../pipeline/apply/plan-writer.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { type Amount, formatPrice } from '../../format/format.ts'
import { formatCount, formatQuantity } from '../../lib/words.ts'
import { COUNTED_KINDS, formatMembers, formatTitle } from '../format/changes.ts'
import type { Output } from '../terminal/output.ts'

const ID_CHARS_MAX = 200

type Kind = PlannedChange['kind']

interface Total {
  readonly products: number
  /** Changes of all of them. */
  readonly size: number
}

export class PlannedChanges {
  readonly #limit: number
  /** The last record of each product counts, as in the run. */
  readonly #products = new Map<string, { readonly kind: Kind; readonly size: number }>()
  readonly #quarantined: PlannedChange[] = []
  readonly #first = new Map<Kind, Map<string, PlannedChange>>()
  #quarantinedCount = 0

  /** `limit`: number of changes in the text. Each member of a product is one. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(change: PlannedChange): void {
    const { externalId, kind } = change
    if (kind === 'quarantined') {
      this.#quarantinedCount += 1
      if (this.#quarantined.length < this.#limit) this.#quarantined.push(change)
      return
    }
    const before = this.#products.get(externalId)?.kind
    // A product that the run creates stays created, even if a later record updates it.
    if (before === 'created') return
    this.#products.set(externalId, { kind, size: measure(change) })
    if (before !== undefined && before !== kind) this.#first.get(before)?.delete(externalId)
    const first = this.#first.get(kind) ?? new Map<string, PlannedChange>()
    if (first.size < this.#limit || first.has(externalId)) first.set(externalId, change)
    this.#first.set(kind, first)
  }

  /** Counts the changes as `runs show` does after the run: a first load is one change. */
  count(state: Plan['state'], firstLoad: boolean): Record<string, number> {
    if (firstLoad) return state === 'held' ? {} : { loaded: 1 }
    const { missing: _, ...recorded } = this.#countKinds()
    return recorded
  }

  /**
   * Returns the text of the first changes, grouped by kind. `all`: the command that prints all of
   * them.
   */
  format(output: Output, all: string): string[] {
    const totals = this.#sumKinds()
    const kinds = COUNTED_KINDS.filter((kind): kind is Kind => kind !== 'loaded' && kind in totals)
    const sizes = kinds.map((kind) => totals[kind]?.size ?? 0)
    const rest = { changes: sum(sizes), products: 0 }
    const lines = divide(this.#limit, sizes).flatMap((share, index) => {
      const kind = kinds[index] ?? 'updated'
      const count = totals[kind]?.products ?? 0
      const shown = take(this.#list(kind), share)
      const cut = shown.length < count ? `, the first ${formatCount(shown.length)}` : ''
      rest.changes -= sum(shown.map(({ size }) => size))
      rest.products += count - shown.filter(({ size, change }) => size === measure(change)).length
      return [
        `${kind} ${formatCount(count)}${cut}`,
        ...shown.flatMap(({ change, size }) => formatChange(output, change, size)),
      ]
    })
    if (rest.changes === 0) return lines
    const owners =
      this.#quarantinedCount === 0
        ? formatQuantity(rest.products, 'product')
        : formatQuantity(rest.products, 'product or record', 'products and records')
    return [...lines, `${formatQuantity(rest.changes, 'more change')} of ${owners}: ${all}`]
  }

  #list(kind: Kind): PlannedChange[] {
    return kind === 'quarantined' ? this.#quarantined : [...(this.#first.get(kind)?.values() ?? [])]
  }

  #countKinds(): Partial<Record<Kind, number>> {
    const counts: Partial<Record<Kind, number>> = {}
    for (const { kind } of this.#products.values()) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
  }

  #sumKinds(): Partial<Record<Kind, Total>> {
    const totals: Partial<Record<Kind, Total>> = {}
    const rejected = this.#quarantinedCount
    if (rejected > 0) totals.quarantined = { products: rejected, size: rejected }
    for (const { kind, size } of this.#products.values()) {
      const { products, size: before } = totals[kind] ?? { products: 0, size: 0 }
      totals[kind] = { products: products + 1, size: before + size }
    }
    return totals
  }
}

/** Divides the limit equally among the counts; what one does not need goes to the others. */
function divide(limit: number, counts: readonly number[]): number[] {
  const shares = counts.map(() => 0)
  let left = Math.min(limit, sum(counts))
  while (left > 0) {
    const open = counts.filter((count, index) => count > (shares[index] ?? 0)).length
    const step = Math.max(1, Math.floor(left / open))
    for (const [index, count] of counts.entries()) {
      const added = Math.min(step, count - (shares[index] ?? 0), left)
      shares[index] = (shares[index] ?? 0) + added
      left -= added
    }
  }
  return shares
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}

/** Counts the lines of members; a product without them is one change. */
function measure({ kind, detail }: PlannedChange): number {
  const hasMembers = kind !== 'removed' && kind !== 'missing' && kind !== 'quarantined'
  return hasMembers ? Math.max(1, Object.keys(detail).length) : 1
}

/** Returns the first changes with at most `limit` lines, and how many lines each of them has. */
function take(
  changes: readonly PlannedChange[],
  limit: number,
): { readonly change: PlannedChange; readonly size: number }[] {
  let left = limit
  const taken = []
  for (const change of changes) {
    if (left === 0) break
    const size = Math.min(left, measure(change))
    taken.push({ change, size })
    left -= size
  }
  return taken
}

/** The product, and a line for each of its first `size` members that change. */
function formatChange(output: Output, change: PlannedChange, size: number): string[] {
  const { externalId, kind, detail, title } = change
  const id = output.short(externalId, ID_CHARS_MAX)
  if (kind === 'quarantined') {
    const { line, reason } = detail as { line?: number; reason?: string }
    return [`  ${id || 'no id'}, line ${line}: ${output.short(reason ?? '', ID_CHARS_MAX)}`]
  }
  const product = `  ${id} (${formatTitle(output, title)})`
  if (kind === 'removed' || kind === 'missing') {
    const { price = null } = detail as { price?: Amount | null }
    return [price === null ? product : `${product}, ${formatPrice(price)}`]
  }
  const members = formatMembers(output, externalId, change)
  const more = members.length - size
  return [
    product,
    ...members.slice(0, size).map((member) => `    ${member}`),
    ...(more > 0 ? [`    and ${formatCount(more)} more`] : []),
  ]
}
