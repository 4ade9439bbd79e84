// The HTTP server of the role `web`: the dashboard, and the routes for programs.

import type { Redactor } from '../telemetry/redact.ts'
import { addCatalogueRoutes } from './catalogue/add-routes.ts'
import { createMetricsHandler, sendAlive, type OrchestratorOptions } from './control/servers.ts'
import { createReaderGuard } from './dashboard/reader-guard.ts'
import { serveDashboard, type DashboardOptions } from './dashboard/serve-pages.ts'
import { createSessions } from './dashboard/sessions.ts'
import { addMcpRoute } from './mcp/add-route.ts'
import { createKeyGuard } from './server/key-guard.ts'
import { createApp, type App } from './server/app.ts'
import { RESPONSE_MS } from './server/deadline.ts'
import { createKeyCheck } from './server/key-check.ts'

type FrameParts = 'checkKey' | 'sessions' | 'hasReadKey' | 'responseMs'

export interface WebOptions extends OrchestratorOptions, Omit<DashboardOptions, FrameParts> {
  readonly readKeys: readonly string[]
  /** Removes keys from texts of suppliers. */
  readonly redactKeys: Redactor
  /** The address of the orchestrator, for the description of its routes. */
  readonly orchestratorUrl: string
}

export function createWebApp(options: WebOptions): App {
  const { settings, readKeys, responseMs = RESPONSE_MS } = options
  const checkKey = createKeyCheck(options)
  const sessions = createSessions({ ...options, webUrl: settings.webUrl, responseMs })
  const app = createApp(
    'web',
    { 'GET /healthz': sendAlive, 'GET /metrics': createMetricsHandler(options) },
    options,
    checkKey,
  )
  addCatalogueRoutes(app, { ...options, guard: createReaderGuard({ checkKey, sessions }) })
  const byKey = createKeyGuard(checkKey)({ allowsSyncKey: false, allowsReadKey: true })
  addMcpRoute(app, { ...options, guard: byKey })
  serveDashboard(app, { ...options, checkKey, sessions, hasReadKey: readKeys.length > 0 })
  return app
}
