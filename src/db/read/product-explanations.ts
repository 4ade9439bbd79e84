// The read model of one product: everything that explains its status and its prices.

import type { Draft } from '../../core/product.ts'
import { type Catalog, one, toInstant } from '../catalog.ts'
import type { ChangeSummary } from './changes.ts'
import type { ProductStatus } from './products.ts'
import type { QuarantineState } from './quarantine.ts'
import type { ReviewSummary } from './reviews.ts'

/** Newest entries of each list: prices of a variant, changes, runs, quarantined records. */
const ENTRIES_MAX = 6

export interface ProductMatch {
  readonly externalId: string
  readonly title: string | null
  readonly status: string
  /** The column or identifier that has the text: `id`, `uuid`, `sku`, `gtin`, `ean_gtin13`. */
  readonly matched: string
}

/** Place of a record in an artifact; a number is null when it is unknown. */
export interface RecordPlace {
  readonly artifactRun: number
  readonly artifactState: 'open' | 'closed' | 'purged' | null
  readonly part: number | null
  readonly line: number | null
}

export interface ExplainedProduct {
  /** The uuid of `api.products`. */
  readonly id: string
  readonly externalId: string
  readonly status: ProductStatus
  readonly title: string | null
  readonly sourceUpdatedAt: Date | null
  readonly firstSeenAt: Date
  readonly changedAt: Date
  readonly lastAvailableAt: Date | null
  readonly expiresAt: Date | null
  readonly normaliserVersion: number
  readonly warnings: readonly string[]
  /** Of values that a rule has read in a text, by the path of the value. */
  readonly provenance: Draft['provenance']
  /** The run that wrote the row last; of a removed product, the run that removed it. */
  readonly run: number
  /**
   * The record that the row was read from. Null for a removed product, whose row has the removal.
   */
  readonly record: RecordPlace | null
}

/** A person's decision on a price, or on the run that the price waited for. */
export interface PriceDecision {
  readonly decided: 'price' | 'run' | 'disagreement'
  readonly decision: 'approved' | 'rejected'
  readonly by: string
  readonly at: Date
  readonly reason: string
}

export interface ExplainedPrice {
  readonly variant: string
  readonly sku: string | null
  readonly priceType: string
  readonly amountMinor: number | null
  readonly currency: string
  readonly compareAtMinor: number | null
  readonly state: 'current' | 'pending' | 'held' | 'past' | 'rejected' | 'superseded'
  /** The run that stated it first. */
  readonly run: number
  readonly observedAt: Date
  /** When it became current; null if it never did. */
  readonly sinceAt: Date | null
  readonly record: RecordPlace
  /** The open review of a held price. */
  readonly review: number | null
  readonly reason: string | null
  /** The held run that a pending price waits for; null while its run is active. */
  readonly decidingRun: number | null
  readonly decision: PriceDecision | null
}

export interface ExplainedChange extends Omit<ChangeSummary, 'product' | 'title'> {
  readonly run: number
  readonly runState: string
}

/** A settled full run since the product exists. */
export interface ExplainedRun {
  readonly run: number
  readonly state: string
  readonly startedAt: Date
  readonly saw: boolean
  readonly expected: number | null
  readonly fetched: number
  readonly removed: number
  readonly missing: number
  readonly removalsOff: string | null
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  /** It is held, and approving it removes the product. */
  readonly removes: boolean
}

export interface ExplainedQuarantine {
  readonly id: number
  readonly state: QuarantineState
  readonly rule: string
  readonly message: string
  readonly artifactRun: number
  readonly part: number
  readonly line: number
  readonly createdAt: Date
}

export interface ProductExplanation {
  /** Null if the catalogue does not have the product: its record may be in quarantine. */
  readonly product: ExplainedProduct | null
  readonly prices: readonly ExplainedPrice[]
  readonly changes: readonly ExplainedChange[]
  readonly runs: readonly ExplainedRun[]
  /** The complete run that did not see the product. */
  readonly missingSince: { readonly run: number; readonly at: Date } | null
  readonly quarantine: readonly ExplainedQuarantine[]
  /** Disagreements and proposals, the newest first. */
  readonly reviews: readonly ExplainedReview[]
}

