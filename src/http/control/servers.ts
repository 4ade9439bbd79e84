// The faces: what each route does with what it was asked. Work never runs inside a request; it is
// ordered here and done by others.

import type { Context } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import { loadRunStanding } from '../../db/read/status.ts'
import type { RequestedRun, RefusedRun, RunsRequest } from '../../jobs/request-runs.ts'
import { answer, sendJson, sendText, type ServerEnv } from '../server/responses.ts'
import { createApp, type App, type AppOptions, type Handler } from '../server/app.ts'
import {
  FetchBody,
  MaintainBody,
  NoBody,
  RunPath,
  StatusQuery,
  SyncBody,
} from './request-schemas.ts'
import { RESPONSE_MS, withDeadline } from '../server/deadline.ts'
import type { KeyGuardOptions } from '../server/key-guard.ts'
import type { Operations } from './operations.ts'
import { check, readBody, readQuery } from '../server/read-request.ts'
import { createStatusBoard } from './status-cache.ts'
import { describeRun } from './status.ts'

export interface MetricsOptions extends AppOptions {
  /** All metrics of the process, in Prometheus' text format. */
  readonly metricsText: () => Promise<string>
}

export interface ServerOptions extends MetricsOptions, KeyGuardOptions {
  readonly operations: Operations
  /** How long an answer may take that needs the database. Default 5,000. */
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
        return respondToRequest(
          c,
          await order(c, options, {
            ...body,
            mode: 'fetch-only',
            artifact: null,
            chunkSize: null,
            offset: null,
            limit: null,
          }),
        )
      },
      'GET /healthz': alive,
      'GET /metrics': metrics(options),
    },
    options,
    options,
  )
}

export function createMaintainerApp(options: ServerOptions): App {
  return createApp(
    'maintainer',
    {
      'POST /run': async (c) => {
        const body = await readBody(c, MaintainBody)
        return respondToRequest(c, await order(c, options, { ...body, mode: 'maintain-only' }))
      },
      'GET /healthz': alive,
      'GET /metrics': metrics(options),
    },
    options,
    options,
  )
}

export function createOrchestratorApp(options: OrchestratorOptions): App {
  const { operations, db, responseMs = RESPONSE_MS } = options
  const board = createStatusBoard(options)
  return createApp(
    'orchestrator',
    {
      'POST /sync': async (c) => {
        const ordered = await order(c, options, await readBody(c, SyncBody))
        c.header('Location', pathOf(ordered))
        return respondToRequest(c, ordered)
      },
      'GET /status': async (c) =>
        sendJson(c, 200, await board.read(readQuery(c, StatusQuery).source)),
      'GET /runs/:id': async (c) =>
        answer(
          c,
          200,
          describeRun(await withDeadline(loadRunStanding(db, runOf(c), responseMs), responseMs)),
        ),
      'POST /runs/:id/cancel': async (c) => {
        const run = runOf(c)
        await readBody(c, NoBody)
        return answer(c, 202, await withDeadline(operations.cancel(run), responseMs))
      },
      'GET /health': async (c) => {
        const components = await operations.health()
        const broken = components.filter(({ ok }) => !ok).map(({ component }) => component)
        return answer(c, broken.length === 0 ? 200 : 503, {
          ok: broken.length === 0,
          broken,
          components,
        })
      },
      'GET /healthz': alive,
      'GET /metrics': metrics(options),
    },
    options,
    options,
  )
}

/** For the private port: the metrics, without a key. */
export function createMetricsApp(options: MetricsOptions): App {
  return createApp('metrics', { 'GET /metrics': metrics(options) }, options, null)
}

interface Ordered {
  /** The first one that there is. */
  readonly run: number
  readonly runs: readonly (RequestedRun | RefusedRun)[]
}

async function order(
  c: Context<ServerEnv>,
  { operations, responseMs = RESPONSE_MS }: ServerOptions,
  wish: RunsRequest,
): Promise<Ordered> {
  const runs = await withDeadline(operations.order(wish, c.var.correlationId), responseMs)
  const first = runs.find((one) => 'run' in one)
  if (!first) throw new SyncError('source/unknown', 'There is no active source to sync')
  c.var.log.info({ order: wish, runs }, 'runs ordered')
  return { run: first.run, runs }
}

function respondToRequest(c: Context<ServerEnv>, ordered: Ordered): Response {
  return answer(c, 202, { ...ordered, status: pathOf(ordered) })
}

function pathOf({ run }: Ordered): string {
  return `/runs/${run}`
}

function runOf(c: Context<ServerEnv>): number {
  return check(RunPath, c.req.param()).id
}

const alive: Handler = (c) => answer(c, 200, { ok: true })

function metrics({ metricsText }: MetricsOptions): Handler {
  return async (c) =>
    sendText(c, 200, 'text/plain; version=0.0.4; charset=utf-8', await metricsText())
}
