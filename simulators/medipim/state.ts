// What the simulator remembers of one product: everything else is made again from (seed, index,
// version) when it is asked for.

import { mix } from '../support/random.ts'

export type Status = 'active' | 'inactive' | 'replaced' | 'no_selection'

export interface ProductState {
  readonly index: number
  status: Status
  /** The index of the successor of a replaced product. */
  replacedBy: number | null
  /** Unix seconds, as all of the supplier's times. */
  readonly createdAt: number
  updatedAt: number
  statusTouchedAt: number
  /** When the content last changed; touches move `updatedAt` only. */
  contentAt: number
  /** Raised by every content update. */
  version: number
  /** The public price set by hand, in cents. Null: the generator's own. */
  priceCents: number | null
  deleted: boolean
}

/** When the supplier's first products were imported. */
const EPOCH = 1_676_332_800
const TEN_DAYS = 864_000

/** Every thousandth product has more than 100 KB of text, every twenty-thousandth some 300 KB. */
export function isGiant(index: number): 'large' | 'huge' | null {
  if (index % 20_000 === 4_711) return 'huge'
  return index % 1_000 === 137 ? 'large' : null
}

/**
 * 85 % active, 9 % inactive, 5 % replaced, 1 % no_selection. Product 0 and the giants are active.
 */
export function chooseFirstStatus(seed: number, index: number): Status {
  if (index === 0 || isGiant(index) !== null) return 'active'
  const percent = mix(seed, index, 1) % 100
  if (percent < 85) return 'active'
  if (percent < 94) return 'inactive'
  return percent < 99 ? 'replaced' : 'no_selection'
}

/**
 * The state of product `index` before any mutation; `startAt` is the catalogue's first instant in
 * unix seconds. As observed in the real catalogue, most products were last touched within one hour
 * by a bulk job, and many share a second.
 */
export function createFirstState(seed: number, index: number, startAt: number): ProductState {
  const status = chooseFirstStatus(seed, index)
  const age = Math.max(1, startAt - TEN_DAYS - 3_600 - EPOCH)
  const bulkDay = mix(seed, index >> 6, 2) % age
  const createdAt = EPOCH + (mix(seed, index, 3) % 4 === 0 ? mix(seed, index, 4) % age : bulkDay)
  const updatedAt =
    mix(seed, index, 5) % 10 < 6
      ? startAt - TEN_DAYS - 3_600 + (mix(seed, index, 6) % 3_600)
      : createdAt + (mix(seed, index, 7) % Math.max(1, startAt - createdAt))
  return {
    index,
    status,
    createdAt,
    updatedAt,
    statusTouchedAt: status === 'active' ? createdAt : updatedAt,
    contentAt: updatedAt,
    replacedBy: status === 'replaced' ? findFirstSuccessor(seed, index) : null,
    version: 0,
    priceCents: null,
    deleted: false,
  }
}

/** The nearest earlier active product, so that it exists however large the catalogue is. */
function findFirstSuccessor(seed: number, index: number): number {
  let successor = index - 1
  while (chooseFirstStatus(seed, successor) !== 'active') successor -= 1
  return successor
}

/** `M` and nine hexadecimal digits, unique: an odd factor permutes the numbers of 36 bits. */
export function createIds(seed: number): {
  idOf(index: number): string
  indexOf(id: string): number | null
} {
  const bits = 36
  const factor = (mix(seed, 11) | 1) >>> 0
  const shift = mix(seed, 12)
  const inverse = invert(BigInt(factor), bits)
  return {
    idOf: (index) =>
      `M${((index * factor + shift) % 2 ** bits).toString(16).toUpperCase().padStart(9, '0')}`,
    indexOf(id) {
      if (!/^M[0-9A-F]{9}$/.test(id)) return null
      return Number(
        BigInt.asUintN(bits, BigInt(Number.parseInt(id.slice(1), 16) - shift) * inverse),
      )
    },
  }
}

/**
 * The inverse of an odd number modulo 2^bits, by Newton's iteration: each step doubles the correct
 * bits.
 */
function invert(odd: bigint, bits: number): bigint {
  let inverse = odd
  for (let correct = 3; correct < bits; correct *= 2)
    inverse = BigInt.asUintN(bits, inverse * (2n - odd * inverse))
  return inverse
}
