// Pages of a list. A cursor holds the key of the last row of a page, so that the next page stays
// the same while rows are added. Callers treat it as opaque.

import { SyncError } from '../../core/errors.ts'
import { type Catalog, one } from '../catalog.ts'

export interface PageRequest {
  readonly limit: number
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
}

export interface ListPage<Item> {
  readonly items: readonly Item[]
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null
}

/** A list with a cursor. The prefix in the cursor keeps it from being used for another list. */
export type ListName =
  | 'runs'
  | 'sources'
  | 'artifacts'
  | 'products'
  /** The changes of one run. */
  | 'changes'
  /** The published changes of all runs. */
  | 'history'
  | 'diff'
  | 'reviews'
  | 'quarantine'
  /** The log of actions. */
  | 'actions'
  /** Addresses of images that have failed. */
  | 'images'
  /** The messages to one webhook. */
  | 'deliveries'
  | keyof typeof COMPOUND_KEYS

/** The types of the columns of each key. A cursor holds them as a JSON list. */
const COMPOUND_KEYS = {
  /** The timeline of a source. */
  events: ['text', 'text'],
  'catalogue-products': ['source', 'text'],
  'catalogue-variants': ['source', 'text', 'text'],
  'catalogue-prices': ['source', 'text', 'text', 'text', 'run'],
} as const

interface PageReader<Row, Item> {
  /** Loads up to `limit` rows after the key, or the first ones with null. */
  readonly load: (key: string | null, limit: number) => Promise<readonly Row[]>
  readonly toItem: (row: Row) => Item
  /** Returns the key by which the list is sorted. */
  readonly keyOf: (item: Item) => string | number
}

/** @throws SyncError `usage/invalid` when the cursor is not one of this list */
export async function loadPage<Row, Item>(
  list: ListName,
  { limit, after }: PageRequest,
  { load, toItem, keyOf }: PageReader<Row, Item>,
): Promise<ListPage<Item>> {
  // One row more than the page holds shows whether another page follows.
  const rows = await load(after === undefined ? null : decodeCursor(list, after), limit + 1)
  const items = rows.slice(0, limit).map(toItem)
  const last = items.at(-1)
  const next = rows.length > limit && last !== undefined ? encodeCursor(list, keyOf(last)) : null
  return { items, next }
}

/** Counts the rows of all pages of a list. */
export async function countListed(
  db: Catalog,
  list: Extract<ListName, 'artifacts' | 'changes' | 'quarantine'>,
  filter: {
    readonly source?: string | undefined
    readonly run?: number | undefined
  },
): Promise<number> {
  const { source = null, run = null } = filter
  return one(await db.call<number>('count_listed', { list, source, run }))
}

/** Follows a list to its end. */
export async function loadAllPages<Item>(
  load: (request: PageRequest) => Promise<ListPage<Item>>,
): Promise<Item[]> {
  const all: Item[] = []
  let after: string | undefined
  do {
    const page: ListPage<Item> = await load({ limit: 1000, after })
    all.push(...page.items)
    after = page.next ?? undefined
  } while (after !== undefined)
  return all
}

export function isCursor(list: ListName, text: string): boolean {
  return findKey(list, text) !== null
}

/** @throws SyncError `usage/invalid` when the cursor is not one of this list */
export function decodeCursor(list: ListName, text: string): string {
  const key = findKey(list, text)
  if (key === null) throw new SyncError('usage/invalid', `"${text}" is not a cursor of ${list}`)
  return key
}

export function encodeCursor(list: ListName, key: string | number): string {
  return Buffer.from(`${list}:${key}`).toString('base64url')
}

function findKey(list: ListName, cursor: string): string | null {
  const text = Buffer.from(cursor, 'base64url').toString()
  if (!text.startsWith(`${list}:`) || encodeCursor(list, text.slice(list.length + 1)) !== cursor)
    return null
  const key = text.slice(list.length + 1)
  if (isCompound(list)) return isCompoundKey(key, COMPOUND_KEYS[list]) ? key : null
  const isText = list === 'sources' || list === 'changes' || list === 'products' || list === 'diff'
  return isText || /^\d{1,16}$/.test(key) ? key : null
}

function isCompound(list: ListName): list is keyof typeof COMPOUND_KEYS {
  return list in COMPOUND_KEYS
}

type KeyColumn = 'source' | 'run' | 'text'

const INTEGER_MAX = { source: 2 ** 31 - 1, run: Number.MAX_SAFE_INTEGER } as const

function isCompoundKey(key: string, types: readonly KeyColumn[]): boolean {
  const columns = parseKey(key)
  return columns.length === types.length && types.every((type, at) => isColumn(type, columns[at]))
}

function isColumn(type: KeyColumn, value: unknown): boolean {
  if (type === 'text') return typeof value === 'string'
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= INTEGER_MAX[type]
}

function parseKey(key: string): readonly unknown[] {
  try {
    const columns: unknown = JSON.parse(key)
    return Array.isArray(columns) ? columns : []
  } catch {
    return []
  }
}
