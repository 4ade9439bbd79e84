// The HTTP servers: the handler of each route. A request never does the work itself; it starts a
// run and returns the path at which the caller can watch it.

import type { Context } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import type { ListPage } from '../../db/read/page.ts'
import {
  listRuns,
  loadRunDetails,
  type RunFilter,
  type RunSummary,
} from '../../db/read/run-summaries.ts'
import { loadSource } from '../../db/sources.ts'
import type { RequestedRun, RefusedRun, RunsRequest } from '../../jobs/requests.ts'
import { sendJson, sendJsonText, sendText, type ServerEnv } from '../server/responses.ts'
import { createApp, type App, type AppOptions, type Handler } from '../server/app.ts'
import {
  FetchBody,
  ImportBody,
  MaintainBody,
  NoBody,
  RunPath,
  RunsQuery,
  StatusQuery,
  SyncBody,
  WaitQuery,
} from './request-schemas.ts'
import { RESPONSE_MS, withDeadline } from '../server/deadline.ts'
import { createKeyCheck, type KeyCheckOptions } from '../server/key-check.ts'
import { toImportJson, toImportRequest, waitForRun } from './imports.ts'
import type { Operations } from './operations.ts'
import { readBody, readPath, readQuery } from '../server/read-request.ts'
import { createStatusCache } from './status-cache.ts'
import { toRunJson, toRunDetailsJson } from './runs.ts'

export interface MetricsOptions extends AppOptions {
  /** Returns all metrics of the process in the Prometheus text format. */
  readonly metricsText: () => Promise<string>
}

export interface ServerOptions extends MetricsOptions, KeyCheckOptions {
  readonly operations: Operations
  /** Deadline of responses that need the database, in milliseconds. Default 5,000. */
  readonly responseMs?: number
}

export interface OrchestratorOptions extends ServerOptions {
  readonly db: Db
}

export function createFetcherApp(options: ServerOptions): App {
  return createApp(
    'fetcher',
    {
      'POST /run': async (c) => {
        const body = await readBody(c, FetchBody)
        const request = {
          ...body,
          keys: null,
          artifact: null,
          chunkSize: null,
          offset: null,
          limit: null,
        }
        return sendRuns(c, await requestRuns(c, options, { ...request, mode: 'fetch-only' }))
      },
      'GET /healthz': sendAlive,
      'GET /metrics': createMetricsHandler(options),
    },
    options,
    createKeyCheck(options),
  )
}

export function createMaintainerApp(options: ServerOptions): App {
  return createApp(
    'maintainer',
    {
      'POST /run': async (c) => {
        const body = await readBody(c, MaintainBody)
        return sendRuns(
          c,
          await requestRuns(c, options, { ...body, mode: 'maintain-only', keys: null }),
        )
      },
      'GET /healthz': sendAlive,
      'GET /metrics': createMetricsHandler(options),
    },
    options,
    createKeyCheck(options),
  )
}

export function createOrchestratorApp(options: OrchestratorOptions): App {
  const { operations, db, responseMs = RESPONSE_MS } = options
  const cache = createStatusCache(options)
  return createApp(
    'orchestrator',
    {
      'POST /sync': async (c) => {
        const requested = await requestRuns(c, options, await readBody(c, SyncBody))
        c.header('Location', toRunPath(requested))
        return sendRuns(c, requested)
      },
      'POST /import': async (c) => {
        const waitMs = 1000 * readQuery(c, WaitQuery).wait
        const body = await readBody(c, ImportBody, { hasQuery: true })
        const requesting = operations.requestImport(toImportRequest(body), c.var.correlationId)
        const requested = await withDeadline(requesting, responseMs)
        c.var.log.info({ requested }, 'import requested')
        const status = toRunPath(requested)
        c.header('Location', status)
        const { signal } = c.req.raw
        const ended = await waitForRun(db, requested.run, { waitMs, responseMs, signal })
        const { run } = requested
        if (ended === null) return sendJson(c, 202, { run, status })
        return sendJson(c, 200, { run, status, ...toImportJson(ended) })
      },
      'GET /status': async (c) => sendJsonText(c, 200, await cache.read(readQuery(c, StatusQuery))),
      'GET /runs': async (c) => {
        const loading = loadRunPage(db, readQuery(c, RunsQuery), responseMs)
        const { items, next } = await withDeadline(loading, responseMs)
        return sendJson(c, 200, { items: items.map(toRunJson), next })
      },
      'GET /runs/:id': async (c) => {
        const loading = loadRunDetails(db, readPath(c, RunPath).id, responseMs)
        return sendJson(c, 200, toRunDetailsJson(await withDeadline(loading, responseMs)))
      },
      'POST /runs/:id/cancel': async (c) => {
        const { id } = readPath(c, RunPath)
        await readBody(c, NoBody)
        return sendJson(c, 202, await withDeadline(operations.cancelRun(id), responseMs))
      },
      'GET /health': async (c) => {
        const components = await operations.checkHealth()
        const broken = components.filter(({ ok }) => !ok).map(({ component }) => component)
        const ok = broken.length === 0
        return sendJson(c, ok ? 200 : 503, { ok, broken, components })
      },
      'GET /healthz': sendAlive,
      'GET /metrics': createMetricsHandler(options),
    },
    options,
    createKeyCheck(options),
  )
}

/** @throws SyncError `source/unknown`, so that a misspelt name is not an empty list */
async function loadRunPage(
  db: Db,
  filter: RunFilter,
  timeoutMs: number,
): Promise<ListPage<RunSummary>> {
  if (filter.source !== undefined) await loadSource(db, filter.source)
  return listRuns(db, filter, timeoutMs)
}

/** Serves the metrics without a key, for a private port. */
export function createMetricsApp(options: MetricsOptions): App {
  const handlers = { 'GET /healthz': sendAlive, 'GET /metrics': createMetricsHandler(options) }
  return createApp('metrics', handlers, options, null)
}

interface RequestedRuns {
  /** The first run that exists. */
  readonly run: number
  readonly runs: readonly (RequestedRun | RefusedRun)[]
}

async function requestRuns(
  c: Context<ServerEnv>,
  { operations, responseMs = RESPONSE_MS }: ServerOptions,
  request: RunsRequest,
): Promise<RequestedRuns> {
  const requesting = operations.requestRuns(request, c.var.correlationId)
  const runs = await withDeadline(requesting, responseMs)
  const first = runs.find((one) => 'run' in one)
  if (!first) throw new SyncError('source/unknown', 'No source is active')
  c.var.log.info({ request, runs }, 'runs requested')
  return { run: first.run, runs }
}

function sendRuns(c: Context<ServerEnv>, requested: RequestedRuns): Response {
  return sendJson(c, 202, { ...requested, status: toRunPath(requested) })
}

function toRunPath({ run }: { readonly run: number }): string {
  return `/runs/${run}`
}

export const sendAlive: Handler = (c) => sendJson(c, 200, { ok: true })

export function createMetricsHandler({ metricsText }: MetricsOptions): Handler {
  return async (c) =>
    sendText(c, 200, 'text/plain; version=0.0.4; charset=utf-8', await metricsText())
}
