// The read model of held runs: everything that approving one would change. An approval carries the
// version of the diff that the person has seen, and covers nothing else.

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export interface RunDiff {
  /** Names this state of the diff. It changes when another run adds to the diff. */
  readonly version: string
  /** Products that would be removed at once. */
  readonly removals: number
  /** Changed prices that would become current. */
  readonly prices: number
  readonly priceProducts: number
  /** Prices of this run that failed a gate: approving the run leaves them to their own reviews. */
  readonly heldPrices: number
  readonly heldProducts: number
  /** Unpublished changes that readers would see. */
  readonly changes: number
  /** The watermark of the source after the approval, and now. */
  readonly watermarkAt: Date | null
  readonly watermarkBeforeAt: Date | null
}

/** The columns of `catalog.summarize_run_diff`. */
export interface RunDiffRow {
  readonly version: string
  readonly removals: number
  readonly prices: number
  readonly price_products: number
  readonly held_prices: number
  readonly held_products: number
  readonly changes: number
  readonly watermark: string | null
  readonly watermark_before: string | null
}

export interface PriceAmount {
  /** Null: the supplier withdrew the price. */
  readonly amountMinor: number | null
  readonly currency: string
}

export interface DiffItem {
  readonly kind: 'removed' | 'price' | 'held price'
  readonly product: string
  readonly title: string | null
  readonly variant: string | null
  readonly priceType: string | null
  /** The current price; of a removed product with several, the first one. */
  readonly before: PriceAmount | null
  readonly after: PriceAmount | null
  /** The run that brought it: the held run, or one whose prices wait with it. */
  readonly run: number
  /** Of a held price: its review, and the gate that it failed. */
  readonly review: number | null
  readonly reason: string | null
}

export interface DiffPage extends ListPage<DiffItem> {
  readonly version: string
}

interface DiffRow {
  readonly kind: DiffItem['kind']
  readonly product: string
  readonly title: string | null
  readonly variant: string | null
  readonly price_type: string | null
  readonly amount_before: number | null
  readonly currency_before: string | null
  readonly amount: number | null
  readonly currency: string | null
  readonly run: number
  readonly review: number | null
  readonly reason: string | null
  readonly key: readonly unknown[]
}

/** The key of a row: a removal, or a price that is pending (1) or held (2), with its run. */
const DiffKey = z.union([
  z.tuple([z.literal(0), z.string()]),
  z.tuple([z.literal([1, 2]), z.string(), z.string(), z.string(), z.number().int()]),
])

/** @throws SyncError `run/unknown` · `run/not-held` */
export async function loadRunDiff(db: Catalog, run: number): Promise<RunDiff> {
  return toRunDiff(one(await db.call<RunDiffRow>('summarize_run_diff', { run })))
}

/**
 * Lists removals, then changed prices, then prices that stay held, each by product. Later pages list
 * only what was there when the first page was read.
 *
 * @throws SyncError `run/unknown` · `run/not-held` · `usage/invalid` for a cursor of another run
 */
export async function listRunDiff(db: Catalog, run: number, page: PageRequest): Promise<DiffPage> {
  let version = ''
  const { items, next } = await loadPage('diff', page, {
    load: async (cursor, limit) => {
      const key = cursor === null ? null : toDiffKey(cursor)
      version = key?.version ?? (await loadRunDiff(db, run)).version
      const after = key && jsonb(key.after)
      return db.call<DiffRow>('list_run_diff', { run, version, after, limit })
    },
    toItem: (row) => ({ ...toDiffItem(row), key: `${version} ${JSON.stringify(row.key)}` }),
    keyOf: ({ key }) => key,
  })
  return { items: items.map(({ key: _, ...item }) => item), next, version }
}

export function toRunDiff(row: RunDiffRow): RunDiff {
  return {
    version: row.version,
    removals: row.removals,
    prices: row.prices,
    priceProducts: row.price_products,
    heldPrices: row.held_prices,
    heldProducts: row.held_products,
    changes: row.changes,
    watermarkAt: toInstant(row.watermark),
    watermarkBeforeAt: toInstant(row.watermark_before),
  }
}

/** @throws SyncError `usage/invalid` */
function toDiffKey(cursor: string): { version: string; after: z.infer<typeof DiffKey> } {
  const space = cursor.indexOf(' ')
  try {
    const after = DiffKey.parse(JSON.parse(cursor.slice(space + 1)))
    return { version: cursor.slice(0, space), after }
  } catch {
    throw new SyncError('usage/invalid', `"${cursor}" is not the key of a row of a diff`)
  }
}

function toDiffItem(row: DiffRow): DiffItem {
  const { kind, product, title, variant, run, review, reason } = row
  return {
    kind,
    product,
    title,
    variant,
    priceType: row.price_type,
    before: toAmount(row.amount_before, row.currency_before),
    after: toAmount(row.amount, row.currency),
    run,
    review,
    reason,
  }
}

function toAmount(amountMinor: number | null, currency: string | null): PriceAmount | null {
  return currency === null ? null : { amountMinor, currency }
}
