// The statuses that a filter of products names.

import { LISTED_STATUSES, PRODUCT_STATUSES, type ProductStatus } from '../../db/read/products.ts'

/** Returns the status, every one for `all`, or all but removed products by default. */
export function chooseStatuses(given: ProductStatus | 'all' | undefined): readonly ProductStatus[] {
  if (given === 'all') return PRODUCT_STATUSES
  if (given !== undefined) return [given]
  return LISTED_STATUSES
}
