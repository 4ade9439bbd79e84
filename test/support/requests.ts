// Requests to suppliers by the limits and the circuit breaker of a connector, without a pipeline.

import assert from 'node:assert/strict'
import type { Clock } from '../../simulators/support/clock.ts'
import type { Http } from '../../src/core/http.ts'
import type { Args, Catalog } from '../../src/db/catalog.ts'
import { saveBreaker, type BreakerName } from '../../src/db/write/limits.ts'
import type { RequestTools } from '../../src/sources/limited-http.ts'

/** Responds with status 200 and an empty body. */
export const respondEmpty: Http = async ({ url }) => ({
  status: 200,
  headers: new Headers(),
  url,
  body: (async function* () {})(),
  cancel: async () => undefined,
})

/** Tools that log nothing and do not wait. */
export function createRequestTools(
  tools: Pick<RequestTools, 'db'> & Partial<RequestTools>,
): RequestTools {
  return {
    http: respondEmpty,
    log: { debug() {}, info() {}, warn() {} },
    options: { wait: () => Promise.resolve() },
    requestIntervals: new Map(),
    ...tools,
  }
}

/** The state is that of the database, the clock of the breaker that of the test. */
export function withClock(db: Catalog, clock: Clock): Catalog {
  return {
    async call<Row>(name: string, args: Args): Promise<Row[]> {
      const rows = await db.call<Row>(name, args)
      if (name === 'load_breaker' || name === 'admit_request')
        for (const row of rows) Object.assign(row as object, { now_ms: clock.nowMs() })
      return rows
    },
  }
}

const COOLDOWN_MS = 300_000

/** Opens a breaker that has no row yet. The next request may test it after `retryAfterMs`. */
export async function openBreaker(
  db: Catalog,
  name: BreakerName,
  retryAfterMs = COOLDOWN_MS,
): Promise<void> {
  const nowMs = Date.now()
  const retryAtMs = nowMs + retryAfterMs
  const breaker = {
    state: 'open',
    failedAtMs: [nowMs],
    failures: 5,
    openedAtMs: retryAtMs - COOLDOWN_MS,
    retryAtMs,
    cooldownMs: COOLDOWN_MS,
  } as const
  assert.ok(await saveBreaker(db, name, 0, breaker, 'status 500'))
}
