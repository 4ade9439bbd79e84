// The simulator's catalogue and its changes. Their times are those of the simulated clock.

import type { Clock } from '../support/clock.ts'
import { mergePatch, moveMetaLast, type JsonObject } from './json.ts'
import { buildProduct, type World } from './product.ts'
import { createShelf, type Selection, type Shelf } from './shelf.ts'
import type { ProductState } from './state.ts'

/** Every change returns the ids of the changed products. */
export interface Catalogue {
  readonly world: World
  /** Products that the API shows, in the order of their creation. */
  visible(): ProductState[]
  /** @throws Error for an unknown id, a mistake in a test */
  find(id: string): ProductState
  has(id: string): boolean
  idOf(state: ProductState): string
  build(state: ProductState, embedUrl: string): JsonObject
  /** Changes name, price and text, or only the members of `patch` (a lasting JSON merge patch). */
  update(selection: Selection, patch?: JsonObject): string[]
  /** Changes only `updatedAt`. */
  touch(selection: Selection): string[]
  deactivate(selection: Selection): string[]
  activate(selection: Selection): string[]
  /** Removes codes, prices and media and sets `successor`, by default the first active product. */
  replace(selection: Selection, successor?: string): string[]
  /** Removes products from the API without a tombstone, as the supplier does. */
  remove(selection: Selection): string[]
  /** Restores removed products. */
  restore(selection: readonly string[] | 'all'): string[]
  setPrice(
    selection: Selection,
    price: { readonly cents: number } | { readonly factor: number },
  ): string[]
  add(count: number): string[]
}

type Mutations = Omit<Catalogue, 'world' | 'visible' | 'find' | 'has' | 'idOf' | 'build'>

export function createCatalogue(seed: number, count: number, clock: Clock): Catalogue {
  const shelf = createShelf(seed, count, clock)
  const { world, visible, find, has } = shelf
  const patches = new Map<number, JsonObject>()
  const build = (state: ProductState, embedUrl: string): JsonObject => {
    const product = buildProduct(world, state, embedUrl)
    const patch = patches.get(state.index)
    return patch === undefined ? product : moveMetaLast(mergePatch(product, patch))
  }
  return {
    world,
    visible,
    find,
    has,
    build,
    idOf: (state) => world.idOf(state.index),
    ...createStatusMutations(shelf, clock),
    ...createContentMutations(shelf, clock, patches, build),
  }
}

function createStatusMutations(
  { states, find, change, grow, world }: Shelf,
  clock: Clock,
): Omit<Mutations, 'update' | 'touch' | 'setPrice'> {
  const setStatus = (
    state: ProductState,
    status: ProductState['status'],
    replacedBy: number | null,
  ): void => {
    const now = clock.nowSeconds()
    Object.assign(state, { status, replacedBy, statusTouchedAt: now, contentAt: now })
  }
  return {
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
      const removed =
        selection === 'all'
          ? states.filter(({ deleted }) => deleted).map(({ index }) => world.idOf(index))
          : selection
      return change(removed, (state) => void (state.deleted = false))
    },
    add: (count) => grow(count).map(({ index }) => world.idOf(index)),
  }
}

function createContentMutations(
  { change }: Shelf,
  clock: Clock,
  patches: Map<number, JsonObject>,
  build: Catalogue['build'],
): Pick<Mutations, 'update' | 'touch' | 'setPrice'> {
  return {
    update: (selection, patch) =>
      change(selection, (state) => {
        state.contentAt = clock.nowSeconds()
        if (patch === undefined) state.version += 1
        else patches.set(state.index, mergePatch(patches.get(state.index) ?? {}, patch, true))
      }),
    touch: (selection) => change(selection, () => {}),
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
  }
}
