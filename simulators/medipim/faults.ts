// Faults in the content of a MediPim stream: wrong products, wrong counts, and a catalogue that
// changes while it is read.

import { z } from 'zod'
import { mix } from '../support/random.ts'
import { CommonFault, When } from '../support/faults.ts'
import { isObject, mergePatch, moveMetaLast, type Json, type JsonObject } from './json.ts'

const at = z.int().nonnegative()
/** The affected products: these ids, or a seeded share of all. */
const affected = { ids: z.array(z.string()).optional(), share: z.number().min(0).max(1).default(1) }

const SpecialFault = z.discriminatedUnion('kind', [
  /** Changes some products in the response. The catalogue stays unchanged. */
  z.strictObject({
    kind: z.literal('product'),
    ...affected,
    change: z.enum([
      'prices-as-strings',
      'prices-zero',
      'prices-times-100',
      'wrong-types',
      'no-id',
      'nul',
      'lone-surrogate',
      'future',
      'padding',
    ]),
    /** Size of `padding`. */
    bytes: z.int().nonnegative().default(1_000_000),
    ...When,
  }),
  /** Merges `patch` (RFC 7396) into some products in the response. */
  z.strictObject({
    kind: z.literal('patch'),
    ...affected,
    patch: z.record(z.string(), z.json()),
    ...When,
  }),
  /** The product on line `at` has the id of the one before it. */
  z.strictObject({ kind: z.literal('duplicate-id'), at, ...When }),
  /** Line `at` lacks `meta.index`. */
  z.strictObject({ kind: z.literal('no-index'), at, ...When }),
  /** From line `at` on, `meta.total` changes. */
  z.strictObject({ kind: z.literal('total-drift'), at, by: z.int(), ...When }),
  /** Ignores the requested sorting. */
  z.strictObject({ kind: z.literal('unsorted'), ...When }),
  /**
   * Before line `at`, a product is updated and moves to the end, as in a list by `touchedAt`: the
   * product of that line (`ahead`, with the same count), or the one before it, which is then sent
   * twice (`behind`, with one line more than `total`).
   */
  z.strictObject({
    kind: z.literal('update-during-stream'),
    at,
    target: z.enum(['ahead', 'behind']).default('ahead'),
    ...When,
  }),
])
type SpecialFault = z.infer<typeof SpecialFault>

export const MedipimFault = z.union([CommonFault, SpecialFault])
export type MedipimFault = z.infer<typeof MedipimFault>
/** Members with a default may be omitted. */
export type MedipimFaultInput = z.input<typeof MedipimFault>

type ProductFault = Extract<SpecialFault, { kind: 'product' | 'patch' }>

const A_YEAR = 31_536_000

/** Returns `product` with the faults applied. */
export function distortProduct(
  product: JsonObject,
  faults: readonly MedipimFault[],
  seed: number,
  index: number,
): JsonObject {
  let result = product
  for (const fault of faults) {
    if (
      (fault.kind !== 'product' && fault.kind !== 'patch') ||
      !isStruck(fault, product, seed, index)
    )
      continue
    result =
      fault.kind === 'patch'
        ? mergePatch(result, fault.patch)
        : changeProduct(result, fault.change, fault.bytes)
  }
  return result
}

function isStruck(fault: ProductFault, { id }: JsonObject, seed: number, index: number): boolean {
  if (fault.ids !== undefined) return fault.ids.some((wanted) => wanted === id)
  return mix(seed, index, 95) < fault.share * 2 ** 32
}

function changeProduct(
  product: JsonObject,
  change: Extract<SpecialFault, { kind: 'product' }>['change'],
  bytes: number,
): JsonObject {
  switch (change) {
    case 'prices-as-strings':
      return mapPrices(product, String)
    case 'prices-zero':
      return mapPrices(product, () => 0)
    case 'prices-times-100':
      return mapPrices(product, (cents) => cents * 100)
    case 'wrong-types':
      return {
        ...product,
        name: ['not', 'localised'],
        ean: { 0: 'x' },
        descriptions: 'none',
        photos: null,
        vat: 'ten',
      }
    case 'no-id':
      return mergePatch(product, { id: null })
    case 'nul':
      return { ...product, name: { en: `Nul\u0000 inside` } }
    case 'lone-surrogate':
      return { ...product, name: { en: `Lone \ud800 surrogate` } }
    case 'future':
      return {
        ...product,
        meta: { ...readMeta(product), updatedAt: Number(readMeta(product).updatedAt) + A_YEAR },
      }
    case 'padding':
      return moveMetaLast({ ...product, padding: 'x'.repeat(bytes) })
  }
}

function mapPrices(product: JsonObject, price: (cents: number) => Json): JsonObject {
  const changedPrices = ['publicPrice', 'manufacturerPrice', 'pharmacistPrice'].flatMap((key) => {
    const cents = product[key]
    return typeof cents === 'number' ? [[key, price(cents)] as const] : []
  })
  return { ...product, ...Object.fromEntries(changedPrices) }
}

function readMeta({ meta }: JsonObject): JsonObject {
  return isObject(meta) ? meta : {}
}
