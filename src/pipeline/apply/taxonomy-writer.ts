// Writes brands, organisations and categories. Every product repeats those it refers to, so each is
// sent once per run, and again only if it differs.

import type { Term } from '../../core/product.ts'
import { isRecordRefusal } from '../../db/errors.ts'
import { writeTerms } from '../../db/write/terms.ts'
import { digestSha256 } from '../../node/hash.ts'
import type { RunContext } from '../context.ts'
import { sanitizeText } from '../sanitize-text.ts'

/** Terms remembered as sent. Beyond this all are forgotten; sending a term again changes nothing. */
const TERMS_MAX = 50_000

/** A term with more or longer texts is remembered by its hash. */
const TEXT_CHARS_MAX = 64
const ATTRIBUTES_MAX = 8

/** Terms sent in one call. */
const BATCH_MAX = 500

/** A sent term: itself, which is compared without hashing, or its hash when it is large. */
type SentTerm = Term | string

/** Shared by all lanes of a run. */
export class TaxonomyWriter {
  /** By id. */
  readonly #sent: Readonly<Record<Term['kind'], Map<string, SentTerm>>> = {
    brand: new Map(),
    organization: new Map(),
    category: new Map(),
  }
  readonly #fresh = new Map<string, Term>()
  #saving: Promise<void> = Promise.resolve()

  /** Collects the terms that are new or changed, for the next `save`. */
  collect(terms: readonly Term[]): void {
    for (const term of terms) {
      const sent = this.#sent[term.kind]
      const id = digestLong(term.externalId)
      const known = sent.get(id)
      if (known !== undefined && isSame(known, term)) continue
      this.#remember(sent, id, term)
      this.#fresh.set(keyOf(term), term)
    }
  }

  #remember(sent: Map<string, SentTerm>, id: string, term: Term): void {
    const { brand, organization, category } = this.#sent
    const maps = [brand, organization, category]
    if (maps.reduce((size, map) => size + map.size, 0) >= TERMS_MAX)
      for (const map of maps) map.clear()
    sent.set(id, isSmall(term) ? term : hashTerm(term))
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
  // The message may quote the term.
  const why = source.policy.expiresAfterHours === null ? `: ${message}` : ''
  const facts = { source: source.name, run: run.id, kind, term: sanitizeText(context, externalId) }
  log.warn(facts, `Postgres cannot store a ${kind}; its products are written without it${why}`)
}

function isSame(sent: SentTerm, term: Term): boolean {
  if (typeof sent === 'string') return sent === hashTerm(term)
  return (
    sent.name === term.name &&
    sent.parentId === term.parentId &&
    hasSameMembers(sent.attributes, term.attributes)
  )
}

/** Compares objects of scalars. Members that are objects always differ. */
function hasSameMembers(one: Term['attributes'], other: Term['attributes']): boolean {
  let members = 0
  for (const name in one) {
    if (!Object.is(one[name], other[name])) return false
    members++
  }
  for (const _ in other) members--
  return members === 0
}

/** True for a term with few short texts and without nested attributes. */
function isSmall({ name, externalId, parentId, attributes }: Term): boolean {
  if (isLong(name) || isLong(externalId) || (parentId !== null && isLong(parentId))) return false
  let members = 0
  for (const member in attributes) {
    const value = attributes[member]
    const isScalar = value === null || typeof value !== 'object'
    if (!isScalar || isLong(member) || (typeof value === 'string' && isLong(value))) return false
    members++
  }
  return members <= ATTRIBUTES_MAX
}

function hashTerm({ name, parentId, attributes }: Term): string {
  return digestSha256(JSON.stringify([name, parentId, attributes]), 'base64')
}

function keyOf({ kind, externalId }: Term): string {
  return digestLong(`${kind}:${externalId}`)
}

/**
 * Returns a short text unchanged, and the hash of a long one: a supplier's text may have megabytes,
 * and the result is kept until the run ends.
 */
function digestLong(text: string): string {
  return isLong(text) ? digestSha256(text, 'base64') : text
}

function isLong(text: string): boolean {
  return text.length > TEXT_CHARS_MAX
}
