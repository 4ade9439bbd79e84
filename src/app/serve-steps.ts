// The services of a process that only executes downstream steps. It needs neither the queue nor a
// key: its HTTP server has the metrics, and `/healthz`.

import { RecentCounts } from '../alerts/recent-counts.ts'
import type { Settings } from '../config/settings.ts'
import type { Role } from '../core/roles.ts'
import { createMetricsApp } from '../http/control/servers.ts'
import { listen } from '../http/server/listen.ts'
import { TaskActivity, waitUntilIdle } from '../jobs/idle.ts'
import { createNetworks } from '../node/networks.ts'
import { createRedactor } from '../telemetry/redact.ts'
import { startAlerts } from './alerts.ts'
import { openProcessMetrics } from './service-metrics.ts'
import type { Services } from './services.ts'
import { startSteps, type StepServiceTools, type StepsHaveWork } from './start-steps.ts'

/** @throws SyncError `settings/invalid` when the port is not available */
export async function startStepServices(
  tools: StepServiceTools,
  roles: readonly Role[],
): Promise<Services> {
  const { settings, log, outages } = tools
  const stopping = new AbortController()
  await using opened = new AsyncDisposableStack()
  const metrics = openProcessMetrics(tools)
  const app = createMetricsApp({
    log,
    outages,
    redact: createRedactor([], settings.secrets),
    trust: { flyHeader: false, proxies: createNetworks([]) },
    metricsText: () => metrics.text(),
  })
  const host = settings.http.metricsHost
  const port = settings.http.ports.metrics
  const listening = await listen(app, { host, port, setting: 'METRICS_PORT' })
  opened.defer(() => listening.close())
  const lifespan = { opened, signal: stopping.signal }
  const sendLastErrors = await startAlerts({ ...tools, metrics }, lifespan, new RecentCounts())
  const hasWork = startSteps({ ...tools, metrics }, roles, lifespan)
  const kept = opened.move()
  let stopped: Promise<void> | null = null
  return {
    servers: [{ name: 'metrics', host, port: listening.port }],
    idle: waitForIdle(settings, hasWork, stopping.signal),
    sendLastErrors,
    stop() {
      stopping.abort()
      return (stopped ??= kept.disposeAsync())
    },
  }
}

/** Never resolves without EXIT_WHEN_IDLE_SECONDS. */
function waitForIdle(
  { exitWhenIdleMs: idleMs }: Settings,
  hasWork: StepsHaveWork,
  signal: AbortSignal,
): Promise<void> {
  if (idleMs === null) return new Promise(() => undefined)
  return waitUntilIdle(new TaskActivity(), { idleMs, hasWork, signal })
}
