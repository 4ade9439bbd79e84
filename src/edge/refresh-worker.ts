// refresh-worker: requests the products that are due again, oldest first, in batches of ten. Each
// batch is a run that ends with its checkpoint. When the time is over, the rest stays due for the
// next invocation.

import './node-globals.ts'
import { z } from 'zod'
import { amazon } from '../connectors/amazon/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { OUTCOMES, type Ledger, type Outcome } from '../core/ledger.ts'
import { toSyncError } from '../db/errors.ts'
import { planRefresh } from '../db/write/refreshes.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'
import type { EdgeFunction, EdgeResult, EdgeTools } from './function.ts'
import { BATCH_MAX, listOpenSources, syncBatch, type OpenSource } from './sync-products.ts'

const Body = z.strictObject({
  /** Only this source. Default: all active ones of the connector. */
  source: z.string().optional(),
  /**
   * Products of one invocation. The platform allows 2 s of CPU, and a product takes 2 to 3 ms of
   * it, measured in Deno 2.1.4 and 2.9.6.
   */
  limit: z.int().min(1).max(500).default(250),
})
type Body = z.infer<typeof Body>

/**
 * No further batch can succeed now: the supplier is down, the quota is used up, or the key is
 * wrong.
 */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'source/circuit-open',
  'source/rate-limited',
  'source/unauthorized',
  'source/not-eligible',
  'source/address-refused',
  'settings/invalid',
])

/**
 * The schedule of calls is not known here: the quota of the day is shared out as for hourly ones.
 */
const INTERVAL_MS = 3_600_000

export const refreshWorker: EdgeFunction<Body> = {
  name: 'refresh-worker',
  method: 'POST',
  allowsCron: true,
  body: Body,
  connector: amazon,
  handle: refreshDue,
}

interface Totals extends Record<Outcome, number> {
  /** Products that were due, up to the limit. */
  due: number
  /** Products whose batch has settled. */
  refreshed: number
  failed: number
}

async function refreshDue(body: Body, tools: EdgeTools): Promise<EdgeResult> {
  const all = await listOpenSources(tools, amazon)
  const sources = all.filter(
    ({ bound }) => (body.source ?? bound.source.name) === bound.source.name,
  )
  if (body.source !== undefined && sources.length === 0)
    throw new SyncError('source/unknown', `No active source of Amazon has the name ${body.source}`)
  const totals = emptyTotals()
  const runs: number[] = []
  const stopped: Record<string, string> = {}
  for (const [index, source] of sources.entries()) {
    const { name } = source.bound.source
    // The rest of a share is for the sources after it.
    const share = Math.ceil((body.limit - totals.due) / (sources.length - index))
    const reason = await refreshSource(tools, source, share, { totals, runs })
    if (reason !== null) stopped[name] = reason
  }
  const { due, refreshed, failed } = totals
  const left = due - refreshed - failed
  tools.log.info({ ...totals, left, runs: runs.length, stopped }, 'refresh')
  return { status: 200, body: { ...totals, left, runs, stopped } }
}

/** Returns the reason why products are left that are due; null if none is. */
async function refreshSource(
  tools: EdgeTools,
  source: OpenSource,
  limit: number,
  { totals, runs }: { readonly totals: Totals; readonly runs: number[] },
): Promise<string | null> {
  const { id } = source.bound.source
  const allowed = await planRefresh(tools.db, id, { intervalMs: INTERVAL_MS, atMost: limit })
  const keys = await listDue(tools, source, allowed)
  totals.due += keys.length
  for (let from = 0; from < keys.length; from += BATCH_MAX) {
    if (Date.now() >= tools.untilMs) return 'time'
    const batch = keys.slice(from, from + BATCH_MAX)
    const result = await tryBatch(tools, source, batch)
    if ('report' in result && result.report.error === null) {
      runs.push(result.report.run)
      totals.refreshed += batch.length
      addOutcomes(totals, result.report.ledger)
      continue
    }
    const error = 'report' in result ? result.report.error : result.error
    totals.failed += batch.length
    const code = error instanceof SyncError ? error.code : null
    tools.log.warn({ source: source.bound.source.name, code, err: error }, 'a batch failed')
    if (tools.signal.aborted) return 'time'
    if (code === null || FINAL.has(code)) return code ?? 'internal error'
  }
  return allowed < limit && keys.length === allowed ? 'quota' : null
}

/** Another worker may have the same products: that is a failed batch, not a failed invocation. */
async function tryBatch(
  { signal }: EdgeTools,
  source: OpenSource,
  keys: readonly string[],
): Promise<{ readonly report: RunReport } | { readonly error: unknown }> {
  try {
    return { report: await syncBatch(source, keys.toSorted(), signal) }
  } catch (error) {
    return { error: toSyncError(error) }
  }
}

async function listDue({ db }: EdgeTools, { bound }: OpenSource, limit: number): Promise<string[]> {
  const rows = await db.call<{ external_id: string }>('list_due_products', {
    source: bound.source.id,
    limit,
  })
  return rows.map((row) => row.external_id)
}

function addOutcomes(totals: Totals, ledger: Ledger): void {
  for (const outcome of OUTCOMES) totals[outcome] += ledger[outcome]
}

function emptyTotals(): Totals {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]))
  return { due: 0, refreshed: 0, failed: 0, ...(counts as Record<Outcome, number>) }
}
