// The filters of a lookup and of one product, which narrow the variants that the ids have found.

import type { CatalogueVariant } from '../../db/read/catalogue-products.ts'
import { toUcpPrice } from './ucp-products.ts'
import type { VariantFilters } from './ucp-schemas.ts'

/** Keeps the variants that match every filter. `currency` is that of the amounts in `price`. */
export function filterVariants(
  variants: readonly CatalogueVariant[],
  { price, availability }: NonNullable<VariantFilters>,
  currency: string | undefined,
): CatalogueVariant[] {
  return variants.filter((variant) => {
    const own = toUcpPrice(variant)
    const isPriced =
      price === undefined ||
      (own !== null &&
        own.amount >= (price.min ?? 0) &&
        own.amount <= (price.max ?? Infinity) &&
        (currency === undefined || own.currency === currency))
    const isListed =
      availability === undefined || availability.some((one) => one === variant.availability)
    return isPriced && isListed
  })
}
