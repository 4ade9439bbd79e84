// example-supplier: one address answers the whole catalogue as NDJSON, a product a line, and ends
// with `{"end":true,"count":n}`. That last line is the proof that nothing is missing; without it
// nothing may be removed.

import { z } from 'zod'
import type { Connector, FetchRequest, Page } from '../../../src/core/connector.ts'
import { NO_CREDENTIALS } from '../../../src/core/credentials.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Draft, Variant } from '../../../src/core/product.ts'
import { parseRetryAfter } from '../../../src/lib/back-off.ts'
import type { HttpResponse } from '../../../src/core/http.ts'
import { toHost } from '../../../src/lib/read-body.ts'
import { readLineBlocks } from '../../../src/lib/ndjson.ts'

const PAGE_BYTES = 1024 * 1024
const LINE_BYTES_MAX = 16 * 1024 * 1024

const ExampleSupplierSettings = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => URL.parse(url)?.password === '',
      'must hold no password: secrets are not settings',
    ),
  /** ISO 4217: the supplier does not say it. */
  currency: z.string().regex(/^[A-Z]{3}$/),
})
type ExampleSupplierSettings = z.infer<typeof ExampleSupplierSettings>

const Product = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  /** In minor units: 1250 is 12.50 EUR. */
  price: z.int().nonnegative().nullable(),
  updated_at: z.iso.datetime({ offset: true }),
})

const EndMarker = z.strictObject({ end: z.literal(true), count: z.int().nonnegative() })

export const exampleSupplier: Connector<ExampleSupplierSettings> = {
  name: 'example-supplier',
  title: 'example-supplier, a catalogue in one NDJSON answer',
  settings: ExampleSupplierSettings,
  credentials: NO_CREDENTIALS,
  options: [],
  normaliserVersion: 1,
  volatilePaths: [],
  idPaths: ['id'],
  scopes: ['all'],
  schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: null },
  fetch: fetchPages,
  address: ({ url }) => url,

  scan(line) {
    const end = line.at(-1) === 0x0a ? line.length - 1 : line.length
    return line[0] === 0x7b && line[end - 1] === 0x7d ? { start: 0, end, volatile: [] } : null
  },

  unwrap: (line) => line,

  identify,
  normalise,
}

async function* fetchPages(
  request: FetchRequest<ExampleSupplierSettings>,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const { settings, http, warn } = request
  const response = await http(
    { url: settings.url, headers: { accept: 'application/x-ndjson' } },
    signal,
  )
  if (response.status !== 200) {
    await response.cancel()
    throw refusalOf(response)
  }
  let recordCount = 0
  for await (const { kind, bytes, ends } of readLineBlocks(response.body, {
    blockBytes: PAGE_BYTES,
    lineBytesMax: LINE_BYTES_MAX,
  })) {
    if (kind === 'rest') break // the rest of a line: the answer was cut
    const expected = kind === 'piece' ? null : countIn(bytes.subarray(ends.at(-2) ?? 0))
    const lineCount = expected === null ? ends.length : ends.length - 1
    recordCount += lineCount
    const complete = expected === recordCount
    if (expected !== null && !complete)
      warn(`The supplier counts ${expected} products, but sent ${recordCount}`)
    yield {
      bytes: expected === null ? bytes : bytes.subarray(0, ends.at(-2) ?? 0),
      lineCount,
      cursor: null,
      expected,
      watermarkMs: null,
      complete,
    }
    if (expected !== null) return
  }
  const host = toHost(response.url)
  throw new SyncError(
    'source/cut-short',
    `The answer of ${host} ended after ${recordCount} products without its end marker`,
  )
}

/** The count in the end marker, or null when `line` is none. */
function countIn(line: Uint8Array): number | null {
  try {
    return EndMarker.safeParse(JSON.parse(new TextDecoder().decode(line))).data?.count ?? null
  } catch {
    return null // not JSON: a record, which the pipeline quarantines
  }
}

function refusalOf({ status, url, headers }: HttpResponse): SyncError {
  const message = `${toHost(url)} answered ${status}`
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), Date.now())
  if (status === 429) return new SyncError('source/rate-limited', message, { retryAfterMs })
  if (status >= 500) return new SyncError('source/unavailable', message, { retryAfterMs })
  if (status === 401 || status === 403) return new SyncError('source/unauthorized', message)
  return new SyncError(
    status === 404 || status === 410 ? 'source/gone' : 'source/rejected',
    message,
  )
}

function identify(record: unknown): string | null {
  const { data } = z.looseObject({ id: z.string().min(1) }).safeParse(record)
  return data?.id ?? null
}

function normalise(record: unknown, { currency }: ExampleSupplierSettings): Draft {
  if (identify(record) === null) throw new SyncError('record/no-id', 'The product has no id')
  const { data: product, error } = Product.safeParse(record)
  if (!product)
    throw new SyncError('record/invalid', z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' '))
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
    variants: [variantOf(product.id)],
    prices: [
      {
        variantId: product.id,
        type: 'public',
        amountMinor: product.price,
        currency,
        compareAtMinor: null,
      },
    ],
    images: [],
    terms: [],
    warnings: [],
  }
}

/** The one that a product without options has. */
function variantOf(externalId: string): Variant {
  const unknown = {
    title: null,
    sku: null,
    gtin: null,
    weightGrams: null,
    packCount: null,
    availability: null,
  }
  return { externalId, options: {}, ...unknown }
}
