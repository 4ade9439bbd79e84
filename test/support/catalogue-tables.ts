// The tables that contain the products of a source and what its runs decided about them.

export const CATALOGUE_TABLES = [
  'products',
  'variants',
  'prices',
  'images',
  'brands',
  'organizations',
  'categories',
  'misses',
  'quarantine',
  'reviews',
  'changes',
] as const

export type CatalogueTable = (typeof CATALOGUE_TABLES)[number]

/** Returns the tables except those that a comparison leaves out. */
export function listTablesWithout(...names: readonly CatalogueTable[]): CatalogueTable[] {
  return CATALOGUE_TABLES.filter((table) => !names.includes(table))
}