export type ExplainedReview = Pick<
  ReviewSummary,
  | 'id'
  | 'kind'
  | 'state'
  | 'run'
  | 'variant'
  | 'priceType'
  | 'reason'
  | 'detail'
  | 'openedAt'
  | 'decidedAt'
  | 'decidedBy'
>

/** A row as the database returns it: snake_case, and instants as text. */
type Row = Readonly<Record<string, unknown>>

/** Finds the products that an id, a SKU, a GTIN or a uuid of `api.products` names, by id. */
export async function findProducts(
  db: Catalog,
  sourceId: number,
  text: string,
): Promise<ProductMatch[]> {
  const rows = await db.call<Row>('find_products', { source: sourceId, text })
  return rows.map((row) => toItem<ProductMatch>(row))
}

interface ExplanationRow {
  readonly product: Row | null
  readonly prices: readonly Row[]
  readonly changes: readonly Row[]
  readonly runs: readonly Row[]
  readonly miss: { readonly run_id: number; readonly missed_at: string } | null
  readonly quarantine: readonly Row[]
  readonly reviews: readonly Row[]
}

/**
 * A product without any row has empty lists and `product` null. Each list has its newest entries, by default 6
 * of them.
 */
export async function explainProduct(
  db: Catalog,
  sourceId: number,
  externalId: string,
  entriesMax = ENTRIES_MAX,
): Promise<ProductExplanation> {
  const args = { source: sourceId, product: externalId, limit: entriesMax }
  const row = one(await db.call<ExplanationRow>('explain_product', args))
  return {
    product: row.product && toProduct(row.product),
    prices: row.prices.map(toPrice),
    changes: row.changes.map((change) => toItem<ExplainedChange>(change)),
    runs: row.runs.map((run) => toItem<ExplainedRun>(run)),
    missingSince: row.miss && { run: row.miss.run_id, at: toInstant(row.miss.missed_at) },
    quarantine: row.quarantine.map((record) => toItem<ExplainedQuarantine>(record)),
    reviews: row.reviews.map((review) => toItem<ExplainedReview>(review)),
  }
}

/** Loads the record of a product as indented JSON, with its numbers as the supplier wrote them. */
export async function loadRecord(
  db: Catalog,
  sourceId: number,
  externalId: string,
): Promise<string | null> {
  const args = { source: sourceId, product: externalId }
  return one(await db.call<string | null>('load_record', args))
}

function toProduct(row: Row): ExplainedProduct {
  const { runId, artifactState, partNo, lineNo, warnings, provenance, ...product } = toItem<
    ExplainedProduct & {
      runId: number
      artifactState: RecordPlace['artifactState']
      partNo: number
      lineNo: number
    }
  >(row)
  const place = { artifactRun: runId, artifactState, part: partNo, line: lineNo }
  return {
    ...product,
    warnings: warnings ?? [],
    provenance: provenance ?? {},
    run: runId,
    record: product.status === 'removed' ? null : place,
  }
}

type DecisionColumns = {
  [Column in 'decision' | 'decided' | 'decidedBy' | 'decidedAt' | 'decidedReason']: never
}

function toPrice(row: Row): ExplainedPrice {
  const { artifactRun, artifactState, part, line, ...columns } = toItem<
    Omit<ExplainedPrice, 'decision'> & RecordPlace & DecisionColumns
  >(row)
  const { decision, decided, decidedBy, decidedAt, decidedReason, ...price } = columns
  return {
    ...price,
    record: { artifactRun, artifactState, part, line },
    decision:
      decision === null
        ? null
        : { decided, decision, by: decidedBy, at: decidedAt, reason: decidedReason },
  }
}

/** Converts names to camelCase, and the instants of columns `…_at` to dates. */
function toItem<Item>(row: Row): Item {
  const entries = Object.entries(row).map(([column, value]) => {
    const name = column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    return [name, column.endsWith('_at') ? toInstant(value as string | null) : value]
  })
  return Object.fromEntries(entries) as Item
}
