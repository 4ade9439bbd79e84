// The changes of a plan: counted as the run would record them, and the first ones as text in groups.

import type { PlannedChange } from '../../pipeline/apply/plan-writer.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { type Amount, formatCount, formatPrice } from '../format/format.ts'
import { COUNTED_KINDS, formatMembers, formatTitle } from '../format/changes.ts'
import type { Output } from '../terminal/output.ts'

const ID_CHARS_MAX = 200

type Kind = PlannedChange['kind']

export class PlannedChanges {
  readonly #limit: number
  /** Kind of each product's change: a run records one change for each product. */
  readonly #kinds = new Map<string, Kind>()
  readonly #quarantined: PlannedChange[] = []
  readonly #first = new Map<Kind, Map<string, PlannedChange>>()
  #quarantinedCount = 0

  /** `limit`: number of changes in the text. */
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
    const before = this.#kinds.get(externalId)
    // A product that the run creates stays created, even if a later record updates it.
    if (before === 'created') return
    this.#kinds.set(externalId, kind)
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
    const counts: Partial<Record<Kind, number>> = {
      ...this.#countKinds(),
      ...(this.#quarantinedCount > 0 ? { quarantined: this.#quarantinedCount } : {}),
    }
    const kinds = COUNTED_KINDS.filter((kind): kind is Kind => kind !== 'loaded' && kind in counts)
    const lines: string[] = []
    const shares = divide(
      this.#limit,
      kinds.map((kind) => counts[kind] ?? 0),
    )
    for (const [index, kind] of kinds.entries()) {
      const count = counts[kind] ?? 0
      const changes = this.#list(kind).slice(0, shares[index])
      const cut = changes.length < count ? `, the first ${formatCount(changes.length)}` : ''
      lines.push(`${kind} ${formatCount(count)}${cut}`)
      for (const change of changes) lines.push(...formatChange(output, change))
    }
    const more = sum(Object.values(counts)) - sum(shares)
    if (more > 0) lines.push(`${formatCount(more)} more: ${all}`)
    return lines
  }

  #list(kind: Kind): PlannedChange[] {
    return kind === 'quarantined' ? this.#quarantined : [...(this.#first.get(kind)?.values() ?? [])]
  }

  #countKinds(): Partial<Record<Kind, number>> {
    const counts: Partial<Record<Kind, number>> = {}
    for (const kind of this.#kinds.values()) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
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

/** The product, and a line for each member that changes. */
function formatChange(output: Output, change: PlannedChange): string[] {
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
  return [product, ...formatMembers(output, externalId, change).map((member) => `    ${member}`)]
}
