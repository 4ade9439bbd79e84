// The GraphQL Admin API of a simulated shop: bulk operations only, with every state in which one can
// end. It reads no GraphQL: it recognises the requests by their fields. Facts that are not confirmed
// are options.

import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { readText } from '../support/server.ts'
import type { ShopProduct } from './product.ts'

/** The end of a bulk operation: its state, or the error code of a failed one. */
type Outcome =
  | 'COMPLETED'
  | 'CANCELED'
  | 'EXPIRED'
  | 'UNHEARD_OF'
  | 'ACCESS_DENIED'
  | 'INTERNAL_SERVER_ERROR'
  | 'TIMEOUT'

export interface AdminSwitches {
  /** The token that is accepted; null: the shop has no Admin API. */
  readonly adminToken?: string | null
  /** Number of polls in which an operation is still running. */
  readonly polls?: number
  /** The ends of the next operations; later ones are completed. */
  readonly outcomes?: readonly Outcome[]
  /** An operation of another program that uses the same app is running. */
  readonly isBusy?: boolean
  /** Versions before 2026-01 have no code for it. */
  readonly busyCode?: string | null
  /** Number of the next requests that cost more points than there are. */
  readonly throttled?: number
  /** Products that only the owner sees, in this state. */
  readonly drafts?: number
  readonly draftStatus?: string
  /** False: the lines of variants are at the end of the file. */
  readonly isGrouped?: boolean
  /** Number of downloads after which the address of a file has expired; null for none. */
  readonly downloads?: number | null
  /** False: the server of the file ignores `Range`. */
  readonly honoursRange?: boolean
  /** Lines that the count has, and the file does not; below 0, the file has more. */
  readonly lostLines?: number
  /** Products that the count has, and the file does not. */
  readonly lostProducts?: number
  /** False: completed operations have no file. */
  readonly hasFiles?: boolean
  /** The version that responds; null: the one that was requested. */
  readonly apiVersion?: string | null
}

export const ADMIN_DEFAULTS = {
  adminToken: null,
  polls: 1,
  outcomes: [],
  isBusy: false,
  busyCode: 'OPERATION_IN_PROGRESS',
  throttled: 0,
  drafts: 0,
  draftStatus: 'DRAFT',
  isGrouped: true,
  downloads: null,
  honoursRange: true,
  lostLines: 0,
  lostProducts: 0,
  hasFiles: true,
  apiVersion: null,
} as const satisfies Required<AdminSwitches>

interface Operation {
  readonly id: string
  readonly query: string
  readonly outcome: Outcome
  lines: readonly string[]
  readonly products: number
  polls: number
  downloads: number
}

/** The facts of a shop at the time of a request. */
export interface AdminShop {
  readonly switches: Required<AdminSwitches>
  readonly origin: string
  readonly currency: string
  /** The products of visitors, and `drafts` others. */
  readonly products: readonly ShopProduct[]
}

export interface AdminContent {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** The operation of another program. */
const OTHER_OPERATION = {
  id: 'gid://shopify/BulkOperation/0',
  query: '{ orders { edges { node { id } } } }',
  status: 'RUNNING',
}

const Query = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.string()).default({}),
})
const FILE = /^\/bulk\/(\d+)\.jsonl$/
const API = /^\/admin\/api\/([\w-]+)\/graphql\.json$/

/** The operations of one shop. */
export class AdminApi {
  readonly #operations: Operation[] = []
  /** Number of throttled requests since the start. */
  #throttled = 0

  get started(): number {
    return this.#operations.length
  }

  /** True for a path of the API and of its files. */
  static owns(path: string): boolean {
    return API.test(path) || FILE.test(path)
  }

