// POST /import: reads the request, and with `wait` polls the run until it ends.

import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Db } from '../../db/pool.ts'
import { loadRunDetails, loadRunSummary, type RunDetails } from '../../db/read/run-summaries.ts'
import type { ImportRequest } from '../../jobs/request-import.ts'
import type { ImportBody } from './request-schemas.ts'
import { listRunErrors } from './runs.ts'

/** Interval at which the state of the run is read. */
const POLL_MS = 200

export function toImportRequest(body: z.output<typeof ImportBody>): ImportRequest {
  const { asin, items, ...choice } = body
  return {
    ...choice,
    items: items ?? [asin ?? ''],
    memberOf: (index) => (items === null ? 'asin' : `items.${index}`),
  }
}

/** Returns the run when it has ended; null after `waitMs`, or when the caller has left. */
export async function waitForRun(
  db: Db,
  run: number,
  { waitMs, responseMs, signal }: { waitMs: number; responseMs: number; signal: AbortSignal },
): Promise<RunDetails | null> {
  const untilMs = performance.now() + waitMs
  while (performance.now() < untilMs && !signal.aborted) {
    const { finishedAt } = await loadRunSummary(db, run, responseMs)
    if (finishedAt !== null) return loadRunDetails(db, run, responseMs)
    await sleep(POLL_MS)
  }
  return null
}

export function toImportJson(details: RunDetails) {
  const { state, imports } = details
  return { state, imports, errors: listRunErrors(details) }
}
