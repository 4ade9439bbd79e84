// Fetches named items in batches. Nothing proves that a marketplace has no others, so no fetch is
// complete.

import { z } from 'zod'
import type { FetchRequest, KeyBatches, Page } from '../../core/connector.ts'
import { BATCH_MAX, openApi, type GetItems } from './api.ts'
import { describeOldVariables, type AmazonCredentials } from './credentials.ts'
import { ASIN, toLines } from './lines.ts'
import type { AmazonSettings } from './settings.ts'
import type { TokenCache } from './tokens.ts'

/** The number of items that were requested. */
const Cursor = z.strictObject({ key: z.int().nonnegative() })

/** Requirement 003: after 1, 2 and 4 seconds. */
export const BATCHES: KeyBatches = {
  productsPerRequest: BATCH_MAX,
  delaysMs: [1_000, 2_000, 4_000],
  find(keys, cursor) {
    const [asins, start] = [listAsins(keys, () => undefined), toStart(cursor)]
    const batch = asins.slice(start, start + BATCH_MAX)
    return batch.length === 0 ? null : { keys: batch, after: { key: start + batch.length } }
  },
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
  const start = toStart(request.cursor)
  for (let from = start; from < asins.length; from += BATCH_MAX) {
    const batch = asins.slice(from, from + BATCH_MAX)
    const pieces = (await requestBatch(getItems, batch)).map(([own, arrived]) =>
      toLines(settings.marketplace, own, arrived),
    )
    for (const { warnings } of pieces) for (const warning of warnings) warn(warning)
    yield* pieces.map(({ bytes, lineCount }, index): Page => ({
      bytes,
      lineCount,
      cursor: { key: index === pieces.length - 1 ? from + batch.length : from },
      expected: null,
      watermarkMs: null,
      complete: false,
    }))
  }
}

function toStart(cursor: Request['cursor']): number {
  return cursor === null ? 0 : Cursor.parse(cursor).key
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
function listAsins(keys: readonly string[], warn: Request['warn']): string[] {
  const asins = [...new Set(keys)].filter((key) => ASIN.test(key))
  const wrong = new Set(keys).size - asins.length
  if (wrong > 0)
    warn(`${wrong} of the keys are not ASINs (10 capital letters and digits) and were left out`)
  return asins
}
