// The toy supplier's catalogue and everything that can happen to it. Times come from a clock that a
// test moves, so that a test decides what happened when.

import type { Clock } from '../../../simulators/support/clock.ts'
import type { Json } from '../../../src/core/json.ts'

type JsonRecord = Readonly<Record<string, Json>>

interface ProductState {
  readonly slot: number
  readonly createdAtMs: number
  updatedAtMs: number
  touchedAtMs: number
  version: number
  status: 'active' | 'unavailable'
  priceMinor: number
  removed: boolean
  /** Members that replace the product's. */
  patch: JsonRecord
}

/** A product in the list, at a position that never changes. */
export interface ListedRecord {
  readonly slot: number
  readonly record: JsonRecord
}

export type Selection = readonly string[] | 'all'

/** Each change returns the ids of the products that it changed. */
export interface ToyCatalogue {
  /** The ids of all listed products, in the order in which they were added. */
  ids(): string[]
  /** The id of the product at this position, whether or not it is listed. */
  idAt(slot: number): string
  has(id: string): boolean
  /** Changes the title and the text or, given `patch`, only these members. */
  update(selection: Selection, patch?: JsonRecord): string[]
  /** Moves the volatile members and nothing else. */
  touch(selection: Selection): string[]
  setPrice(selection: Selection, price: { cents: number } | { factor: number }): string[]
  deactivate(selection: Selection): string[]
  activate(selection: Selection): string[]
  remove(selection: Selection): string[]
  /** Lists removed products again; `all` means all of them. */
  restore(selection: Selection): string[]
  add(count: number): string[]
  records(): ListedRecord[]
}

const DAY_MS = 86_400_000
const BRANDS = ['Northwind', 'Contoso', 'Café Zürich'] as const
const TEXT = 'Made slowly, by hand: café, 漢字 & “quotes”. '

export function createToyCatalogue(count: number, clock: Clock): ToyCatalogue {
  const startMs = clock.nowMs()
  const states: ProductState[] = Array.from({ length: count }, (_, slot) =>
    newProduct(slot, startMs - (count - slot) * DAY_MS),
  )
  const isListed = ({ removed }: ProductState): boolean => !removed
  const find = (id: string): ProductState => {
    const state = states.find(({ slot }) => idAt(slot) === id)
    if (state === undefined) throw new Error(`The toy has no product ${id}`)
    return state
  }
  const select = (selection: Selection): ProductState[] =>
    selection === 'all' ? states.filter(isListed) : selection.map(find)
  /** Applies `act` to the selected products and moves their times to now. */
  const change = (selection: Selection, act: (state: ProductState) => void): string[] =>
    select(selection).map((state) => {
      act(state)
      state.updatedAtMs = state.touchedAtMs = clock.nowMs()
      return idAt(state.slot)
    })

  return {
    ids: () => states.filter(isListed).map(({ slot }) => idAt(slot)),
    idAt,
    has: (id) => states.some((state) => isListed(state) && idAt(state.slot) === id),
    update: (selection, patch) =>
      change(selection, (state) => {
        if (patch === undefined) state.version += 1
        else state.patch = { ...state.patch, ...patch }
      }),
    touch: (selection) => change(selection, () => {}),
    setPrice: (selection, price) =>
      change(selection, (state) => {
        state.priceMinor =
          'cents' in price ? price.cents : Math.round(state.priceMinor * price.factor)
      }),
    deactivate: (selection) => change(selection, (state) => void (state.status = 'unavailable')),
    activate: (selection) => change(selection, (state) => void (state.status = 'active')),
    remove: (selection) => change(selection, (state) => void (state.removed = true)),
    restore(selection) {
      const removed = states.filter((state) => state.removed).map(({ slot }) => idAt(slot))
      return change(
        selection === 'all' ? removed : selection,
        (state) => void (state.removed = false),
      )
    },
    add(added) {
      const fresh = Array.from({ length: added }, (_, index) =>
        newProduct(states.length + index, clock.nowMs()),
      )
      states.push(...fresh)
      return fresh.map(({ slot }) => idAt(slot))
    },
    records: () =>
      states.filter(isListed).map((state) => ({ slot: state.slot, record: recordOf(state) })),
  }
}

function newProduct(slot: number, createdAtMs: number): ProductState {
  return {
    slot,
    createdAtMs,
    updatedAtMs: createdAtMs,
    touchedAtMs: createdAtMs,
    version: 1,
    status: 'active',
    priceMinor: 1000,
    removed: false,
    patch: {},
  }
}

function idAt(slot: number): string {
  return `p-${slot}`
}

function recordOf(state: ProductState): JsonRecord {
  const { slot, version } = state
  const edition = version === 1 ? '' : `, edition ${version}`
  return {
    seen: state.touchedAtMs,
    updated_at: state.updatedAtMs,
    id: idAt(slot),
    name: `Product № ${slot}, für café${edition}`,
    status: state.status,
    price: state.priceMinor,
    created_at: state.createdAtMs,
    tags: ['new', 'café'],
    brand: BRANDS[slot % BRANDS.length] ?? null,
    images: [`https://images.example/${slot}-${version}.jpg`],
    text: TEXT.repeat(5) + edition,
    ...state.patch,
  }
}
