// Turns JSON-LD documents into items. A node may stand in another block and be mentioned by its
// `@id`, so all blocks of a page are read before the first item is built.

import { isObject, type Members } from '../../lib/objects.ts'
import { DEPTH_MAX, type ItemBudget } from './item-budget.ts'
import type { Item, PageItem, Value } from './evidence.ts'
import { PROPERTIES, toWord } from './vocabulary.ts'

/** Returns the items at the top of the documents of each block: elements of lists and `@graph`. */
export function toItems(
  blocks: readonly (readonly unknown[])[],
  budget: ItemBudget,
  base: string,
): PageItem[] {
  const roots = blocks.flatMap((documents, block) =>
    listRoots(documents).map((node) => ({ node, block })),
  )
  const builder = new ItemBuilder(
    roots.map(({ node }) => node),
    budget,
    base,
  )
  return roots.flatMap(({ node, block }) => {
    const item = builder.build(node, 0)
    return item === null ? [] : [{ syntax: 'json-ld', block, item }]
  })
}

function listRoots(documents: readonly unknown[]): Members[] {
  const roots: Members[] = []
  let level: readonly unknown[] = documents
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: unknown[] = []
    for (const node of level)
      if (Array.isArray(node)) for (const element of node) next.push(element)
      else if (isObject(node)) {
        roots.push(node)
        if (node['@graph'] !== undefined) next.push(node['@graph'])
      }
    level = next
  }
  return roots
}

class ItemBuilder {
  readonly #budget: ItemBudget
  readonly #base: string
  /** The described nodes by `@id`; a node may be described in several places. */
  readonly #nodes = new Map<string, Members[]>()
  /** The ids of the nodes that are being built: a product may point to its page and back. */
  readonly #open = new Set<string>()

  constructor(roots: readonly Members[], budget: ItemBudget, base: string) {
    this.#budget = budget
    this.#base = base
    for (const root of roots) this.#index(root, 0)
  }

  build(node: Members, depth: number): Item | null {
    if (depth > DEPTH_MAX || !this.#budget.takeItem()) return null
    const id = this.#idOf(node)
    if (id !== null && this.#open.has(id)) return { types: [], id, properties: {} }
    const isReference = Object.keys(node).every((name) => name.startsWith('@'))
    const nodes = id !== null && isReference ? (this.#nodes.get(id) ?? [node]) : [node]
    if (id !== null) this.#open.add(id)
    const types = new Set(nodes.flatMap(typesOf))
    const properties: Record<string, Value[]> = {}
    for (const one of nodes) this.#addProperties(one, properties, depth)
    if (id !== null) this.#open.delete(id)
    return { types: [...types], id, properties }
  }

  #addProperties(node: Members, properties: Record<string, Value[]>, depth: number): void {
    for (const [name, value] of Object.entries(node)) {
      const word = toWord(name)
      if (!PROPERTIES.has(word)) continue
      const values = this.#budget.takeValues(this.#toValues(value, word, depth))
      if (values.length > 0) properties[word] = [...(properties[word] ?? []), ...values]
    }
  }

  *#toValues(value: unknown, name: string, depth: number): Generator<Value> {
    if (Array.isArray(value)) {
      for (const element of value)
        if (!Array.isArray(element)) yield* this.#toValues(element, name, depth)
    } else if (isObject(value)) yield* this.#toItemValues(value, name, depth)
    else if (typeof value === 'string') yield* this.#budget.takeText(name, value)
    else if (typeof value === 'number' || typeof value === 'boolean') yield value
  }

  /** `{ "@value": … }` and `{ "@list": … }` are notations of a value and of a list. */
  *#toItemValues(node: Members, name: string, depth: number): Generator<Value> {
    const inner = node['@value'] ?? node['@list'] ?? node['@set']
    if (inner !== undefined && !isObject(inner)) yield* this.#toValues(inner, name, depth)
    else {
      const item = this.build(node, depth + 1)
      if (item !== null) yield item
    }
  }

  #index(node: Members, depth: number): void {
    const id = this.#idOf(node)
    if (id !== null && Object.keys(node).some((name) => !name.startsWith('@'))) {
      const nodes = this.#nodes.get(id)
      if (nodes === undefined) this.#nodes.set(id, [node])
      else if (!nodes.includes(node)) nodes.push(node)
    }
    if (depth >= DEPTH_MAX) return
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value])
        if (isObject(child) && this.#budget.takeStep()) this.#index(child, depth + 1)
  }

  #idOf(node: Members): string | null {
    const id = node['@id']
    if (typeof id !== 'string' || id === '') return null
    return URL.parse(id, this.#base)?.href ?? id
  }
}

function typesOf(node: Members): string[] {
  const type = node['@type'] ?? node.type
  const types = Array.isArray(type) ? type : [type]
  return types.filter((one) => typeof one === 'string').map(toWord)
}
