// The faces: what each route does with what it was asked. Work never runs inside a request; it is ordered here and done by others.

import type { Context } from 'hono'
import { SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import { loadRunStanding } from '../db/status.ts'
import type { OrderedRun, SyncOrder } from '../jobs/orders.ts'
import { answer, answerJson, answerText, type FaceEnv } from './answers.ts'
import { createApp, type App, type AppOptions, type Handler } from './app.ts'
import { FetchBody, MaintainBody, NoBody, RunPath, StatusQuery, SyncBody } from './bodies.ts'
import type { KeyGuardOptions } from './key-guard.ts'
import type { Operations } from './operations.ts'
import { check, readBody } from './requests.ts'
import { createStatusBoard } from './status-board.ts'
import { describeRun } from './status.ts'

export interface MetricsOptions extends AppOptions {
  /** All metrics of the process, in Prometheus' text format. */
  readonly metricsText: () => Promise<string>
}

export interface FaceOptions extends MetricsOptions, KeyGuardOptions {
  readonly operations: Operations
}

export interface OrchestratorOptions extends FaceOptions {
  readonly db: Db
}

export function createFetcherApp(options: FaceOptions): App {
  const { operations } = options
  return createApp('fetcher', {
    'POST /run': async (c) => {
      const body = await readBody(c, FetchBody)
      return answerOrder(c, await order(c, operations, { ...body, mode: 'fetch-only', chunkSize: null, offset: null, limit: null }))
    },
    'GET /healthz': alive,
    'GET /metrics': metrics(options),
  }, options, options)
}

export function createMaintainerApp(options: FaceOptions): App {
  const { operations } = options
  return createApp('maintainer', {
    'POST /run': async (c) => {
      const body = await readBody(c, MaintainBody)
      return answerOrder(c, await order(c, operations, { ...body, mode: 'maintain-only' }))
    },
    'GET /healthz': alive,
    'GET /metrics': metrics(options),
  }, options, options)
}

export function createOrchestratorApp(options: OrchestratorOptions): App {
  const { operations, db } = options
  const board = createStatusBoard(options)
  return createApp('orchestrator', {
    'POST /sync': async (c) => {
      const runs = await order(c, operations, await readBody(c, SyncBody))
      c.header('Location', pathOf(runs[0]))
      return answerOrder(c, runs)
    },
    'GET /status': async (c) => answerJson(c, 200, await board.read(check(StatusQuery, c.req.query()).source)),
    'GET /runs/:id': async (c) => answer(c, 200, describeRun(await loadRunStanding(db, runOf(c)))),
    'POST /runs/:id/cancel': async (c) => {
      const run = runOf(c)
      await readBody(c, NoBody)
      return answer(c, 202, await operations.cancel(run))
    },
    'GET /health': async (c) => {
      const components = await operations.health()
      const broken = components.filter(({ ok }) => !ok).map(({ component }) => component)
      return answer(c, broken.length === 0 ? 200 : 503, { ok: broken.length === 0, broken, components })
    },
    'GET /healthz': alive,
    'GET /metrics': metrics(options),
  }, options, options)
}

/** For the private port: the metrics, without a key. */
export function createMetricsApp(options: MetricsOptions): App {
  return createApp('metrics', { 'GET /metrics': metrics(options) }, options, null)
}

type OrderedRuns = readonly [OrderedRun, ...OrderedRun[]]

async function order(c: Context<FaceEnv>, operations: Operations, wish: SyncOrder): Promise<OrderedRuns> {
  const [first, ...others] = await operations.order(wish, c.var.correlationId)
  if (!first) throw new SyncError('source/unknown', 'There is no active source to sync')
  const runs: OrderedRuns = [first, ...others]
  c.var.log.info({ order: wish, runs }, 'runs ordered')
  return runs
}

function answerOrder(c: Context<FaceEnv>, runs: OrderedRuns): Response {
  return answer(c, 202, { run: runs[0].run, runs, status: pathOf(runs[0]) })
}

function pathOf({ run }: OrderedRun): string {
  return `/runs/${run}`
}

function runOf(c: Context<FaceEnv>): number {
  return check(RunPath, c.req.param()).id
}

const alive: Handler = (c) => answer(c, 200, { ok: true })

function metrics({ metricsText }: MetricsOptions): Handler {
  return async (c) => answerText(c, 200, 'text/plain; version=0.0.4; charset=utf-8', await metricsText())
}
