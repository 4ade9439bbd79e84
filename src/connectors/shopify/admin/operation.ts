// A bulk operation: the shop writes all products into a file while this program polls its state.
// https://shopify.dev/docs/api/usage/bulk-operations/queries

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { wait } from '../../../lib/back-off.ts'
import type { AdminApi } from './api.ts'

/**
 * The query of the operation, without variables. Three connections of at most two levels; each node
 * has an id, as the file needs it to name the parent of a line.
 */
export const PRODUCTS_QUERY = `{
  products {
    edges { node {
      __typename id handle title descriptionHtml vendor productType tags status
      createdAt updatedAt publishedAt
      options { name position }
      variants { edges { node {
        __typename id title sku barcode price compareAtPrice availableForSale position
        selectedOptions { name value }
        inventoryItem { measurement { weight { unit value } } }
      } } }
      media { edges { node { __typename id alt ... on MediaImage { image { url } } } } }
    } }
  }
}`

/** Another program of the same app may run its own operation for hours. */
const BUSY_MS = 60_000
/** Polls begin at the pace of the source and slow down to this multiple of it. */
const SLOWEST = 30
/** More than half a day at the slowest pace; the next attempt then continues. */
const POLLS_MAX = 2_000

/** A number that does not fit into 32 bits is sent as text. */
const Count = z.union([
  z.int().nonnegative(),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
])

const Operation = z.object({
  id: z.string().min(1),
  status: z.string(),
  errorCode: z.string().nullish(),
  url: z.string().nullish(),
  objectCount: Count,
  rootObjectCount: Count,
})
export type Operation = z.infer<typeof Operation>

const FIELDS = 'id status errorCode url objectCount rootObjectCount'

const Shop = z.object({ shop: z.object({ currencyCode: z.string() }) })
const Current = Shop.extend({
  currentBulkOperation: z
    .object({ id: z.string(), status: z.string(), query: z.string().nullish() })
    .nullish(),
})
const Started = z.object({
  bulkOperationRunQuery: z.object({
    bulkOperation: z.object({ id: z.string().min(1) }).nullish(),
    userErrors: z.array(
      z.object({ message: z.string().catch(''), code: z.string().nullish().catch(null) }),
    ),
  }),
})
const Polled = z.object({ node: Operation.nullish() })

/** Requests the currency of the shop, which every token may read. @throws SyncError `source/…` */
export async function readCurrency(api: AdminApi): Promise<string> {
  return (await api.ask('{ shop { currencyCode } }', {}, Shop)).shop.currencyCode
}

/**
 * Starts an operation, or finds the one that an interrupted fetch has started and that is still
 * running. Returns its id and the currency of the shop.
 *
 * @throws SyncError `source/rate-limited` while another operation runs · `source/…`
 */
export async function startOperation(
  api: AdminApi,
): Promise<{ readonly id: string; readonly currency: string }> {
  const { shop, currentBulkOperation: current } = await api.ask(
    '{ shop { currencyCode } currentBulkOperation(type: QUERY) { id status query } }',
    {},
    Current,
  )
  const currency = shop.currencyCode
  const isRunning = current != null && ['CREATED', 'RUNNING'].includes(current.status)
  if (isRunning && current.query === PRODUCTS_QUERY) return { id: current.id, currency }
  const { bulkOperationRunQuery } = await api.ask(
    `mutation Run($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) {
      bulkOperation { id } userErrors { code message }
    } }`,
    { query: PRODUCTS_QUERY },
    Started,
  )
  const { bulkOperation, userErrors } = bulkOperationRunQuery
  if (bulkOperation != null) return { id: bulkOperation.id, currency }
  throw toUserError(api.host, userErrors[0])
}

function toUserError(
  host: string,
  error: { readonly message: string; readonly code?: string | null | undefined } | undefined,
): SyncError {
  const isBusy =
    ['OPERATION_IN_PROGRESS', 'LIMIT_REACHED'].includes(error?.code ?? '') ||
    /already in progress/i.test(error?.message ?? '')
  if (isBusy)
    return new SyncError(
      'source/rate-limited',
      `${host} is already running a bulk operation of this app, started by another program`,
      { retryAfterMs: BUSY_MS },
    )
  const reason = error === undefined ? 'no reason' : error.message.slice(0, 200)
  return new SyncError('source/rejected', `${host} does not start a bulk operation: ${reason}`)
}

/**
 * Polls an operation until it has ended. Returns null when the shop does not know it any more. The
 * file of a failed operation is incomplete and is never requested.
 *
 * @throws SyncError `source/unavailable` when it takes more than half a day · `source/…`
 */
export async function waitForOperation(
  api: AdminApi,
  id: string,
  minIntervalMs: number,
  signal: AbortSignal,
): Promise<Operation | null> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    const query = `query Poll($id: ID!) { node(id: $id) { ... on BulkOperation { ${FIELDS} } } }`
    const { node } = await api.ask(query, { id }, Polled)
    if (node == null) return null
    if (!['CREATED', 'RUNNING', 'CANCELING'].includes(node.status)) return node
    await wait(minIntervalMs * Math.min(SLOWEST, 2 ** Math.min(poll, 10)), signal)
  }
  throw new SyncError('source/unavailable', `The bulk operation of ${api.host} has not ended yet`)
}

/**
 * Checks that another operation may succeed after one that has ended without a file.
 *
 * @throws SyncError for one that was refused or canceled, or whose state is unknown
 */
export function requireRepeatable(host: string, { status, errorCode }: Operation): void {
  if (status === 'EXPIRED') return
  if (status === 'CANCELED')
    throw new SyncError(
      'source/rejected',
      `The bulk operation of ${host} was canceled by another program or by the owner`,
    )
  if (status !== 'FAILED')
    throw new SyncError('source/malformed', `The bulk operation of ${host} has an unknown state`)
  if (errorCode === 'ACCESS_DENIED')
    throw new SyncError(
      'source/unauthorized',
      `The bulk operation of ${host} was refused: the token needs the scope read_products`,
    )
}
