// A simple model of the catalogue after any sequence of runs. It reads the lines that a run
// archived, and has no hashes, batches, parts or crashes.

export interface ModelLine {
  /** Null: the line is unreadable. */
  readonly id: string | null
  /** Its id can be read, but it cannot be applied. */
  readonly broken: boolean
  readonly status: string
  readonly title: string
  readonly price: number | null
  /** Epoch milliseconds. A time that cannot be trusted is below all others. */
  readonly at: number
  /** The record without its volatile members. */
  readonly content: string
}

export interface ModelProduct {
  status: string
  title: string
  content: string
  prices: { current?: number | null; pending?: number | null; held?: number | null }
  missed: boolean
}

/** Parses an archived line of the toy supplier. */
export function parseModelLine(text: string): ModelLine {
  // A line that is cut after its id still identifies its product.
  const unreadable = {
    id: /"id":"([^"]+)"/.exec(text)?.[1] ?? null,
    broken: true,
    status: '',
    title: '',
    price: null,
    at: 0,
    content: '',
  }
  try {
    const { record } = JSON.parse(text)
    const { seen: _, updated_at: updatedAt, ...content } = record
    const broken = record.price !== null && typeof record.price !== 'number'
    return {
      id: record.id,
      broken,
      status: record.status,
      title: record.name,
      price: broken ? null : record.price,
      at: trusted(updatedAt),
      content: JSON.stringify(content),
    }
  } catch {
    return unreadable
  }
}

function trusted(epochMs: unknown): number {
  return typeof epochMs === 'number' && epochMs > 0 && epochMs <= Date.now() ? epochMs : -Infinity
}

export class Model {
  readonly products = new Map<string, ModelProduct>()

  /** Applies a run that ended. @returns the state in which it must have settled */
  run(
    kind: 'full' | 'incremental',
    lines: readonly ModelLine[],
    complete: boolean,
  ): 'succeeded' | 'held' {
    for (const line of winners(lines)) this.#take(line)
    const seen = new Set(lines.map(({ id }) => id))
    const proved = kind === 'full' && complete && !seen.has(null)
    const missing = [...this.products]
      .filter(([id, { status }]) => status !== 'removed' && !seen.has(id))
      .map(([, product]) => product)
    const present = [...this.products.values()].filter(({ status }) => status !== 'removed').length
    const tooMany = proved && missing.length > Math.max(1, Math.floor(present * 0.15))
    if (tooMany || (kind === 'full' && lines.length === 0)) return 'held'
    if (!this.#settle(lines, complete)) return 'held'
    if (proved)
      for (const product of missing) {
        if (product.missed) product.status = 'removed'
        product.missed = product.status !== 'removed'
      }
    return 'succeeded'
  }

  /**
   * Applies an older artifact again: it only confirms products, and pending prices become current.
   */
  replay(lines: readonly ModelLine[], complete: boolean): 'succeeded' | 'held' {
    return this.#settle(lines, complete) ? 'succeeded' : 'held'
  }

  #settle(lines: readonly ModelLine[], complete: boolean): boolean {
    if (!complete || lines.filter(({ broken }) => broken).length > lines.length * 0.2) return false
    for (const { id } of lines) {
      const product = this.products.get(id ?? '')
      if (product) product.missed = false
    }
    for (const { prices } of this.products.values()) {
      if (prices.pending === undefined) continue
      prices.current = prices.pending
      delete prices.pending
    }
    return true
  }

  #take({ id, status, title, price, content }: ModelLine): void {
    const known = this.products.get(id ?? '')
    if (!known) {
      const prices = price === null ? {} : price === 0 ? { held: 0 } : { current: price }
      this.products.set(id ?? '', { status, title, content, prices, missed: false })
    } else if (known.content !== content || known.status === 'removed') {
      Object.assign(known, { status, title, content })
      reprice(known.prices, price)
    }
  }
}

function reprice(prices: ModelProduct['prices'], price: number | null): void {
  const { current, pending, held } = prices
  if (price === (held ?? pending) && price !== undefined) return
  if (price === null && current === undefined && held === undefined) return
  delete prices.pending
  delete prices.held
  if (price === current || (price === null && current === undefined)) return
  const wild =
    price === 0 ||
    (typeof current === 'number' &&
      current > 0 &&
      price !== null &&
      (price >= current * 10 || price * 10 <= current))
  if (wild) prices.held = price
  else if (current === undefined) prices.current = price
  else prices.pending = price
}

/** For each product the line with the highest time; of equal times the last line wins. */
function winners(lines: readonly ModelLine[]): ModelLine[] {
  const best = new Map<string, ModelLine>()
  for (const line of lines) {
    if (line.id === null || line.broken) continue
    const other = best.get(line.id)
    if (!other || line.at >= other.at) best.set(line.id, line)
  }
  return [...best.values()]
}
