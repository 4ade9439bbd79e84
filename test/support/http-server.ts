// A server for tests: real HTTP on loopback, a clock that the test moves, and operations that only
// record their calls.

import type { App } from '../../src/http/server/app.ts'
import type { ServerOptions } from '../../src/http/control/servers.ts'
import type { AuthFailure } from '../../src/http/server/key-check.ts'
import { listen } from '../../src/http/server/listen.ts'
import type { ComponentHealth, Operations } from '../../src/http/control/operations.ts'
import { AS_SCHEDULED, type RunsRequest } from '../../src/jobs/requests.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createNetworks } from '../../src/node/networks.ts'
import { Outages } from '../../src/telemetry/outages.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import type { Lifetime } from './database.ts'

export const KEY = 'the-key-of-today-1234'

export interface Recorded {
  readonly requests: { readonly request: RunsRequest; readonly correlationId: string }[]
  readonly cancelled: number[]
  /** One line of JSON each. */
  readonly logged: string[]
  readonly authFailures: AuthFailure[]
  /** The delay that each request would have had. No request is delayed. */
  readonly slowedMs: number[]
  /** The time of the clock, which a test moves. */
  nowMs: number
  components: ComponentHealth[]
  /** The error that the next request for runs throws. */
  failure: Error | null
}

export interface TestServer {
  readonly recorded: Recorded
  readonly port: number
  /** Sends the key unless `headers` is given. */
  sendRequest(path: string, init?: RequestInit): Promise<Response>
  /** Posts JSON. */
  post(path: string, body?: unknown): Promise<Response>
  close(): Promise<void>
}

/** The options of a server, and a record of its calls. */
export function serverOptions(changes: Partial<ServerOptions> = {}): {
  options: ServerOptions
  recorded: Recorded
} {
  const recorded: Recorded = {
    requests: [],
    cancelled: [],
    logged: [],
    authFailures: [],
    slowedMs: [],
    nowMs: 0,
    components: [],
    failure: null,
  }
  const { keys = [KEY] } = changes
  const log = createLog({
    level: 'debug',
    destination: { write: (line) => recorded.logged.push(line) },
    secrets: keys,
  })
  const options = {
    keys,
    syncKeys: [],
    log,
    outages: new Outages(log),
    redact: createRedactor(keys),
    nowMs: () => recorded.nowMs,
    trust: { flyHeader: false, proxies: createNetworks([]) },
    slow: (ms: number) => Promise.resolve(void recorded.slowedMs.push(ms)),
    metricsText: () => Promise.resolve('shelfsync_up 1\n'),
    operations: recordingOperations(recorded),
    onAuthFailure: (reason: AuthFailure) => void recorded.authFailures.push(reason),
    ...changes,
  }
  return { options, recorded }
}

export async function startServer(
  t: Lifetime,
  create: (options: ServerOptions) => App,
  changes: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const { options, recorded } = serverOptions(changes)
  const key = options.keys[0] ?? ''
  const { port, close } = await listen(create(options), { host: '127.0.0.1', port: 0 })
  t.after(close)
  const sendRequest = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'X-ADMIN-KEY': key }, ...init })
  const post = (path: string, body?: unknown): Promise<Response> =>
    sendRequest(path, {
      method: 'POST',
      headers: { 'X-ADMIN-KEY': key, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return { recorded, port, sendRequest, post, close }
}

/** Each source always has the same run: `one` has 1, `two` has 2. */
function recordingOperations(recorded: Recorded): Operations {
  const started = new Set<number>()
  return {
    requestRuns(request, correlationId) {
      recorded.requests.push({ request, correlationId })
      if (recorded.failure) return Promise.reject(recorded.failure)
      const sources = request.source === null ? ['one', 'two'] : [request.source]
      return Promise.resolve(
        sources.map((source) => {
          const run = source === 'one' ? 1 : 2
          const isNew = !started.has(run)
          started.add(run)
          return { source, run, started: isNew }
        }),
      )
    },
    requestImport({ items }, correlationId) {
      const request = { ...AS_SCHEDULED, source: 'one', keys: items, import: true } as const
      recorded.requests.push({ request, correlationId })
      if (recorded.failure) return Promise.reject(recorded.failure)
      return Promise.resolve({ source: 'one', run: 1, started: true })
    },
    cancelRun(run) {
      recorded.cancelled.push(run)
      return Promise.resolve({ run, state: 'cancelled' })
    },
    checkHealth: () => Promise.resolve(recorded.components),
  }
}
