// Chooses the form of a record: that of the public list or that of the Admin API. Both become the
// same draft, so that a source keeps its products, variants and prices when its access changes.

import type { Draft } from '../../core/product.ts'
import { identifyAdmin, isAdminRecord, toPublicForm } from './admin/records.ts'
import * as list from './products.ts'
import type { ShopifySettings } from './settings.ts'

type Shop = Pick<ShopifySettings, 'url' | 'currency'>

/** Returns the id, or null without a valid one. */
export function identify(record: unknown): string | null {
  return isAdminRecord(record) ? identifyAdmin(record) : list.identify(record)
}

/** Pure. @throws SyncError `record/no-id` · `record/invalid` with the path of the first error */
export function normalise(record: unknown, shop: Shop): Draft {
  if (!isAdminRecord(record)) return list.normalise(record, shop)
  const { product, status, warnings } = toPublicForm(record)
  const draft = list.normalise(product, shop)
  const isHidden = draft.status === 'draft'
  return {
    ...draft,
    status: isHidden ? 'draft' : status,
    warnings: [...warnings, ...draft.warnings],
  }
}
