// The choice of a variant by its options, as a buyer makes it: one option after the other.

import type { CatalogueVariant } from '../../db/read/catalogue-products.ts'
import { isAvailable, toSelected } from './ucp-products.ts'

export interface SelectedOption {
  readonly name: string
  readonly label: string
}

export interface Selection {
  /** The options that some variant has together; the others of the choice are dropped. */
  readonly selected: readonly SelectedOption[]
  /** The variants with all of `selected`. */
  readonly variants: readonly CatalogueVariant[]
}

/**
 * Finds the variants with the chosen options. While there is none, the option that comes last in
 * `preferences` is given up, and before those the options that it does not name.
 */
export function selectVariants(
  variants: readonly CatalogueVariant[],
  chosen: readonly SelectedOption[],
  preferences: readonly string[],
): Selection {
  const rank = ({ name }: SelectedOption): number => {
    const place = preferences.indexOf(name)
    return place === -1 ? preferences.length : place
  }
  const selected = chosen.toSorted((a, b) => rank(a) - rank(b))
  while (true) {
    const found = variants.filter((variant) => hasAll(variant, selected))
    if (found.length > 0 || selected.length === 0)
      return { selected: selected.length === 0 ? defaultsOf(found) : selected, variants: found }
    selected.pop()
  }
}

/** Nothing chosen: the options of the featured variant, the first that is available. */
function defaultsOf(variants: readonly CatalogueVariant[]): readonly SelectedOption[] {
  const featured = variants.find(isAvailable) ?? variants[0]
  return featured ? toSelected(featured) : []
}

/** True when a variant has this value together with the other selected options, and is available. */
export function describeValue(
  variants: readonly CatalogueVariant[],
  selected: readonly SelectedOption[],
  value: SelectedOption,
): { readonly label: string; readonly available: boolean; readonly exists: boolean } {
  const wanted = [...selected.filter(({ name }) => name !== value.name), value]
  const found = variants.filter((variant) => hasAll(variant, wanted))
  return { label: value.label, exists: found.length > 0, available: found.some(isAvailable) }
}

/** True when the variant has each of these options. */
export function hasAll(variant: CatalogueVariant, wanted: readonly SelectedOption[]): boolean {
  const own = toSelected(variant)
  return wanted.every(({ name, label }) =>
    own.some((option) => option.name === name && option.label === label),
  )
}
