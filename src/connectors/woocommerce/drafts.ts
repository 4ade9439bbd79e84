// Chooses the form of a record: that of the Store API or that of the REST API. Both become the same
// draft, so that a source keeps its products, variants and prices when its access changes.

import type { Draft } from '../../core/product.ts'
import { normalise as normaliseStore } from './products.ts'
import { isRestRecord, toStoreForm } from './rest/records.ts'
import type { WoocommerceSettings } from './settings.ts'

/** Pure. @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function normalise(record: unknown, shop: Pick<WoocommerceSettings, 'url'>): Draft {
  if (!isRestRecord(record)) return normaliseStore(record, shop)
  const { product, status, warnings } = toStoreForm(record)
  const draft = normaliseStore(product, shop)
  return { ...draft, status, warnings: [...warnings, ...draft.warnings] }
}
