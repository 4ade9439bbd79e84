// Fetches named items in batches. Nothing proves that a marketplace has no others, so no fetch is
// complete.

import { z } from 'zod'
import type { FetchRequest, KeyBatch, KeyBatches, Page } from '../../core/connector.ts'
import { BATCH_MAX, openApi, type GetItems } from './api.ts'
import { describeOldVariables, type AmazonCredentials } from './credentials.ts'
import { toLines } from './lines.ts'
import { ASIN } from './records.ts'
import type { AmazonSettings } from './settings.ts'
import type { TokenCache } from './tokens.ts'

/** The number of items that were requested. */
const Cursor = z.strictObject({ key: z.int().nonnegative() })
type Cursor = z.infer<typeof Cursor>

export const BATCHES: KeyBatches = {
  productsPerRequest: BATCH_MAX,
  delaysMs: [1_000, 2_000, 4_000],
  list: (keys, cursor) => listBatches(listAsins(keys), cursor),
}

type Request = FetchRequest<AmazonSettings, AmazonCredentials>

export async function* fetchItems(
  request: Request,
  tokens: TokenCache,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const { settings, scope, warn } = request
  const getItems = openApi(request, tokens, signal)
  const change = describeOldVariables(request.credentials)
  if (change !== null) warn(change)
  const asins = listAsins(scope.kind === 'keys' ? scope.keys : [], warn)
  for (const { from, keys, after } of listBatches(asins, request.cursor)) {
    const pieces = (await requestBatch(getItems, keys)).map(([own, arrived]) =>
      toLines(settings.marketplace, own, arrived),
    )
    for (const { warnings } of pieces) for (const warning of warnings) warn(warning)
    yield* pieces.map(({ bytes, lineCount }, index): Page => ({
      bytes,
      lineCount,
      cursor: index === pieces.length - 1 ? after : from,
      expected: null,
      watermarkMs: null,
      complete: false,
    }))
  }
}

interface Batch extends KeyBatch {
  readonly from: Cursor
}

function listBatches(asins: readonly string[], cursor: Request['cursor']): Batch[] {
  const batches: Batch[] = []
  const start = cursor === null ? 0 : Cursor.parse(cursor).key
  for (let from = start; from < asins.length; from += BATCH_MAX) {
    const keys = asins.slice(from, from + BATCH_MAX)
    batches.push({ from: { key: from }, keys, after: { key: from + keys.length } })
  }
  return batches
}

type Answered = readonly [asins: readonly string[], Awaited<ReturnType<GetItems>>]

/**
 * Requests a batch. When Amazon does not know any of several items, each is requested alone, so
 * that one response cannot make ten products unavailable.
 */
async function requestBatch(getItems: GetItems, batch: readonly string[]): Promise<Answered[]> {
  const arrived = await getItems(batch)
  if (arrived.bytes !== null || batch.length === 1) return [[batch, arrived]]
  const answered: Answered[] = []
  for (const asin of batch) answered.push([[asin], await getItems([asin])])
  return answered
}

/** The valid ones without repetition, in order. */
function listAsins(keys: readonly string[], warn?: Request['warn']): string[] {
  const distinct = [...new Set(keys)]
  const asins = distinct.filter((key) => ASIN.test(key))
  const wrong = distinct.length - asins.length
  if (wrong > 0)
    warn?.(`${wrong} of the keys are not ASINs (10 capital letters and digits) and were left out`)
  return asins
}
