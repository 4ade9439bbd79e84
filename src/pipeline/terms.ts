// Brands, organisations and categories come again with every product that mentions them. Each is sent once a run, unless it differs.

import type { Term } from '../core/product.ts'
import { writeTerms } from '../db/batches.ts'
import type { RunContext } from './context.ts'

/** Distinct terms that are remembered; beyond that they are sent again, which writes nothing. */
const TERMS_MAX = 50_000

export class Terms {
  readonly #sent = new Map<string, string>()
  #fresh = new Map<string, Term>()

  collect(terms: readonly Term[]): void {
    for (const term of terms) {
      const key = `${term.kind}:${term.externalId}`
      const content = `${term.name}\n${term.parentId}\n${JSON.stringify(term.attributes)}`
      if (this.#sent.get(key) === content) continue
      if (this.#sent.size >= TERMS_MAX) this.#sent.clear()
      this.#sent.set(key, content)
      this.#fresh.set(key, term)
    }
  }

  /** Sends what is new, in a transaction of its own: a term without a product does no harm, a lock held through a batch would. */
  async save({ db, run }: RunContext): Promise<void> {
    if (this.#fresh.size === 0) return
    const fresh = [...this.#fresh.values()]
    this.#fresh = new Map()
    await writeTerms(db, run, fresh)
  }
}
