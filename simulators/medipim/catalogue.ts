// The simulator's catalogue and all that can happen to it. Times come from the clock, so a test
// decides what happened when.

import type { Clock } from '../support/clock.ts'
import { seededRandom } from '../support/random.ts'
import { mergePatch, metaLast, type JsonObject } from './json.ts'
import { buildProduct, type World } from './product.ts'
import { createReference } from './reference.ts'
import { createIds, firstState, type ProductState } from './state.ts'

/**
 * Which products: by id, all, or a seeded choice of so many (or such a share) of the active ones.
 */
export type Selection =
  | readonly string[]
  | 'all'
  | { readonly count: number }
  | { readonly share: number }

/** Every mutation returns the ids that it struck. */
export interface Catalogue {
  readonly world: World
  /** Those that the API shows, in the order of their making. */
  visible(): ProductState[]
  /** @throws Error when there is none: a typing mistake in a test. */
  find(id: string): ProductState
  has(id: string): boolean
  idOf(state: ProductState): string
  build(state: ProductState, embedUrl: string): JsonObject
  /**
   * Changes name, price and text, or, given `patch`, just these members (a JSON merge patch that
   * stays).
   */
  update(selection: Selection, patch?: JsonObject): string[]
  /** Moves `updatedAt` and nothing else. */
  touch(selection: Selection): string[]
  deactivate(selection: Selection): string[]
  activate(selection: Selection): string[]
  /** Codes, prices and media go; `successor` (default: the first active product) takes over. */
  replace(selection: Selection, successor?: string): string[]
  /** Gone without a trace, as the supplier's own deletions are. */
  remove(selection: Selection): string[]
  /** Brings removed products back. */
  restore(selection: readonly string[] | 'all'): string[]
  setPrice(
    selection: Selection,
    price: { readonly cents: number } | { readonly factor: number },
  ): string[]
  add(count: number): string[]
}

const PRODUCTS_MAX = 1_000_000

export function createCatalogue(seed: number, count: number, clock: Clock): Catalogue {
  const shelf = createShelf(seed, count, clock)
  const { states, find, visible, change } = shelf
  const { idOf } = shelf.world
  const patches = new Map<number, JsonObject>()

  const setStatus = (
    state: ProductState,
    status: ProductState['status'],
    replacedBy: number | null,
  ): void => {
    Object.assign(state, {
      status,
      replacedBy,
      statusTouchedAt: clock.nowSeconds(),
      contentAt: clock.nowSeconds(),
    })
  }
  const build = (state: ProductState, embedUrl: string): JsonObject => {
    const product = buildProduct(shelf.world, state, embedUrl)
    const patch = patches.get(state.index)
    return patch === undefined ? product : metaLast(mergePatch(product, patch))
  }

  return {
    world: shelf.world,
    visible,
    find,
    build,
    idOf: (state) => idOf(state.index),
    has: shelf.has,
    update: (selection, patch) =>
      change(selection, (state) => {
        state.contentAt = clock.nowSeconds()
        if (patch === undefined) state.version += 1
        else patches.set(state.index, mergePatch(patches.get(state.index) ?? {}, patch, true))
      }),
    touch: (selection) => change(selection, () => {}),
    deactivate: (selection) => change(selection, (state) => setStatus(state, 'inactive', null)),
    activate: (selection) => change(selection, (state) => setStatus(state, 'active', null)),
    replace(selection, successor) {
      const replacedBy = successor === undefined ? null : find(successor).index
      return change(selection, (state) => {
        const first = states.find(
          ({ index, status, deleted }) => index !== state.index && status === 'active' && !deleted,
        )
        setStatus(state, 'replaced', replacedBy ?? first?.index ?? null)
      })
    },
    remove: (selection) => change(selection, (state) => void (state.deleted = true)),
    restore(selection) {
      const gone =
        selection === 'all'
          ? states.filter(({ deleted }) => deleted).map(({ index }) => idOf(index))
          : selection
      return change(gone, (state) => void (state.deleted = false))
    },
    setPrice: (selection, price) =>
      change(selection, (state) => {
        state.contentAt = clock.nowSeconds()
        if ('cents' in price) state.priceCents = price.cents
        else {
          const { publicPrice } = build(state, '')
          if (typeof publicPrice === 'number')
            state.priceCents = Math.round(publicPrice * price.factor)
        }
      }),
    add: (added) => shelf.grow(added).map(({ index }) => idOf(index)),
  }
}

interface Shelf extends Pick<Catalogue, 'world' | 'visible' | 'find' | 'has'> {
  /** All, also those that were removed; a product's index is its place here. */
  readonly states: readonly ProductState[]
  /** Does `act` to the selected ones and moves their `updatedAt` to now. */
  readonly change: (selection: Selection, act: (state: ProductState) => void) => string[]
  /** New ones, active, made now. */
  readonly grow: (count: number) => ProductState[]
}

function createShelf(seed: number, count: number, clock: Clock): Shelf {
  if (!(Number.isInteger(count) && count >= 1 && count <= PRODUCTS_MAX)) {
    throw new Error(`A catalogue has 1 to ${PRODUCTS_MAX} products, not ${count}`)
  }
  const { idOf, indexOf } = createIds(seed)
  const startAt = clock.nowSeconds()
  const states = Array.from({ length: count }, (_, index) => firstState(seed, index, startAt))
  let choices = 0

  const find = (id: string): ProductState => {
    const state = states[indexOf(id) ?? -1]
    if (state === undefined) throw new Error(`The simulator has no product ${id}`)
    return state
  }
  const visible = (): ProductState[] => states.filter(({ deleted }) => !deleted)
  const select = (selection: Selection): ProductState[] => {
    if (selection === 'all') return visible()
    if (!('count' in selection) && !('share' in selection)) return selection.map(find)
    const active = visible().filter(({ status }) => status === 'active')
    const wanted =
      'count' in selection ? selection.count : Math.round(active.length * selection.share)
    return choose(active, wanted, seed, choices++)
  }
  return {
    world: { seed, reference: createReference(seed), idOf },
    states,
    find,
    visible,
    has: (id) => states[indexOf(id) ?? -1]?.deleted === false,
    change(selection, act) {
      const now = clock.nowSeconds()
      return select(selection).map((state) => {
        act(state)
        state.updatedAt = now
        return idOf(state.index)
      })
    },
    grow(added) {
      const now = clock.nowSeconds()
      const fresh = Array.from({ length: added }, (_, offset): ProductState => ({
        ...firstState(seed, states.length + offset, startAt),
        status: 'active',
        replacedBy: null,
        createdAt: now,
        updatedAt: now,
        statusTouchedAt: now,
        contentAt: now,
      }))
      states.push(...fresh)
      return fresh
    },
  }
}

/** `count` distinct states, the same ones for the same seed and number of earlier choices. */
function choose(
  states: ProductState[],
  count: number,
  seed: number,
  choice: number,
): ProductState[] {
  const random = seededRandom(seed, 91, choice)
  const pool = [...states]
  return Array.from({ length: Math.min(count, pool.length) }, (_, position) => {
    const at = random.between(position, pool.length - 1)
    const [chosen, displaced] = [pool[at], pool[position]]
    if (chosen === undefined || displaced === undefined)
      throw new Error('A choice outside the pool')
    pool[at] = displaced
    return chosen
  })
}
