// The records of the toy supplier: `{"n":0,"record":{…}}`, one per line.

import { z } from 'zod'
import type { Connector } from '../../../src/core/connector.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Draft, Term } from '../../../src/core/product.ts'
import { trustedTime } from '../../../src/core/source-time.ts'
import type { Has } from './defects.ts'

const ToyRecord = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(['active', 'unavailable']).default('active'),
  price: z.int().nullable(),
  currency: z.string().default('EUR'),
  text: z.string(),
  weight: z.number().nullable().default(null),
  gtin: z.string().nullable().default(null),
  /** Another id of the variant than that of the product. */
  variant: z.string().optional(),
  tags: z.array(z.string()),
  brand: z.string().nullable().default(null),
  /** Two or more: the price is in disagreement. */
  claims: z
    .array(z.object({ source: z.string(), quotation: z.string(), amountMinor: z.int() }))
    .default([]),
  /** The record states the price beside its claims, which no record may. */
  also_stated: z.boolean().default(false),
  images: z.array(z.url()).default([]),
  /** Epoch milliseconds. Anything else counts as unknown, with a warning. */
  updated_at: z.unknown().optional(),
})

const UNKNOWN_VARIANT = {
  title: null,
  sku: null,
  gtin: null,
  weightGrams: null,
  packCount: null,
  availability: null,
}

export function scanLine(
  line: Uint8Array,
  arrivedMs: number,
  has: Has,
): ReturnType<Connector['scan']> {
  if (has('does not scan, and puts a counter into titles')) return null
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1')
  const head = /^\{"n":\d+,"record":/.exec(text)
  if (!head || !text.endsWith('}}')) return null
  const [start, end] = [head[0].length, text.length - 1]
  const record = text.slice(start, start + 400)
  const members = /^\{"seen":\d+,"updated_at":(\d+),/.exec(record)
  if (!members || trustedTime(Number(members[1]), arrivedMs) === null) return null
  if (has('masks no volatile member')) return { start, end, volatile: [] }
  const masked = has('masks the price') ? ['"price":'] : ['{"seen":', '"updated_at":']
  const volatile = masked.flatMap((member) => {
    const from = start + record.indexOf(member) + member.length
    return [from, text.indexOf(',', from)]
  })
  return { start, end, volatile }
}

export function unwrapLine(line: unknown): unknown {
  const { data } = z.object({ record: z.unknown() }).safeParse(line)
  if (!data) throw new SyncError('record/invalid', 'The line holds no record')
  return data.record
}

export function findId(record: unknown, has: Has): string | null {
  const { data } = z.object({ id: z.unknown() }).safeParse(record)
  if (has('invents ids') && data) return String(data.id)
  return typeof data?.id === 'string' ? data.id : null
}

export function toDraft(record: unknown, suffix: string, has: Has): Draft {
  const externalId = findId(record, has)
  if (externalId === null) throw new SyncError('record/no-id', 'The product has no id')
  const { data, error } = ToyRecord.safeParse({ ...Object(record), id: externalId })
  if (!data && has('throws errors without a code'))
    throw new TypeError('price.toFixed is not a function')
  if (!data) throw new SyncError('record/invalid', error.message.replaceAll(/\s+/g, ' '))
  const sourceUpdatedAtMs = Number.isSafeInteger(data.updated_at) ? Number(data.updated_at) : null
  return {
    externalId,
    status: data.status,
    title: data.name + suffix,
    description: data.text,
    brand: data.brand,
    manufacturer: null,
    url: null,
    identifiers: {},
    attributes: {
      tags: has('compares all pairs of elements')
        ? data.tags.filter((tag, at, all) => all.indexOf(tag) === at)
        : data.tags,
    },
    sourceUpdatedAtMs,
    successorId: null,
    expiresAtMs: null,
    variants: [
      {
        ...UNKNOWN_VARIANT,
        externalId: data.variant ?? externalId,
        options: {},
        weightGrams: data.weight,
        gtin: data.gtin,
      },
    ],
    ...pricesOf(data),
    images: data.images.map((url, position) => ({ url, alt: null, position })),
    terms: data.brand === null ? [] : [toBrand(data.brand)],
    provenance: {},
    warnings:
      sourceUpdatedAtMs === null && data.updated_at != null ? ['updated_at is not a time'] : [],
  }
}

function pricesOf(data: z.infer<typeof ToyRecord>): Pick<Draft, 'prices' | 'disagreements'> {
  const { price: amountMinor, currency, claims, also_stated: alsoStated } = data
  const variantId = data.variant ?? data.id
  const price = { variantId, type: 'public', amountMinor, currency, compareAtMinor: null }
  if (claims.length === 0) return { prices: [price], disagreements: [] }
  const stated = claims.map((claim) => ({ ...claim, currency }))
  return {
    prices: alsoStated ? [price] : [],
    disagreements: [{ variantId, priceType: 'public', claims: stated }],
  }
}

function toBrand(name: string): Term {
  return { kind: 'brand', externalId: name, name, parentId: null, attributes: {} }
}
