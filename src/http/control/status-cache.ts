// Serves /status from memory. For each source, or page of sources, the database is read at most twice a
// second and by one query at a time, so its load does not depend on the number of callers.

import type { Db } from '../../db/pool.ts'
import { loadStatus, type StatusRequest } from '../../db/read/source-summaries.ts'
import { redactJson } from '../../telemetry/redact-json.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { Calendar } from '../../sources/due.ts'
import { RESPONSE_MS, withDeadline } from '../server/deadline.ts'
import { createThroughputMeter, type ThroughputMeter } from './throughput.ts'
import { countLinesDone } from './run-progress.ts'
import { toStatus } from './status.ts'

/** Age in milliseconds after which a response is refreshed. */
const FRESH_MS = 500
/**
 * Maximum age in milliseconds of a response that is served while it is refreshed, so that callers
 * rarely wait.
 */
const STALE_MS = 1000
/** Maximum number of responses that are kept; with one more, the cache begins again. */
const RESPONSES_MAX = 100

export interface StatusCache {
  /**
   * Returns the status of one source, or of all with null, as redacted JSON. A failure is not
   * cached.
   *
   * @throws SyncError `source/unknown` · `db/…`
   */
  read(request: StatusRequest): Promise<string>
}

interface CachedResponse {
  readonly json: string
  readonly readAtMs: number
}

export interface StatusCacheOptions {
  readonly db: Db
  readonly redact: Redactor
  readonly nowMs: () => number
  /** Deadline of a database read, in milliseconds. Default 5,000. */
  readonly responseMs?: number
}

export function createStatusCache({
  db,
  redact,
  nowMs,
  responseMs = RESPONSE_MS,
}: StatusCacheOptions): StatusCache {
  const responses = new Map<string, CachedResponse>()
  const pending = new Map<string, Promise<string>>()
  const meters = new Map<string | null, ThroughputMeter>()
  const calendar = new Calendar()

  const load = async (request: StatusRequest): Promise<string> => {
    const { source } = request
    const state = await loadStatus(db, request, responseMs)
    const { run } = state
    const meter = meters.get(source) ?? createThroughputMeter()
    meters.set(source, meter)
    const perSecond =
      run?.state === 'running'
        ? meter({ run: run.id, linesDone: countLinesDone(run), atMs: run.measuredAt.getTime() })
        : null
    const status = toStatus(state, perSecond, { calendar, now: new Date(nowMs()) })
    return redactJson(status, redact)
  }

  const refresh = (request: StatusRequest, key: string): Promise<string> => {
    const current = pending.get(key)
    if (current) return current
    const reading = withDeadline(load(request), responseMs)
      .then((json) => {
        if (responses.size >= RESPONSES_MAX) responses.clear()
        responses.set(key, { json, readAtMs: nowMs() })
        return json
      })
      .finally(() => pending.delete(key))
    pending.set(key, reading)
    return reading
  }

  return {
    async read(request) {
      const key = JSON.stringify(request)
      const { json, readAtMs } = responses.get(key) ?? { json: '', readAtMs: -Infinity }
      const ageMs = nowMs() - readAtMs
      if (ageMs < FRESH_MS) return json
      const reading = refresh(request, key)
      if (ageMs >= STALE_MS) return reading
      // The next caller receives the error; this handler only prevents an unhandled rejection.
      reading.catch(() => undefined)
      return json
    },
  }
}
