// The HTTP server of the role `web`: the dashboard, and the routes for programs.

import type { Redactor } from '../telemetry/redact.ts'
import { addCatalogueRoutes } from './catalogue/add-routes.ts'
import { createMetricsHandler, sendAlive, type OrchestratorOptions } from './control/servers.ts'
import { createReaderGuard } from './dashboard/reader-guard.ts'
import { serveDashboard, type DashboardOptions } from './dashboard/serve-pages.ts'
import { createSessions } from './dashboard/sessions.ts'
import { addMcpRoute } from './mcp/add-route.ts'
import { createKeyGuard } from './server/key-guard.ts'
import type { Connector } from '../core/connector.ts'
import { Calendar } from '../sources/due.ts'
import { createCountReader, createHealthReader } from '../sources/health-reader.ts'
import { reportLate } from './server/late.ts'
import { sendJson } from './server/responses.ts'
import { createApp, type App } from './server/app.ts'
import { RESPONSE_MS } from './server/deadline.ts'
import { createKeyCheck } from './server/key-check.ts'

type FrameParts =
  | 'checkKey'
  | 'sessions'
  | 'hasReadKey'
  | 'responseMs'
  | 'readHealths'
  | 'readProductCounts'

export interface WebOptions extends OrchestratorOptions, Omit<DashboardOptions, FrameParts> {
  readonly readKeys: readonly string[]
  readonly connectors: ReadonlyMap<string, Connector>
  /** Removes keys from texts of suppliers. */
  readonly redactKeys: Redactor
  /** The address of the orchestrator, for the description of its routes. */
  readonly orchestratorUrl: string
}

export function createWebApp(options: WebOptions): App {
  const { settings, readKeys, responseMs = RESPONSE_MS } = options
  const checkKey = createKeyCheck(options)
  const sessions = createSessions({ ...options, webUrl: settings.webUrl, responseMs })
  const limits = { nowMs: options.nowMs, timeoutMs: responseMs }
  const readHealths = createHealthReader({ ...options, calendar: new Calendar() }, limits)
  const readProductCounts = createCountReader(options.db, limits)
  const app = createApp(
    'web',
    {
      'GET /late': async (c) => {
        const { status, body } = await reportLate(readHealths)
        return sendJson(c, status, body)
      },
      'GET /healthz': sendAlive,
      'GET /metrics': createMetricsHandler(options),
    },
    options,
    checkKey,
  )
  addCatalogueRoutes(app, { ...options, guard: createReaderGuard({ checkKey, sessions }) })
  const byKey = createKeyGuard(checkKey)({ allowsSyncKey: false, allowsReadKey: true })
  addMcpRoute(app, { ...options, guard: byKey })
  const hasReadKey = readKeys.length > 0
  serveDashboard(app, {
    ...options,
    checkKey,
    sessions,
    hasReadKey,
    readHealths,
    readProductCounts,
  })
  return app
}
