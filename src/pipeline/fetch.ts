// fetch: archives the supplier's bytes unchanged, in parts. A part is applied only after its bytes
// are durable and its row is written.

import type { Page, Scope } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { StoredPart } from '../db/write/artifacts.ts'
import type { WorkDone } from '../db/write/work-done.ts'
import type { LeasedRun } from '../db/write/runs.ts'
import { limitRequests } from '../sources/limited-http.ts'
import { RequestLog } from '../sources/request-log.ts'
import { explainMove, refuseOtherHost } from '../sources/moved-shop.ts'
import type { HashedParts } from './apply/hashed-parts.ts'
import { ArtifactWriter } from './artifact-writer.ts'
import type { RunContext } from './context.ts'
import type { Shortfall } from './fetch-notes.ts'
import { readEarlierLines } from './earlier-lines.ts'
import { endDueParts } from './end-due-parts.ts'
import { fetchBatches, noteQuota, type BatchFetch } from './fetch-batches.ts'
import { isRetried, waitBeforeRetry } from './retry.ts'

/**
 * The shortest wait before the next request. A response that is cut after every page makes progress
 * each time, and would otherwise be requested twice a second for hours.
 */
const PAUSE_MS_MIN = 1_500
/** A shorter wait for the turn of a request is the usual pace. */
const TURN_SHOWN_MS = 5_000
/** Time without an error after which an outage of the supplier is over. */
const CALM_MS = 60_000

/**
 * Archives the rest of the run's artifact, after the last part of the earlier work. Calls `onPart`
 * in order for every part, old or new, that is not completely applied. Unless `hashed` is null, it
 * receives the new ones first.
 *
 * When it ends, also by cancellation, every page that arrived is in a part. If the supplier cut the
 * response short at every attempt, the artifact is closed as incomplete and its last warning is the
 * reason. Every error states the place in the artifact of the next line.
 *
 * @throws SyncError `source/…` when the supplier refuses the request, or all attempts failed ·
 * `run/fenced` · `artifact/unwritable`
 */
export async function fetchParts(
  context: RunContext,
  { artifact, parts, checkpoints }: WorkDone,
  onPart: (part: StoredPart) => void,
  hashed: HashedParts | null,
): Promise<void> {
  const { progress, log } = context
  const done = new Set(checkpoints.filter((one) => one.done).map(({ partNo }) => partNo))
  for (const part of parts) if (!done.has(part.no)) onPart(part)
  if (artifact?.closed) {
    progress.expected = artifact.expected
    return
  }
  const writer = new ArtifactWriter(context, { artifact, parts }, onPart, hashed)
  try {
    await writer.close(await fetchRest(context, writer, parts.length > 0))
  } catch (error) {
    await writer
      .flush()
      .catch((cause: unknown) =>
        log.warn({ cause: String(cause) }, 'the pages since the last part could not be archived'),
      )
    throw error
  }
}

/** Fetches what is missing of the artifact: products that are named in batches, anything else at once. */
async function fetchRest(
  context: RunContext,
  writer: ArtifactWriter,
  hasParts: boolean,
): Promise<Shortfall | null> {
  const { connector, run } = context
  const { batches } = connector
  if (batches === undefined || run.keys === null) return fetchWithRetries(context, writer)
  await noteQuota(context, batches)
  const supplier = nameSupplier(context)
  const onPage = (): void => context.outages.worked(supplier.work, CALM_MS)
  const requestLog = new RequestLog(context.progress.requestCount)
  const request: BatchFetch['request'] = (scope) =>
    fetchOnce(context, writer, { requestLog, ...scope }, onPage)
  return fetchBatches(context, { writer, batches, keys: run.keys, request, hasParts, supplier })
}

/** Names the supplier, and the requests to it, in reports of outages. */
function nameSupplier({ connector, settings, source }: RunContext): BatchFetch['supplier'] {
  const host = URL.parse(connector.address(settings))?.host ?? source.name
  return { host, work: `fetch ${host}` }
}

/**
 * Retries the supplier; no other layer does. An attempt that got further than all before it resets
 * the count of attempts. An attempt that begins at an earlier cursor, or fails as too slow, does not:
 * otherwise a supplier that always fails at the same place would be requested forever.
 *
 * Returns null when the artifact is complete, else the error after which its completeness is not proved.
 */
