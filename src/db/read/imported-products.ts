// The facts of imported products that a person sees at once.

import type { Catalog } from '../catalog.ts'

export interface ImportedFacts {
  readonly title: string | null
  readonly url: string | null
  readonly availability: string | null
  readonly amountMinor: number | null
  readonly currency: string | null
  readonly compareAtMinor: number | null
}

/** Returns the facts by the id of the product. Expired products are left out. */
export async function loadImportedFacts(
  db: Catalog,
  sourceId: number,
  products: readonly string[],
): Promise<ReadonlyMap<string, ImportedFacts>> {
  const rows = await db.call<{
    product: string
    title: string | null
    url: string | null
    availability: string | null
    amount_minor: number | null
    currency: string | null
    compare_at_minor: number | null
  }>('list_imported_products', { source: sourceId, products })
  return new Map(
    rows.map(({ product, title, url, availability, ...price }) => [
      product,
      {
        title,
        url,
        availability,
        amountMinor: price.amount_minor,
        currency: price.currency,
        compareAtMinor: price.compare_at_minor,
      },
    ]),
  )
}