  async respond(request: IncomingMessage, path: string, shop: AdminShop): Promise<AdminContent> {
    const file = FILE.exec(path)?.[1]
    if (file !== undefined) return this.#sendFile(request, Number(file), shop.switches)
    const { adminToken, apiVersion } = shop.switches
    if (adminToken === null) return toJson({ errors: 'Not Found' }, 404)
    if (request.headers['x-shopify-access-token'] !== adminToken)
      return toJson({ errors: '[API] Invalid API key or access token' }, 401)
    const { query, variables } = Query.parse(JSON.parse(await readText(request)))
    const version = apiVersion ?? API.exec(path)?.[1] ?? ''
    const headers = { 'x-shopify-api-version': version }
    return { ...toJson(this.#execute(query, variables, shop)), headers }
  }

  #execute(query: string, variables: Record<string, string>, shop: AdminShop): unknown {
    const { switches, currency } = shop
    if (this.#throttled < switches.throttled) {
      this.#throttled += 1
      const throttleStatus = { maximumAvailable: 2000, currentlyAvailable: 2, restoreRate: 50 }
      return {
        errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
        extensions: { cost: { requestedQueryCost: 152, actualQueryCost: null, throttleStatus } },
      }
    }
    if (query.includes('bulkOperationRunQuery')) return this.#run(variables['query'] ?? '', shop)
    if (query.includes('node(')) return { data: { node: this.#poll(variables['id'], shop) } }
    const latest = this.#operations.at(-1)
    const own = latest && { id: latest.id, query: latest.query, status: statusOf(latest) }
    const current = switches.isBusy ? OTHER_OPERATION : own
    return {
      data: {
        shop: { currencyCode: currency },
        ...(query.includes('currentBulkOperation') && { currentBulkOperation: current ?? null }),
      },
    }
  }

  #run(query: string, { switches, products }: AdminShop): unknown {
    const { isBusy, busyCode, outcomes, polls, drafts, draftStatus, isGrouped } = switches
    const refuse = (code: string | null, message: string): unknown => ({
      data: {
        bulkOperationRunQuery: {
          bulkOperation: null,
          userErrors: [{ ...(code !== null && { code }), field: null, message }],
        },
      },
    })
    if (isBusy)
      return refuse(busyCode, 'A bulk query operation for this app is already in progress')
    if (!query.includes('products {')) return refuse('INVALID', 'Invalid bulk query')
    const hidden = products.length - drafts
    const nodes = products.map((product, index) =>
      toNodes(product, index < hidden ? 'ACTIVE' : draftStatus),
    )
    const lines = isGrouped
      ? nodes.flat()
      : [...nodes.map(([first]) => first), ...nodes.flatMap(([, ...children]) => children)]
    const operation: Operation = {
      id: `gid://shopify/BulkOperation/${this.#operations.length + 1}`,
      query,
      outcome: outcomes[this.#operations.length] ?? 'COMPLETED',
      lines: lines.map((line) => JSON.stringify(line)),
      products: products.length,
      polls,
      downloads: 0,
    }
    this.#operations.push(operation)
    // Files of earlier runs would fill the memory of a long test.
    const old = this.#operations.at(-3)
    if (old !== undefined) old.lines = []
    const bulkOperation = { id: operation.id, status: 'CREATED' }
    return { data: { bulkOperationRunQuery: { bulkOperation, userErrors: [] } } }
  }

  #poll(id: string | undefined, { switches, origin }: AdminShop): unknown {
    const operation = this.#operations.find((one) => one.id === id)
    if (operation === undefined) return null
    const status = statusOf(operation)
    operation.polls -= 1
    const { lines, products, outcome } = operation
    const file = `${origin}/bulk/${id?.split('/').at(-1)}.jsonl`
    const hasFile = status === 'COMPLETED' && lines.length > 0 && switches.hasFiles
    return {
      id,
      status,
      errorCode: status === 'FAILED' ? outcome : null,
      objectCount: String(lines.length + switches.lostLines),
      rootObjectCount: String(products + switches.lostProducts),
      url: hasFile ? file : null,
      // A client that takes it loses products.
      partialDataUrl: status === 'FAILED' ? file : null,
    }
  }

  #sendFile(
    { headers }: IncomingMessage,
    number: number,
    { downloads, honoursRange }: Required<AdminSwitches>,
  ): AdminContent {
    const operation = this.#operations[number - 1]
    // Addresses are signed for a week: https://cloud.google.com/storage/docs/access-control/signed-urls
    if (operation === undefined || (downloads !== null && operation.downloads >= downloads))
      return { status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' }
    operation.downloads += 1
    const body = operation.lines.map((line) => `${line}\n`).join('')
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 'NaN')
    if (Number.isNaN(from) || !honoursRange) return { status: 200, body }
    const bytes = Buffer.from(body)
    if (from >= bytes.length) return { status: 416, body: '' }
    return {
      status: 206,
      headers: { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` },
      body: bytes.subarray(from).toString(),
    }
  }
}

function statusOf({ polls, outcome }: Operation): string {
  if (polls > 1) return 'CREATED'
  if (polls > 0) return outcome === 'CANCELED' ? 'CANCELING' : 'RUNNING'
  const isFailure = ['ACCESS_DENIED', 'INTERNAL_SERVER_ERROR', 'TIMEOUT'].includes(outcome)
  return isFailure ? 'FAILED' : outcome
}

/** The lines of a product: its own, and those of its variants and pictures. */
function toNodes(product: ShopProduct, status: string): object[] {
  const id = product.id === null ? null : `gid://shopify/Product/${product.id}`
  const toUtc = (time: string): string =>
    Number.isNaN(Date.parse(time)) ? time : new Date(time).toISOString()
  const own = {
    __typename: 'Product',
    id,
    handle: product.handle,
    title: product.title,
    descriptionHtml: product.body_html,
    vendor: product.vendor,
    productType: product.product_type,
    tags: product.tags,
    status,
    createdAt: toUtc(product.created_at),
    updatedAt: toUtc(product.updated_at),
    publishedAt: status === 'DRAFT' ? null : toUtc(product.published_at),
    options: product.options.map(({ name, position }) => ({ name, position })),
  }
  // A broken product has no list of variants.
  if (id === null || !Array.isArray(product.variants))
    return [{ ...own, ...(id !== null && { options: product.variants }) }]
  const variants = product.variants.map((variant) => ({
    __typename: 'ProductVariant',
    id: `gid://shopify/ProductVariant/${variant.id}`,
    title: variant.title,
    sku: variant.sku,
    barcode: variant.position === 1 ? '4006381333931' : 'SHELF-7',
    price: variant.price,
    compareAtPrice: variant.compare_at_price,
    availableForSale: variant.available,
    position: variant.position,
    selectedOptions: product.options.flatMap(({ name }, at) => {
      const value = [variant.option1, variant.option2, variant.option3][at]
      return value === null || value === undefined ? [] : [{ name, value }]
    }),
    inventoryItem: { measurement: { weight: { unit: 'GRAMS', value: variant.grams } } },
    __parentId: id,
  }))
  const media = product.images.map((image) => ({
    __typename: 'MediaImage',
    id: `gid://shopify/MediaImage/${image.id}`,
    alt: `Picture of ${product.title}`,
    image: { url: image.src },
    __parentId: id,
  }))
  return [own, ...variants, ...media]
}

function toJson(body: unknown, status = 200): AdminContent {
  return { status, headers: {}, body: JSON.stringify(body) }
}
