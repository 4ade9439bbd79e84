// Accepts a review with the value that a person states. The rules that read a supplier's values read
// it: an amount in the decimals of its currency, or the words of a field.

import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { minorOf } from '../core/money.ts'
import { SourceOptions } from '../core/source-options.ts'
import type { Catalog } from '../db/catalog.ts'
import { loadReview, type ReviewSummary } from '../db/read/reviews.ts'
import { loadSource } from '../db/sources.ts'
import { editReview, type ReviewEdit } from '../db/write/decisions.ts'
import { loadPack } from '../normalise/domain-packs.ts'

const ATTRIBUTES = 'attributes.'

/**
 * Returns the value as it was read from `text`.
 *
 * @throws SyncError `review/unknown` · `usage/invalid`, see `editReview`
 */
export async function acceptEdit(
  db: Catalog,
  id: number,
  text: string,
  decision: Omit<ReviewEdit, 'value' | 'priceFactor'>,
): Promise<Json> {
  const review = await loadReview(db, id)
  const { options, policy } = await loadSource(db, review.source)
  const value = await readEdit(review, text, options)
  await editReview(db, id, { ...decision, value, priceFactor: policy.priceFactor })
  return value
}

/** `options` are those of the source, in stored form. @throws SyncError `usage/invalid` */
async function readEdit(
  { id, kind, detail }: Pick<ReviewSummary, 'id' | 'kind' | 'detail'>,
  text: string,
  options: Json,
): Promise<Json> {
  if (kind === 'proposal')
    return readField(detail.field ?? '', text, { value: detail.value, options })
  const { currency } = detail
  if (currency === undefined)
    throw new SyncError('usage/invalid', `Review ${id} has no value to edit`)
  const amountMinor = minorOf(text.trim().replace(',', '.'), currency)
  if (amountMinor === null)
    throw new SyncError('usage/invalid', `"${text}" is not an amount in ${currency}, such as 12.50`)
  return { amountMinor, currency }
}

interface Proposed {
  readonly value: Json | undefined
  readonly options: Json
}

/** The rules of the source's pack read its fields; another field has the type of its proposal. */
async function readField(field: string, text: string, { value, options }: Proposed): Promise<Json> {
  const parsed = SourceOptions.safeParse(options)
  const pack = parsed.success ? await loadPack(parsed.data.pack) : null
  const question = pack?.findQuestions({}).find((one) => `${ATTRIBUTES}${one.field}` === field)
  if (question !== undefined) {
    const read = question.read(text)
    if (read !== null) return read
    throw new SyncError('usage/invalid', `"${text}" is not a value that the rules of ${field} know`)
  }
  const trimmed = text.trim()
  if (Array.isArray(value)) return trimmed.split(/\s*,\s*/).filter(Boolean)
  if (typeof value === 'number') return Number(trimmed)
  if (typeof value === 'boolean') return trimmed === 'true'
  return trimmed
}
