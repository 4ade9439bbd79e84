// A record of example-supplier, and the product that it becomes.

import { z } from 'zod'
import { checkValue, formatProblems } from '../../../src/core/check-value.ts'
import type { Scan } from '../../../src/core/connector.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Draft } from '../../../src/core/product.ts'
import type { ExampleSupplierSettings } from './settings.ts'

const [LINE_FEED, OPEN_BRACE, CLOSE_BRACE] = [0x0a, 0x7b, 0x7d]

const Product = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  /** In minor units: 1250 is 12.50 EUR. */
  price: z.int().nonnegative().nullable(),
  updated_at: z.iso.datetime({ offset: true }),
})

/** The record is the whole line. */
export function scan(line: Uint8Array): Scan | null {
  const end = line.at(-1) === LINE_FEED ? line.length - 1 : line.length
  const isObject = line[0] === OPEN_BRACE && line[end - 1] === CLOSE_BRACE
  return isObject ? { start: 0, end, volatile: [] } : null
}

export function identify(record: unknown): string | null {
  return Product.pick({ id: true }).safeParse(record).data?.id ?? null
}

/** @throws SyncError `record/no-id` · `record/invalid` */
export function normalise(record: unknown, { currency }: ExampleSupplierSettings): Draft {
  if (identify(record) === null) throw new SyncError('record/no-id', 'The product has no id')
  const { data: product, problems } = checkValue(Product, record)
  if (problems !== null) throw new SyncError('record/invalid', formatProblems(problems))
  return {
    externalId: product.id,
    status: 'active',
    title: product.name,
    description: null,
    brand: null,
    manufacturer: null,
    url: null,
    identifiers: {},
    attributes: {},
    sourceUpdatedAtMs: Date.parse(product.updated_at),
    successorId: null,
    expiresAtMs: null,
    // A product without options has one variant.
    variants: [
      {
        externalId: product.id,
        title: null,
        sku: null,
        gtin: null,
        options: {},
        weightGrams: null,
        packCount: null,
        availability: null,
      },
    ],
    prices: [
      {
        variantId: product.id,
        type: 'public',
        amountMinor: product.price,
        currency,
        compareAtMinor: null,
      },
    ],
    disagreements: [],
    images: [],
    terms: [],
    provenance: {},
    warnings: [],
  }
}
