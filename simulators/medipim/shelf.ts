// The products of a simulated catalogue by index and id, with the selection of those to change.

import type { Clock } from '../support/clock.ts'
import { createRandom } from '../support/random.ts'
import type { World } from './product.ts'
import { createReference } from './reference.ts'
import { createFirstState, createIds, type ProductState } from './state.ts'

/** Products by id, all, or a seeded choice of a number or share of the active ones. */
export type Selection =
  | readonly string[]
  | 'all'
  | { readonly count: number }
  | { readonly share: number }

const PRODUCTS_MAX = 1_000_000

export interface Shelf {
  readonly world: World
  /** Products that the API shows, in the order of their creation. */
  readonly visible: () => ProductState[]
  /** @throws Error for an unknown id, a mistake in a test */
  readonly find: (id: string) => ProductState
  readonly has: (id: string) => boolean
  /** All products, including removed ones, by index. */
  readonly states: readonly ProductState[]
  /** Calls `act` with each selected product and sets its `updatedAt` to now. */
  readonly change: (selection: Selection, act: (state: ProductState) => void) => string[]
  /** Adds new active products. */
  readonly grow: (count: number) => ProductState[]
}

export function createShelf(seed: number, count: number, clock: Clock): Shelf {
  if (!(Number.isInteger(count) && count >= 1 && count <= PRODUCTS_MAX)) {
    throw new Error(`A catalogue has 1 to ${PRODUCTS_MAX} products, not ${count}`)
  }
  const { idOf, indexOf } = createIds(seed)
  const startAt = clock.nowSeconds()
  const states = Array.from({ length: count }, (_, index) => createFirstState(seed, index, startAt))
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
    return chooseStates(active, wanted, seed, choices++)
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
        ...createFirstState(seed, states.length + offset, startAt),
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

/** Chooses distinct states, the same for the same seed and number of earlier choices. */
function chooseStates(
  states: ProductState[],
  count: number,
  seed: number,
  choice: number,
): ProductState[] {
  const random = createRandom(seed, 91, choice)
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
