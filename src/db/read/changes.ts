// The read model of changes: the change that a run made to each product, published or not.

import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export interface ChangeSummary {
  /** Null for the one change that stands for a whole first load. */
  readonly product: string | null
  readonly title: string | null
  readonly kind:
    | 'loaded'
    | 'created'
    | 'updated'
    | 'repriced'
    | 'unavailable'
    | 'removed'
    | 'returned'
  readonly detail: Readonly<Record<string, unknown>>
  /** The currencies of the prices in `detail`: `price:<variant>:<type>` → [before, after]. */
  readonly currencies: Readonly<Record<string, readonly [string | null, string | null]>>
  /** False while the run is held. */
  readonly published: boolean
  readonly changedAt: Date
}

interface ChangeRow {
  readonly product: string
  readonly title: string | null
  readonly kind: ChangeSummary['kind']
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
