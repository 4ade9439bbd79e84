// POST /import: reads the request, and waits for its run at the request of the caller.

import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Db } from '../../db/pool.ts'
import { loadRunDetails, type RunDetails } from '../../db/read/run-summaries.ts'
import type { ImportRequest } from '../../jobs/request-import.ts'
import type { ImportBody } from './request-schemas.ts'
import { listRunErrors } from './runs.ts'

/** Between two looks at the run. */
const LOOK_MS = 200

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
    const details = await loadRunDetails(db, run, responseMs)
    if (details.finishedAt !== null) return details
    await sleep(LOOK_MS)
  }
  return null
}

export function toImportJson(details: RunDetails) {
  const { state, imports } = details
  return { state, imports, errors: listRunErrors(details) }
}
