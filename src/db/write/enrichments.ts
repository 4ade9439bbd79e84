// The calls of the work of a language model. The rules are in supabase/schemas/37_enrichment_work.sql.

import type { Json } from '../../core/json.ts'
import { jsonb, one, toBytes, type Catalog } from '../catalog.ts'

/** A product under a lease, with what its texts are read from. */
export interface ClaimedProduct {
  readonly sourceId: number
  readonly source: string
  readonly externalId: string
  readonly contentHash: Uint8Array
  /** Failed ones. */
  readonly attempts: number
  /** Options and policy of the source. */
  readonly options: unknown
  readonly policy: unknown
  readonly title: string | null
  readonly description: string | null
  readonly attributes: Readonly<Record<string, Json>>
  readonly variants: readonly {
    readonly title: string | null
    readonly options: Readonly<Record<string, string>>
  }[]
}

interface ClaimRow extends Omit<ClaimedProduct, 'sourceId' | 'externalId' | 'contentHash'> {
  readonly source_id: number
  readonly external_id: string
  readonly content_hash: string
}

/** Returns the number of products that were looked at; 0 when there is nothing to look at. */
export async function queueEnrichments(db: Catalog, limit: number): Promise<number> {
  return one(await db.call<number>('queue_enrichments', { limit }))
}

/** Returns the product that is due first, or null. */
export async function claimEnrichment(
  db: Catalog,
  leaseMs: number,
): Promise<ClaimedProduct | null> {
  const [row] = await db.call<ClaimRow>('claim_enrichment', { lease: leaseMs })
  if (row === undefined) return null
  const { source_id: sourceId, external_id: externalId, content_hash: hash, ...product } = row
  return { sourceId, externalId, contentHash: toBytes(hash), ...product }
}

/** The end of an attempt. */
export interface Finish {
  readonly failure: string | null
  /** Milliseconds until the next attempt, or null. */
  readonly retryMs: number | null
}

export async function finishEnrichment(
  db: Catalog,
  { sourceId, externalId, contentHash }: ClaimedProduct,
  { failure, retryMs }: Finish,
): Promise<void> {
  await db.call('finish_enrichment', {
    source_id: sourceId,
    external_id: externalId,
    content_hash: contentHash,
    failure,
    retry: retryMs,
  })
}

export async function hasEnrichments(db: Catalog): Promise<boolean> {
  return one(await db.call<boolean>('has_enrichments', {}))
}

export async function findModelResponse(db: Catalog, key: Uint8Array): Promise<unknown> {
  return one(await db.call<unknown>('find_model_response', { key }))
}

export async function saveModelResponse(
  db: Catalog,
  key: Uint8Array,
  statements: unknown,
): Promise<void> {
  await db.call('save_model_response', { key, statements: jsonb(statements) })
}

/** Supersedes the open proposals for the product that are not among these. */
export async function withdrawProposals(
  db: Catalog,
  { sourceId, externalId }: ClaimedProduct,
  supported: readonly ProposedValue[],
): Promise<void> {
  const values = supported.map(({ field, value }) => ({ field, value }))
  await db.call('withdraw_proposals', {
    source: sourceId,
    product: externalId,
    values: jsonb(values),
  })
}

/** A value for an empty field of a product. */
export interface ProposedValue {
  /** Path as in the provenance of a product: `attributes.process`. */
  readonly field: string
  readonly value: Json
  readonly quotation: string
  /** 0 to 1. */
  readonly confidence: number
  readonly model: string
}

/**
 * Accepts the value when its confidence reaches the threshold, and otherwise asks a person. A value
 * that the supplier states or a person has decided on stays as it is. Calling it again changes
 * nothing.
 */
export async function proposeValue(
  db: Catalog,
  { sourceId, externalId, contentHash }: ClaimedProduct,
  proposal: ProposedValue,
  threshold: number | null,
): Promise<void> {
  await db.call('propose_value', {
    source: sourceId,
    product: externalId,
    field: proposal.field,
    value: jsonb(proposal.value),
    quotation: proposal.quotation,
    confidence: proposal.confidence,
    model: proposal.model,
    content_hash: contentHash,
    threshold,
  })
}
