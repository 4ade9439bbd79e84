// The supplier of the connector suite. A connector's test file adapts its simulator to this
// interface; `serve` creates one from a function that responds to requests, for suppliers without a
// simulator.

import type { IncomingMessage } from 'node:http'
import { sendFaultResponse, sendBody } from '../../simulators/support/body.ts'
import { CommonFault, createFaultBook } from '../../simulators/support/faults.ts'
import { mix } from '../../simulators/support/random.ts'
import { listen } from '../../simulators/support/server.ts'
import type { Json } from '../../src/core/json.ts'

/** Faults that every supplier can have. */
export type Fault =
  /** Response to the first request for products. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  /** The supplier fails after some products: on a later page, or in the middle of a stream. */
  | { readonly kind: 'failed-page' }
  /**
   * In the middle of the products, the response ends correctly, the connection ends, or it stalls.
   */
  | { readonly kind: 'cut' | 'reset' | 'silence' }
  /** Every response arrives slowly in small pieces, which end inside characters. */
  | { readonly kind: 'drip' }
  /** Every response has status 200 and no body. */
  | { readonly kind: 'empty' }
  /** Some products are sent twice, next to each other and far apart. */
  | { readonly kind: 'repeat' }
  /** The products are sent in an order that is unrelated to their members. */
  | { readonly kind: 'disorder' }

/** A defect of a record: an undocumented format with a readable id, or no id. */
export type Flaw = 'shape' | 'id'

/** A supplier that the suite controls. Changes appear in its next response. */
export interface Supplier {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** Ids of its products, the oldest first. */
  ids(): readonly string[]
  /** Advances the supplier's time by a day, and changes the title of this product. */
  change(id: string): void
  /** A day later, all volatile members have changed. */
  touch(): void
  remove(...ids: readonly string[]): void
  /** From now on, the record of this product is malformed. */
  spoil(id: string, flaw: Flaw): void
  /** Applies the fault once, or until `heal` when it lasts. */
  strike(fault: Fault, lasting?: boolean): void
  /** Ends all faults and flaws. */
  heal(): void
  close(): Promise<void>
}

/** A product of `serve`, which the test file converts to the supplier's format. */
export interface ServedProduct {
  readonly id: string
  readonly title: string
  readonly priceMinor: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** A volatile member. */
  readonly touchedAtMs: number
  /** About 16 KB, so that a few products fill a page. */
  readonly text: string
}

type JsonRecord = Record<string, Json>

export interface Served {
  record(product: ServedProduct): JsonRecord
  /** Returns the record with the flaw. */
  spoil(record: JsonRecord, flaw: Flaw): JsonRecord
  /** Responds to any request with the supplier's current products. */
  respond(request: Request, records: readonly JsonRecord[]): Response
  /**
   * Path and query of the first request for products; a final `*` matches any ending. Default: the
   * first of all requests.
   */
  readonly first?: string
  /** Path and query of the request whose response is interrupted. Default: any. */
  readonly middle?: string
}

const A_DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 15, 16)
const TEXT = 'Made slowly, by hand — café, 漢字 & “quotes”\n'.repeat(350)

/** Starts a supplier with `size` products, over HTTP on loopback. */
export async function serve(size: number, served: Served): Promise<Supplier> {
  const faults = createFaultBook(CommonFault)
  const flaws = new Map<string, Flaw>()
  let nowMs = START_MS
  let arrange = (records: readonly JsonRecord[]): readonly JsonRecord[] => records
  let products = Array.from({ length: size }, (_, index) => newProduct(index))

  const recordOf = (product: ServedProduct): JsonRecord => {
    const flaw = flaws.get(product.id)
    const record = served.record(product)
    return flaw === undefined ? record : served.spoil(record, flaw)
  }
  const { url, close } = await listen(async (request, response) => {
    const asked = await webRequest(request, url)
    const taken = faults.take(request.url ?? '/')
    if (await sendFaultResponse(response, taken)) return
    const result = served.respond(asked, arrange(products.map(recordOf)))
    const bytes = Buffer.from(await result.arrayBuffer())
    const halfway = taken.faults.map((fault) =>
      'afterBytes' in fault ? { ...fault, afterBytes: bytes.length >> 1 } : fault,
    )
    await sendBody(response, [bytes], {
      status: result.status,
      headers: Object.fromEntries(result.headers),
      taken: { ...taken, faults: halfway },
    })
  })

  return {
    origin: url,
    ids: () => products.map(({ id }) => id),
    change(changed) {
      nowMs += A_DAY_MS
      products = products.map((product) =>
        product.id === changed
          ? { ...product, title: `${product.title}, new`, updatedAtMs: nowMs }
          : product,
      )
    },
    touch() {
      nowMs += A_DAY_MS
      products = products.map((product) => ({ ...product, touchedAtMs: nowMs }))
    },
    remove: (...ids) => void (products = products.filter(({ id }) => !ids.includes(id))),
    spoil: (id, flaw) => void flaws.set(id, flaw),
    strike(fault, lasting = false) {
      const { first = '*', middle = '*' } = served
      const times = lasting ? null : 1
      if (fault.kind === 'status') faults.set({ ...statusFault(fault), path: first, times })
      else if (fault.kind === 'failed-page')
        faults.set({ kind: 'status', status: 500, path: middle, times })
      else if (fault.kind === 'silence') faults.set({ kind: 'stall', path: middle, times })
      else if (fault.kind === 'cut' || fault.kind === 'reset')
        faults.set({ kind: fault.kind, path: middle, times })
      else if (fault.kind === 'drip') faults.set({ kind: 'drip', bytes: 4_001, everyMs: 0, times })
      else if (fault.kind === 'empty') faults.set({ kind: 'empty', times })
      else if (fault.kind === 'repeat')
        arrange = (records) => [...records.slice(0, 1), ...records, ...records.slice(0, 1)]
      else arrange = shuffled
    },
    heal() {
      faults.clear()
      flaws.clear()
      arrange = (records) => records
    },
    close,
  }
}

/** Creates the fault `status` of `simulators/support`. */
export function statusFault({ status, headers = {}, body }: Extract<Fault, { kind: 'status' }>) {
  return {
    kind: 'status' as const,
    status,
    headers: { ...headers },
    ...(body !== undefined && { body }),
  }
}

function shuffled<T>(records: readonly T[]): T[] {
  return records
    .map((record, index) => ({ record, place: mix(index) }))
    .sort((a, b) => a.place - b.place)
    .map(({ record }) => record)
}

function newProduct(index: number): ServedProduct {
  const createdAtMs = START_MS - (2_000 - index) * A_DAY_MS
  const title = `Product № ${index}, für café`
  return {
    id: `p-${index}`,
    title,
    priceMinor: 1_000 + index,
    createdAtMs,
    updatedAtMs: createdAtMs,
    touchedAtMs: createdAtMs,
    text: TEXT,
  }
}

async function webRequest(request: IncomingMessage, origin: string): Promise<Request> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === 'string') headers.set(name, value)
  const chunks: Buffer[] = await request.toArray()
  const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
  return new Request(new URL(request.url ?? '/', origin), {
    method: request.method ?? 'GET',
    headers,
    ...body,
  })
}