async function fetchWithRetries(
  context: RunContext,
  writer: ArtifactWriter,
): Promise<Shortfall | null> {
  const { options, signal, outages } = context
  const { host, work } = nameSupplier(context)
  const requestLog = new RequestLog(context.progress.requestCount)
  const reached = new Set([JSON.stringify(writer.cursor)])
  for (let attempt = 0; ;) {
    const startedMs = performance.now()
    try {
      await fetchOnce(context, writer, { requestLog }, () => outages.worked(work, CALM_MS))
      outages.worked(work)
      return null
    } catch (thrown) {
      writer.dropPieces()
      signal.throwIfAborted()
      // After an error of the store or the database, another request would lose what arrived.
      if (!(thrown instanceof SyncError) || !thrown.code.startsWith('source/')) throw thrown
      const error = writer.locate(thrown)
      if (error.action !== 'retry') throw await explainMove(context, error, context, signal)
      const place = JSON.stringify(writer.cursor)
      const gotFurther =
        writer.cursor !== null && !reached.has(place) && error.code !== 'source/too-slow'
      attempt = gotFurther ? 1 : attempt + 1
      reached.add(place)
      if (!isRetried(context.run, error)) {
        // The run settles these records; the other products are refreshed later.
        if (writer.cursor !== null) return error
        throw error
      }
      if (attempt >= options.attemptsMax) {
        if (error.code === 'source/cut-short') return error
        throw error
      }
      outages.failed(error, { work, startedMs, host })
      await waitBeforeRetry(context, error, { attempt: attempt - 1, leastMs: PAUSE_MS_MIN, host })
    }
  }
}

interface FetchScope extends Pick<PageRequest, 'isRetry' | 'only'> {
  readonly requestLog: RequestLog
}

async function fetchOnce(
  context: RunContext,
  writer: ArtifactWriter,
  { requestLog, isRetry, only }: FetchScope,
  onPage: () => void,
): Promise<void> {
  writer.beginRequest()
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const request = {
    cursor: only === undefined ? writer.cursor : null,
    requestLog,
    isRetry,
    only,
    warn: (message: string) => writer.warn(message),
    note: (message: string) => writer.note(message),
  }
  try {
    for await (const page of endDueParts(requestPages({ ...context, signal }, request), writer)) {
      await writer.add(only === undefined ? page : { ...page, cursor: writer.cursor })
      onPage()
    }
  } finally {
    stop.abort()
  }
  // A fetch by keys has no proof; its clean end means that every key was requested.
  if (writer.complete || context.run.keys !== null) return
  throw new SyncError('source/cut-short', 'The response ended without proof that it is complete')
}

export interface PageRequest {
  readonly cursor: Page['cursor']
  readonly warn: (message: string) => void
  /** Records a warning that is in the log already. */
  readonly note?: (message: string) => void
  readonly requestLog?: RequestLog
  /** True while a failed batch is requested again: the reserve of a limit is for that too. */
  readonly isRetry?: (() => boolean) | undefined
  /** Some products of the run, in place of all. The cursor of the artifact stays where it is. */
  readonly only?: readonly string[] | undefined
}

/** Requests the records that the run covers, from `cursor` on. */
export function requestPages(
  context: RunContext,
  { cursor, warn, note, requestLog, isRetry = () => false, only }: PageRequest,
): AsyncIterable<Page> {
  const { connector, settings, run, signal } = context
  const credentials = context.credentials(context)
  const scope: Scope = only === undefined ? toScope(run) : { kind: 'keys', keys: only }
  const urgent = (): boolean => run.kind === 'import' || isRetry()
  const requester = { connector, settings, credentials, urgent }
  const limited = limitRequests({ ...context, onTransition: note }, requester, {
    onWait: (reason, waitMs) => reportTurn(context, reason, waitMs),
    ...(requestLog && { requestLog }),
  })
  const http = connector.recognise ? refuseOtherHost(limited) : limited
  const earlierLines = (): AsyncIterable<Uint8Array> => readEarlierLines(context)
  return connector.fetch({ settings, credentials, scope, cursor, http, earlierLines, warn }, signal)
}

/** A noticeable wait for the turn of a request is shown, and all of them are counted. */
function reportTurn(
  { progress, onPause }: RunContext,
  reason: string | null,
  waitMs: number,
): void {
  progress.waiting = waitMs >= TURN_SHOWN_MS ? reason : null
  progress.supplierWaitMs += waitMs
  if (waitMs > 0) onPause?.({ code: 'source/rate-limited', waitMs, triedMs: 0 })
}

function toScope({ kind, sinceAt, keys }: LeasedRun): Scope {
  if (keys !== null) return { kind: 'keys', keys }
  return kind === 'incremental'
    ? { kind: 'since', sinceMs: sinceAt?.getTime() ?? 0 }
    : { kind: 'all' }
}
