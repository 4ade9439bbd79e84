// A simulated shop as the supplier of the conformance suite: the same faults for every shop, in the
// places that its lists have.

import type { CommonFault } from '../../simulators/support/faults.ts'
import { statusFault, type Supplier } from './supplier.ts'

/** A product of a simulated shop, with the member that a flaw spoils. */
type Spoilt<Member extends string> = { id: number } & { [Name in Member]: unknown }

interface SimulatedShop<Product> {
  products(): readonly Product[]
  update(id: number, fields: object): void
  touch(): void
  remove(...ids: readonly number[]): void
}

type Fault = Extract<Parameters<Supplier['strike']>[0], object>
type FaultInput = Partial<CommonFault> & { readonly kind: string }

export interface ShopParts<Product, Member extends string> {
  readonly url: string
  readonly shop: SimulatedShop<Product>
  readonly faults: { set(...faults: readonly never[]): void; clear(): void }
  /** Paths of requests, as the simulator matches them with faults. */
  readonly paths: { readonly any: string; readonly first: string; readonly later: string }
  /** The place in a response at which it is interrupted. Default: 5,000 bytes. */
  readonly afterBytes?: number
  /** The member that holds the title of a product. */
  readonly title: string
  /** The member of a product without which its record is malformed. */
  readonly member: Member
  close(): Promise<void>
}

/** Returns the supplier of the suite for a started shop. */
export function toSupplier<Member extends string, Product extends Spoilt<Member>>({
  url,
  shop,
  faults,
  paths,
  afterBytes = 5_000,
  title,
  member,
  close,
}: ShopParts<Product, Member>): Supplier {
  const products = shop.products.bind(shop)
  const asListed = (listed: readonly Product[]): readonly Product[] => listed
  let arrange = asListed
  let repairs: (() => void)[] = []
  Object.assign(shop, { products: () => arrange(products()) })
  const setFaults = (...inputs: readonly FaultInput[]): void =>
    (faults.set as (...faults: readonly FaultInput[]) => void)(...inputs)
  return {
    origin: url,
    ids: () => products().map(({ id }) => String(id)),
    change: (id) => shop.update(Number(id), { [title]: `Edition ${id}` }),
    touch: () => shop.touch(),
    remove: (...ids) => shop.remove(...ids.map(Number)),
    spoil(id, flaw) {
      const product = products().find((one) => String(one.id) === id)
      if (product === undefined) return
      const sound = { id: product.id, [member]: product[member] }
      repairs.push(() => Object.assign(product, sound))
      Object.assign(product, flaw === 'shape' ? { [member]: 'none' } : { id: null })
    },
    strike(fault: Fault, lasting = false) {
      const times = lasting ? null : 1
      const inside = { afterBytes, path: paths.later, times }
      if (fault.kind === 'status') setFaults({ ...statusFault(fault), path: paths.first, times })
      else if (fault.kind === 'failed-page')
        setFaults({ kind: 'status', status: 500, path: paths.later, times })
      else if (fault.kind === 'cut' || fault.kind === 'reset')
        setFaults({ kind: fault.kind, ...inside })
      else if (fault.kind === 'silence') setFaults({ kind: 'stall', ...inside })
      else if (fault.kind === 'drip')
        setFaults(
          { kind: 'drip', bytes: 8_191, everyMs: 0, path: paths.any, times },
          { kind: 'split-characters', path: paths.any, times },
        )
      else if (fault.kind === 'empty') setFaults({ kind: 'empty', path: paths.any, times })
      else if (fault.kind === 'repeat')
        arrange = (listed) => [...listed.slice(0, 1), ...listed, ...listed.slice(0, 1)]
      else arrange = (listed) => listed.toReversed()
    },
    heal() {
      faults.clear()
      arrange = asListed
      for (const repair of repairs) repair()
      repairs = []
    },
    close,
  }
}
