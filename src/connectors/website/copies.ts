// Joins items that describe one product. Items of one block of JSON-LD that differ in a code are
// variants: some shops describe each size. Items of several blocks are descriptions by several
// programs, such as a theme and an app, which are compared later.

import type { Item } from './evidence.ts'
import { hasType, itemsOf, textsOf, withValues } from './items.ts'
import { nameOf, type PageNames } from './names.ts'

const GROUP = new Set(['productgroup'])

/** Codes that two variants of a product do not share. */
const CODES = ['sku', 'gtin', 'gtin8', 'gtin12', 'gtin13', 'gtin14', 'mpn', 'productid']

/** Properties that a group has from its variants. */
const SHARED = ['description', 'brand', 'manufacturer', 'category', 'image', 'images']

export interface Placed {
  /** The block of JSON-LD. */
  readonly block: number
  readonly item: Item
}

/**
 * Returns the items as descriptions of one product, or null when they are several products.
 * `isOwn`: the page names each of them as its subject.
 */
export function toCopies(
  placed: readonly Placed[],
  isOwn: boolean,
  names: PageNames,
): Placed[] | null {
  const copies: Placed[] = []
  for (const [block, described] of Map.groupBy(placed, (one) => one.block)) {
    const joined = joinBlock(
      described.map(({ item }) => item),
      isOwn,
      names,
    )
    if (joined === null) return null
    copies.push(...joined.map((item) => ({ block, item })))
  }
  const [first] = copies
  const isOne =
    first !== undefined && (isOwn || copies.every(({ item }) => isAlike(item, first.item)))
  return isOne ? copies : null
}

function joinBlock(items: readonly Item[], isOwn: boolean, names: PageNames): Item[] | null {
  const [first] = items
  if (first === undefined || items.length === 1) return [...items]
  const [group, ...otherGroups] = items.filter((item) => hasType(item, GROUP))
  if (group !== undefined && otherGroups.length === 0) return joinGroup(group, items, isOwn)
  if (areVariants(items, isOwn, names)) return [toGroup(first, items)]
  return items.every((item) => isAlike(item, first)) ? [...items] : null
}

/** Adds the variants that point to their group. */
function joinGroup(group: Item, items: readonly Item[], isOwn: boolean): Item[] | null {
  const others = items.filter((item) => item !== group)
  const members = others.filter((item) => isMemberOf(item, group))
  const strangers = others.filter((item) => !members.includes(item))
  if (strangers.some((item) => !isAlike(item, group) && !(isOwn && nameOf(item) === '')))
    return null
  const variants = itemsOf(group, 'hasvariant')
  const added = members.filter((member) => !variants.some((one) => sharesCode(one, member)))
  return [withValues(group, 'hasvariant', [...variants, ...added]), ...strangers]
}

/** True for a variant that points to this group: `isVariantOf`, `inProductGroupWithID`. */
export function isMemberOf(item: Item, group: Item): boolean {
  const ids = groupIdsOf(group)
  return groupIdsOf(item).some((id) => ids.includes(id))
}

/** Variants differ in a code or in their names, and have one name, one group or one beginning. */
function areVariants(items: readonly Item[], isOwn: boolean, pageNames: PageNames): boolean {
  const [first, ...others] = items
  if (first === undefined) return false
  const names = new Set(items.map(nameOf))
  const isOneGroup = others.every((item) => isMemberOf(item, first))
  const isOneSubject = isOneGroup || (isOwn && items.every((item) => pageNames.begin(item)))
  return others.every((item) => differsInCode(item, first))
    ? isOneSubject || names.size === 1
    : isOneSubject && names.size === items.length
}

function toGroup(first: Item, variants: readonly Item[]): Item {
  const [named] = itemsOf(first, 'isvariantof')
  const hasOneName = variants.every((item) => nameOf(item) === nameOf(first))
  const name = named === undefined ? [] : textsOf(named, 'name')
  const shared = SHARED.map((property) => [property, first.properties[property] ?? []] as const)
  return {
    types: ['productgroup'],
    id: null,
    properties: {
      ...Object.fromEntries(shared),
      name: hasOneName ? textsOf(first, 'name') : name,
      hasvariant: variants,
    },
  }
}

function groupIdsOf(item: Item): string[] {
  const groups = itemsOf(item, 'isvariantof')
  return [
    ...(item.id === null ? [] : [item.id]),
    ...textsOf(item, 'productgroupid', 'inproductgroupwithid'),
    ...groups.flatMap((group) => [
      ...(group.id === null ? [] : [group.id]),
      ...textsOf(group, 'productgroupid'),
    ]),
  ]
}

export function isAlike(item: Item, other: Item): boolean {
  return nameOf(item) === nameOf(other) || sharesCode(item, other)
}

function sharesCode(item: Item, other: Item): boolean {
  return CODES.some((name) => {
    const codes = textsOf(other, name)
    return textsOf(item, name).some((code) => codes.includes(code))
  })
}

function differsInCode(item: Item, other: Item): boolean {
  return CODES.some((name) => {
    const [code, otherCode] = [textsOf(item, name)[0], textsOf(other, name)[0]]
    return code !== undefined && otherCode !== undefined && code !== otherCode
  })
}
