// The stored state of one product. The rest is made from (seed, index, version) on demand.

import { mix } from '../support/random.ts'

export type Status = 'active' | 'inactive' | 'replaced' | 'no_selection'

export interface ProductState {
  readonly index: number
  status: Status
  /** The index of the successor of a replaced product. */
  replacedBy: number | null
  /** Unix seconds, like all times of the supplier. */
  readonly createdAt: number
  updatedAt: number
  statusTouchedAt: number
  /** Time of the last content change; touches change only `updatedAt`. */
  contentAt: number
  /** Incremented by every content update. */
  version: number
  /** A public price set by a test, in cents. Null: the generated one. */
  priceCents: number | null
  deleted: boolean
}

/** Time of the supplier's first import. */
const EPOCH = 1_676_332_800
const TEN_DAYS = 864_000

/** Every 1,000th product has more than 100 KB of text, every 20,000th about 300 KB. */
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
 * Creates the state of product `index` before any change; `startAt` is the catalogue's first
 * instant in unix seconds. As in the real catalogue, a bulk job touched most products within one
 * hour, and many share a second.
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

/** Finds the nearest earlier active product, which exists in a catalogue of any size. */
function findFirstSuccessor(seed: number, index: number): number {
  let successor = index - 1
  while (chooseFirstStatus(seed, successor) !== 'active') successor -= 1
  return successor
}

/** Ids are `M` and nine hexadecimal digits; an odd factor permutes the 36-bit numbers. */
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
 * Inverts an odd number modulo 2^bits by Newton's iteration: each step doubles the correct bits.
 */
function invert(odd: bigint, bits: number): bigint {
  let inverse = odd
  for (let correct = 3; correct < bits; correct *= 2)
    inverse = BigInt.asUintN(bits, inverse * (2n - odd * inverse))
  return inverse
}
