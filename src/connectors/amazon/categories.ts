// The browse nodes of an item as categories: each node with its ancestors, up to the root.

import type { Term } from '../../core/product.ts'
import { isObject } from '../../lib/objects.ts'
import { textOf, type BrowseNode } from './records.ts'

/** The tree of Amazon has fewer than ten levels. */
const DEPTH_MAX = 30

export function readCategories(nodes: readonly BrowseNode[]): Term[] {
  const terms = new Map<string, Term>()
  for (const node of nodes) {
    let above: unknown = node
    for (let depth = 0; depth < DEPTH_MAX && isObject(above); depth++) {
      const externalId = idOf(above)
      const name = nameOf(above)
      if (externalId === null || name === null || terms.has(externalId)) break
      const parentId = isObject(above['ancestor']) ? idOf(above['ancestor']) : null
      terms.set(externalId, { kind: 'category', externalId, name, parentId, attributes: {} })
      above = above['ancestor']
    }
  }
  return [...terms.values()]
}

function idOf({ id }: Readonly<Record<string, unknown>>): string | null {
  return typeof id === 'string' || Number.isSafeInteger(id) ? textOf(String(id)) : null
}

function nameOf(node: Readonly<Record<string, unknown>>): string | null {
  const { contextFreeName, displayName } = node
  const names = [contextFreeName, displayName].map((name) =>
    typeof name === 'string' ? textOf(name) : null,
  )
  return names.find((name) => name !== null) ?? null
}
