// Lists the products that a page describes, with their place: a page about one product also shows
// others, as related products or in lists.

import type { Item, PageEvidence, Syntax } from './evidence.ts'
import { hasType, itemsOf, valuesOf, withValues } from './items.ts'
import { LIST_TYPES, OFFER_TYPES, PAGE_TYPES, PRODUCT_TYPES, RELATED } from './vocabulary.ts'

/** `main`: the page names it as its subject. `listed`: it stands in a list or beside another one. */
export type Place = 'main' | 'top' | 'listed'

export interface Candidate {
  readonly syntax: Syntax
  readonly block: number
  readonly item: Item
  readonly place: Place
}

/** Returns each product once, variants of a listed group left out. */
export function listCandidates({ items }: PageEvidence): Candidate[] {
  const found = items.flatMap((one) =>
    findProducts(one.item, 'top', 0).map(({ item, place }): Candidate => ({
      syntax: one.syntax,
      block: one.block,
      item,
      place,
    })),
  )
  const listedIds = new Set(
    found.flatMap(({ item, place }) => (place === 'listed' ? idsOf(item) : [])),
  )
  const mainIds = new Set(found.flatMap(({ item, place }) => (place === 'main' ? idsOf(item) : [])))
  const partIds = new Set(found.flatMap(({ item }) => listPartIds(item)))
  return found.filter(({ item, place }) => {
    if (!isDescribed(item)) return false
    const [id] = idsOf(item)
    if (id === undefined || place !== 'top') return true
    return !mainIds.has(id) && !listedIds.has(id) && !partIds.has(id)
  })
}

/** Finds the products in an item at the top of the page. */
function findProducts(item: Item, place: Place, depth: number): { item: Item; place: Place }[] {
  if (depth > 6) return []
  const inner = (name: string, where: Place) =>
    itemsOf(item, name).flatMap((one) => findProducts(one, where, depth + 1))
  if (hasType(item, PRODUCT_TYPES))
    return [{ item, place }, ...[...RELATED].flatMap((name) => inner(name, 'listed'))]
  if (hasType(item, PAGE_TYPES)) {
    return inner('mainentity', place === 'listed' ? 'listed' : 'main')
  }
  if (hasType(item, LIST_TYPES) || item.types.includes('listitem'))
    return [...inner('itemlistelement', 'listed'), ...inner('item', 'listed')]
  // An offer at the top, with the product in it.
  if (hasType(item, OFFER_TYPES))
    return inner('itemoffered', place).map((product) =>
      itemsOf(product.item, 'offers').length > 0
        ? product
        : {
            ...product,
            item: withValues(product.item, 'offers', [withValues(item, 'itemoffered', [])]),
          },
    )
  return []
}

/** The ids of the variants and of the related products of a product. */
function listPartIds(item: Item): string[] {
  return itemsOf(item, 'hasvariant', 'model', ...RELATED).flatMap(idsOf)
}

function idsOf({ id }: Item): string[] {
  return id === null ? [] : [id]
}

/** False for an item that only groups other markup, such as a gallery of images. */
function isDescribed(item: Item): boolean {
  return valuesOf(item, 'name', 'offers', 'price', 'sku', 'gtin', 'gtin13', 'hasvariant').length > 0
}
