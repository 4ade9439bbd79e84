// The HTTP server of the role `web`: the dashboard, and the routes for programs.

import { createMetricsHandler, sendAlive, type OrchestratorOptions } from './control/servers.ts'
import { serveDashboard, type DashboardOptions } from './dashboard/serve-pages.ts'
import { createApp, type App } from './server/app.ts'
import { createKeyCheck } from './server/key-check.ts'

export interface WebOptions
  extends
    OrchestratorOptions,
    Omit<DashboardOptions, 'checkKey' | 'keys' | 'readKeys' | 'responseMs'> {
  readonly readKeys: readonly string[]
}

export function createWebApp(options: WebOptions): App {
  const checkKey = createKeyCheck(options)
  const app = createApp(
    'web',
    { 'GET /healthz': sendAlive, 'GET /metrics': createMetricsHandler(options) },
    options,
    checkKey,
  )
  serveDashboard(app, { ...options, checkKey })
  return app
}
