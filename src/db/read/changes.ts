// The read model of changes: the change that a run made to each product, published or not.

import type { FeedKind } from '../../core/change-message.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { countListed, loadPage, type ListPage, type PageRequest } from './page.ts'

export interface ChangeSummary {
  /** Null for the one change that stands for a whole first load. */
  readonly product: string | null
  readonly title: string | null
  readonly kind: FeedKind
  readonly detail: Readonly<Record<string, unknown>>
  /** The currencies of the prices in `detail`: `price:<variant>:<type>` → [before, after]. */
  readonly currencies: Readonly<Record<string, readonly [string | null, string | null]>>
  /** False while the run is held. */
  readonly published: boolean
  readonly changedAt: Date
}

export interface PublishedChange extends Omit<ChangeSummary, 'published'> {
  /** Ascending in the order of publication. */
  readonly position: number
  readonly source: string
  readonly run: number
}

export interface ChangeFilter {
  readonly sourceId: number | null
  readonly sinceAt: Date | null
  readonly kind: FeedKind | null
}

interface ChangeRow {
  readonly product: string
  readonly title: string | null
  readonly kind: FeedKind
  readonly detail: ChangeSummary['detail']
  readonly currencies: ChangeSummary['currencies']
  readonly published: boolean
  readonly changed_at: string
}

/** Lists the changes of a run in the order of their products' ids. */
export function listChanges(
  db: Catalog,
  run: number,
  page: PageRequest,
): Promise<ListPage<ChangeSummary>> {
  return loadPage('changes', page, {
    load: (after, limit) => db.call<ChangeRow>('list_changes', { run, after, limit }),
    toItem: ({ product, title, kind, detail, currencies, published, changed_at: changedAt }) => ({
      product: product === '' ? null : product,
      title,
      kind,
      detail,
      currencies,
      published,
      changedAt: toInstant(changedAt),
    }),
    keyOf: ({ product }) => product ?? '',
  })
}

export function countChanges(db: Catalog, run: number): Promise<number> {
  return countListed(db, 'changes', { run })
}

/** Lists the published changes of all runs, the newest first. */
export function listPublishedChanges(
  db: Catalog,
  { sourceId, sinceAt, kind, ...page }: ChangeFilter & PageRequest,
): Promise<ListPage<PublishedChange>> {
  return loadPage('history', page, {
    load: (before, limit) =>
      db.call<Omit<ChangeRow, 'published'> & { place: number; source: string; run: number }>(
        'list_published_changes',
        {
          source: sourceId,
          since: sinceAt,
          kind,
          before: before === null ? null : Number(before),
          limit,
        },
      ),
    toItem: (row) => ({
      position: row.place,
      source: row.source,
      run: row.run,
      product: row.product === '' ? null : row.product,
      title: row.title,
      kind: row.kind,
      detail: row.detail,
      currencies: row.currencies,
      changedAt: toInstant(row.changed_at),
    }),
    keyOf: ({ position }) => position,
  })
}
