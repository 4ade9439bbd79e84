// Writes brands, organisations and categories. Every product repeats those it refers to, so each is
// sent once per run, and again only if it differs.

import { hash } from 'node:crypto'
import type { Term } from '../../core/product.ts'
import { isRecordRefusal } from '../../db/errors.ts'
import { writeTerms } from '../../db/write/terms.ts'
import type { RunContext } from '../context.ts'
import { sanitizeText } from '../sanitize-text.ts'

/** Terms remembered as sent. Beyond this all are forgotten; sending a term again changes nothing. */
const TERMS_MAX = 50_000

/** A longer text is kept as its hash. */
const TEXT_CHARS_MAX = 64

/** Terms sent in one call. */
const BATCH_MAX = 500

/** Shared by all lanes of a run. */
export class TaxonomyWriter {
  readonly #sent = new Map<string, string>()
  readonly #fresh = new Map<string, Term>()
  #saving: Promise<void> = Promise.resolve()

  /** Collects the terms that are new or changed, for the next `save`. */
  collect(terms: readonly Term[]): void {
    for (const term of terms) {
      const key = keyOf(term)
      const content = digestLong(
        `${term.name}\n${term.parentId}\n${JSON.stringify(term.attributes)}`,
      )
      if (this.#sent.get(key) === content) continue
      if (this.#sent.size >= TERMS_MAX) this.#sent.clear()
      this.#sent.set(key, content)
      this.#fresh.set(key, term)
    }
  }

  /**
   * Writes the collected terms, separately from the transaction of a batch: a term without a product
   * does no harm, but its lock would block other lanes until the batch commits. Calls run one after
   * another, so when a call returns, the terms of its caller are written, including those that
   * another lane was sending. The next call sends terms again that were not written. A term that
   * Postgres refuses is skipped with a warning.
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

/** Splits a refused batch in halves to find the refused term. */
async function writeAccepted(context: RunContext, terms: readonly Term[]): Promise<void> {
  const [first] = terms
  if (!first) return
  try {
    await writeTerms(context.db, context.run, terms)
  } catch (error) {
    if (!isRecordRefusal(error)) throw error
    if (terms.length === 1) return warnOfRefusal(context, first, error)
    const middle = terms.length >> 1
    await writeAccepted(context, terms.slice(0, middle))
    await writeAccepted(context, terms.slice(middle))
  }
}

function warnOfRefusal(context: RunContext, { kind, externalId }: Term, { message }: Error): void {
  const { log, source, run } = context
  const facts = { source: source.name, run: run.id, kind, term: sanitizeText(context, externalId) }
  log.warn(
    facts,
    `Postgres cannot store a ${kind}; its products are written without it: ${message}`,
  )
}

function keyOf({ kind, externalId }: Term): string {
  return digestLong(`${kind}:${externalId}`)
}

/**
 * Returns a short text unchanged, and the hash of a long one: a supplier's text may have megabytes,
 * and the result is kept until the run ends.
 */
function digestLong(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : hash('sha256', text, 'base64')
}
