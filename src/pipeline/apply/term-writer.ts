// Brands, organisations and categories come again with every product that mentions them. Each is
// sent once a run, unless it differs.

import { hash } from 'node:crypto'
import type { Term } from '../../core/product.ts'
import { writeTerms } from '../../db/write/batches.ts'
import { isRecordRefusal } from '../../db/errors.ts'
import type { RunContext } from '../context.ts'
import { outsideText } from '../outside-text.ts'

/** Distinct terms that are remembered; beyond that they are sent again, which writes nothing. */
const TERMS_MAX = 50_000

const TEXT_CHARS_MAX = 64

/** Terms that go to the database at once. */
const BATCH_MAX = 500

/** The terms of a run, for all of its lanes. */
export class Terms {
  readonly #sent = new Map<string, string>()
  readonly #fresh = new Map<string, Term>()
  #saving: Promise<void> = Promise.resolve()

  collect(terms: readonly Term[]): void {
    for (const term of terms) {
      const key = keyOf(term)
      const content = inShort(`${term.name}\n${term.parentId}\n${JSON.stringify(term.attributes)}`)
      if (this.#sent.get(key) === content) continue
      if (this.#sent.size >= TERMS_MAX) this.#sent.clear()
      this.#sent.set(key, content)
      this.#fresh.set(key, term)
    }
  }

  /**
   * Sends what is new, in a transaction of its own: a term without a product does no harm, a lock
   * held through a batch would. One caller after the other, so that whoever returns has its terms
   * written, also those that another lane was sending. What was not written is sent again by the
   * next call; a term that Postgres refuses is left out with a warning.
   */
  save(context: RunContext): Promise<void> {
    const saving = this.#saving.catch(() => {}).then(() => this.#saveFresh(context))
    this.#saving = saving
    return saving
  }

  async #saveFresh(context: RunContext): Promise<void> {
    const fresh = [...this.#fresh.values()]
    for (let from = 0; from < fresh.length; from += BATCH_MAX)
      await writeAccepted(context, fresh.slice(from, from + BATCH_MAX))
    for (const term of fresh)
      if (this.#fresh.get(keyOf(term)) === term) this.#fresh.delete(keyOf(term))
  }
}

/** Halves find the one that is refused, as with records. */
async function writeAccepted(context: RunContext, terms: readonly Term[]): Promise<void> {
  const [first] = terms
  if (!first) return
  try {
    await writeTerms(context.db, context.run, terms)
  } catch (error) {
    if (!isRecordRefusal(error)) throw error
    if (terms.length === 1) return warnOfRefused(context, first, error)
    const middle = terms.length >> 1
    await writeAccepted(context, terms.slice(0, middle))
    await writeAccepted(context, terms.slice(middle))
  }
}

function warnOfRefused(context: RunContext, { kind, externalId }: Term, { message }: Error): void {
  const { log, source, run } = context
  const facts = { source: source.name, run: run.id, kind, term: outsideText(context, externalId) }
  log.warn(
    facts,
    `Postgres cannot hold a ${kind}, so it is left out; its products are not: ${message}`,
  )
}

function keyOf({ kind, externalId }: Term): string {
  return inShort(`${kind}:${externalId}`)
}

/**
 * The text, or its hash when it is longer: a supplier's text may have megabytes, and is remembered
 * until the run ends.
 */
function inShort(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : hash('sha256', text, 'base64')
}
