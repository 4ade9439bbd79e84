// Fetches named products in batches. A batch that fails does not stop the others: after its last
// attempt it is left out, and its products stay due. A supplier that is down, or a quota that is used
// up, ends the fetch; what has arrived until then is applied.

import type { KeyBatch, KeyBatches } from '../core/connector.ts'
import type { RequestLimit } from '../core/limits.ts'
import { SyncError } from '../core/errors.ts'
import { isSkipped } from '../core/refreshing.ts'
import { saveFailedAttempt, saveQuota } from '../db/write/refreshes.ts'
import { hashText } from '../node/hash.ts'
import type { ArtifactWriter } from './artifact-writer.ts'
import { decideBatch, NO_FAILURES, type Failures } from './batch-decision.ts'
import type { RunContext } from './context.ts'
import type { Shortfall } from './fetch-notes.ts'
import { waitBeforeRetry, withRetry } from './retry.ts'
import { sanitizeText } from './sanitize-text.ts'

/** Up to this share of a delay is added to it. */
const JITTER = 0.25

export interface BatchFetch {
  readonly writer: ArtifactWriter
  readonly batches: KeyBatches
  /** The products of the run. */
  readonly keys: readonly string[]
  /** Requests the batches from the writer's cursor on, or some products; ends at the first error. */
  readonly request: (scope: {
    readonly isRetry: () => boolean
    readonly only?: readonly string[]
  }) => Promise<void>
  /** True when an earlier attempt of the run has archived something. */
  readonly hasParts: boolean
  /** The names of the supplier and of the requests to it in reports of outages. */
  readonly supplier: { readonly host: string; readonly work: string }
}

/**
 * Requests every batch, and those that failed once more at the end, when the cause may have passed. Warns
 * of the products that did not arrive. Returns the error that ended the fetch early, or null: a fetch of
 * named products proves nothing about others, so leaving a batch out does not make it incomplete.
 *
 * @throws SyncError `source/…` when nothing has arrived, or the supplier refuses the requests
 */
export async function fetchBatches(
  context: RunContext,
  fetch: BatchFetch,
): Promise<Shortfall | null> {
  const { writer, batches } = fetch
  const left: Left = { batches: [], error: null }
  let failures: Failures = NO_FAILURES
  for (;;) {
    const place = placeOf(writer)
    const isRetry = (): boolean => failures.attempts > 0 && placeOf(writer) === place
    try {
      await fetch.request({ isRetry })
      if (placeOf(writer) !== place) context.outages.worked(fetch.supplier.work)
      break
    } catch (thrown) {
      const error = toBatchError(context, writer, thrown)
      if (placeOf(writer) !== place) failures = NO_FAILURES
      const [batch, ...later] = batches.list(fetch.keys, writer.cursor)
      const next = decideBatch(error, failures, batches.delaysMs)
      if (batch === undefined || next.kind === 'fail') throw writer.locate(error)
      await recordFailure(context, batch.keys, error, failures.attempts)
      if (next.kind === 'stop') return stop(context, fetch, { batch, later }, error)
      failures = next.failures
      if (next.kind === 'retry') await pause(context, fetch, error, next.leastMs)
      else {
        left.batches.push(batch.keys)
        left.error = error
        writer.cursor = batch.after
      }
    }
  }
  return requestLeft(context, fetch, left)
}

/** The batches that were left out, with the last error. */
interface Left {
  readonly batches: (readonly string[])[]
  error: SyncError | null
}

/** Requests each batch that was left out once more. */
async function requestLeft(
  context: RunContext,
  fetch: BatchFetch,
  left: Left,
): Promise<Shortfall | null> {
  const { writer, batches, request, supplier } = fetch
  let shortfall: SyncError | null = null
  for (const only of left.batches) {
    if (shortfall !== null) {
      warnOf(writer, only.length, shortfall)
      continue
    }
    try {
      await request({ only, isRetry: () => true })
      context.outages.worked(supplier.work)
    } catch (thrown) {
      const error = toBatchError(context, writer, thrown)
      if (isSkipped(error.code)) shortfall = error
      await recordFailure(context, only, error, batches.delaysMs.length + 1)
      warnOf(writer, only.length, error)
    }
  }
  if (left.error !== null && !hasArrived(context, fetch)) throw writer.locate(left.error)
  return shortfall
}

/** Ends the fetch at a batch: the supplier is down, or the quota is used up. */
async function stop(
  context: RunContext,
  fetch: BatchFetch,
  { batch, later }: { readonly batch: KeyBatch; readonly later: readonly KeyBatch[] },
  error: SyncError,
): Promise<Shortfall | null> {
  const rest = later.flatMap(({ keys }) => keys)
  await recordFailure(context, rest, error, 0)
  if (!hasArrived(context, fetch)) throw fetch.writer.locate(error)
  warnOf(fetch.writer, batch.keys.length + rest.length, error)
  return isSkipped(error.code) ? error : null
}

/** @throws any error that is not of the supplier */
function toBatchError({ signal }: RunContext, writer: ArtifactWriter, thrown: unknown): SyncError {
  writer.dropPieces()
  signal.throwIfAborted()
  if (!(thrown instanceof SyncError) || !thrown.code.startsWith('source/')) throw thrown
  return thrown
}

function hasArrived({ progress }: RunContext, { hasParts }: BatchFetch): boolean {
  return hasParts || progress.fetchedLines > 0
}

function placeOf({ cursor }: ArtifactWriter): string {
  return JSON.stringify(cursor)
}

function warnOf(writer: ArtifactWriter, count: number, { message }: SyncError): void {
  writer.warn(`${count} products were not read, and stay due: ${message}`)
}

async function pause(
  context: RunContext,
  { supplier }: BatchFetch,
  error: SyncError,
  leastMs: number,
): Promise<void> {
  const { host } = supplier
  context.outages.failed(error, supplier)
  await waitBeforeRetry(context, error, { attempt: 0, leastMs, jitterMs: leastMs * JITTER, host })
}

async function recordFailure(
  context: RunContext,
  products: readonly string[],
  { code, message }: SyncError,
  retries: number,
): Promise<void> {
  if (context.run.kind !== 'refresh' || products.length === 0) return
  const failure = { retries, code, message: sanitizeText(context, message) }
  if (isSkipped(code))
    context.log.info(
      { code, products: products.length },
      `products are skipped: ${failure.message}`,
    )
  await withRetry(context, 'archive', () =>
    saveFailedAttempt(context.db, context.run, products, failure),
  )
}

/** Records the daily quota of the source, for the processes that plan its refreshes. */
export async function noteQuota(context: RunContext, batches: KeyBatches): Promise<void> {
  const { connector, settings, source, db } = context
  const url = new URL(connector.address(settings))
  const rules = connector.rules?.({ url, settings, credentials: context.credentials(context) })
  const limit = rules?.limits.find(({ perDay }) => perDay !== undefined)
  const quota = limit === undefined ? null : toQuota(limit, batches)
  await withRetry(context, 'archive', () => saveQuota(db, source.id, quota))
}

function toQuota(
  { scope, key, secretKey = false, perDay = 0, intervalMs, reserve = 0 }: RequestLimit,
  { productsPerRequest }: KeyBatches,
) {
  return {
    scope,
    key: secretKey ? hashText(key) : key,
    perDay,
    perSecond: 1_000 / Math.max(intervalMs, 1),
    reserve,
    productsPerRequest,
  }
}
