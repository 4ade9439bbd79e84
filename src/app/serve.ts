// The services of one process: the workers, schedules and HTTP servers of its roles. All state is
// in the database, so any number of processes may run, and each may be killed at any time.

import type { Queue } from 'bullmq'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import type { Db } from '../db/pool.ts'
import { listQueuedRuns } from '../db/write/queued-runs.ts'
import {
  createFetcherApp,
  createMaintainerApp,
  createMetricsApp,
  createOrchestratorApp,
  type OrchestratorOptions,
} from '../http/control/servers.ts'
import { listen } from '../http/server/listen.ts'
import { requestImport } from '../jobs/request-import.ts'
import { cancelRequestedRun, requestRuns } from '../jobs/request-runs.ts'
import { TaskActivity, waitUntilIdle } from '../jobs/idle.ts'
import {
  countWaitingTasks,
  listQueues,
  type QueueName,
  type Queues,
  type Task,
} from '../jobs/queues.ts'
import { ApplyStateCache } from '../jobs/apply-state-cache.ts'
import { runScheduler } from '../jobs/scheduler.ts'
import type { TaskEvents, TaskTools } from '../jobs/queued-task.ts'
import { Waker } from '../jobs/wake-workers.ts'
import { startWorker } from '../jobs/worker.ts'
import { createAddressCheck } from '../node/check-address.ts'
import type { ErrorReports } from '../telemetry/error-reports.ts'
import type { Log } from '../telemetry/log.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createNetworks } from '../node/networks.ts'
import { createKeyRedactor, createRedactor } from '../telemetry/redact.ts'
import type { Settings } from '../config/settings.ts'
import { copyLatest, keepArtifacts } from '../pipeline/keep-artifacts.ts'
import { DEFAULT_OPTIONS } from '../pipeline/options.ts'
import type { CredentialReader } from '../sources/credentials.ts'
import { RecentCounts } from '../alerts/recent-counts.ts'
import { startAlerts } from './alerts.ts'
import { checkHealth } from './health.ts'
import { WORKER_ROLES, type Role } from '../core/roles.ts'
import { keepPurging } from './keep-purging.ts'
import { openMetrics } from './service-metrics.ts'
import type { OpenServer, Services } from './services.ts'
import { startSteps, type Lifespan, type StepsHaveWork } from './start-steps.ts'
import { countAuthFailures, countSignIns, countTasks } from './task-metrics.ts'

export interface ServiceTools {
  readonly settings: Settings
  readonly db: Db
  readonly store: ArtifactStore
  readonly queues: Queues
  readonly connectors: ReadonlyMap<string, Connector>
  readonly credentials: CredentialReader
  readonly log: Log
  readonly outages: Outages
  /** The errors of the log. */
  readonly reports: ErrorReports
  /** Opens a client for the requests of one connector. */
  openHttp(connector: string, metrics: Metrics): Http & { close(): Promise<void> }
}

/** The open HTTP clients by connector. */
type Clients = Map<string, ReturnType<ServiceTools['openHttp']>>

/** @throws SyncError `settings/invalid` when a port is not available or ADMIN_KEY is missing */
export async function startServices(
  tools: ServiceTools,
  roles: readonly Role[],
): Promise<Services> {
  const { settings, queues, log } = tools
  requireWorkerRole(settings, roles)
  const stopping = new AbortController()
  await using opened = new AsyncDisposableStack()
  const metrics = openMetrics(tools, roles)
  const recent = new RecentCounts()
  const waker = new Waker({ queues, urls: settings.queue.wakeUrls, log })
  const servers: OpenServer[] = []
  const parts = { metrics, roles, stopping: stopping.signal }
  const created = createServers({ ...tools, waker, recent }, parts)
  for await (const [name, app] of created) {
    const host = name === 'metrics' ? settings.http.metricsHost : settings.http.host
    const listening = await listen(app, {
      host,
      port: settings.http.ports[name],
      setting: `${name.toUpperCase()}_PORT`,
    })
    opened.defer(() => listening.close())
    servers.push({ name, host, port: listening.port })
  }
  const clients: Clients = new Map()
  opened.defer(
    async () => void (await Promise.all([...clients.values()].map((one) => one.close()))),
  )
  const lifespan = { opened, signal: stopping.signal }
  const sendLastErrors = await startAlerts({ ...tools, metrics }, lifespan, recent)
  const stepsHaveWork = startSteps({ ...tools, metrics }, roles, lifespan)
  const idle = startWork(
    {
      ...tools,
      taskTools: openTaskTools({ ...tools, recent }, metrics, roles, clients),
      waker,
      stepsHaveWork,
    },
    roles,
    lifespan,
  )
  const kept = opened.move()
  let stopped: Promise<void> | null = null
  return {
    servers,
    idle,
    sendLastErrors,
    stop() {
      stopping.abort()
      queues.leave()
      return (stopped ??= kept.disposeAsync())
    },
  }
}

/** Only workers can be idle. @throws SyncError `settings/invalid` */
function requireWorkerRole({ exitWhenIdleMs }: Settings, roles: readonly Role[]): void {
  if (exitWhenIdleMs !== null && !roles.some((role) => WORKER_ROLES.includes(role)))
    throw new SyncError(
      'settings/invalid',
      'EXIT_WHEN_IDLE_SECONDS: expected no value, because this process has no worker and must ' +
        'keep running; set it only where the fetchers and maintainers run',
    )
}

interface WorkTools extends ServiceTools {
  readonly taskTools: TaskTools
  readonly waker: Waker
  readonly stepsHaveWork: StepsHaveWork
}

/** Starts the workers and the scheduler of the roles. See `Services` for the result. */
function startWork(
  { settings, db, queues, connectors, log, outages, taskTools, waker, stepsHaveWork }: WorkTools,
  roles: readonly Role[],
  { opened, signal }: Lifespan,
): Promise<void> {
  const { fetch, apply } = settings.queue.concurrency
  const served: Queue<Task>[] = []
  const work = (name: QueueName, concurrency: number): void => {
    opened.adopt(startWorker(taskTools, name, concurrency, signal), (worker) => worker.close())
    served.push(...listQueues(queues, [name]))
  }
  if (roles.includes('fetcher')) work('fetch', fetch)
  if (roles.includes('maintainer')) {
    work('apply', apply)
    const purging = keepPurging({ ...taskTools, changesDays: settings.changesDays }, signal)
    opened.defer(() => purging)
  }
  const keepsSchedules = roles.includes('orchestrator') || roles.includes('scheduler')
  const checked = Promise.withResolvers<void>()
  if (keepsSchedules) {
    const keeping = runScheduler({ db, queues, connectors, log, outages }, signal, checked.resolve)
    const waking = waker.run(signal)
    opened.defer(async () => void (await Promise.all([keeping, waking])))
  } else {
    checked.resolve()
  }
  const { exitWhenIdleMs: idleMs } = settings
  if (idleMs === null) return new Promise(() => undefined)
  const hasWork = async (): Promise<boolean> => {
    const waiting = await Promise.all(served.map(countWaitingTasks))
    if (waiting.some((count) => count > 0)) return true
    if (await stepsHaveWork()) return true
    return keepsSchedules && (await listQueuedRuns(db)).length > 0
  }
  return checked.promise.then(() => waitUntilIdle(taskTools.activity, { idleMs, hasWork, signal }))
}

interface ServerParts {
  readonly metrics: Metrics
  readonly roles: readonly Role[]
  readonly stopping: AbortSignal
}

async function* createServers(
  tools: ServiceTools & { readonly waker: Waker; readonly recent: RecentCounts },
  { metrics, roles, stopping }: ServerParts,
) {
  const { settings, db, queues, log, outages, waker, recent } = tools
  const store = roles.some((role) => WORKER_ROLES.includes(role)) ? tools.store : null
  const options = {
    db,
    log,
    outages,
    redact: createRedactor([], settings.secrets),
    keys: settings.http.keys,
    syncKeys: settings.http.syncKeys,
    readKeys: settings.http.readKeys,
    trust: {
      flyHeader: settings.http.trustFlyHeader,
      proxies: createNetworks(settings.http.trustProxy),
    },
    nowMs: () => Date.now(),
    metricsText: () => metrics.text(),
    onAuthFailure: countAuthFailures(metrics, recent),
    operations: {
      requestRuns: (request, correlationId) => requestRuns(tools, request, correlationId),
      requestImport: (request, correlationId) =>
        requestImport({ ...tools, values: settings.credentials }, request, correlationId),
      cancelRun: (run) => cancelRequestedRun(tools, run),
      checkHealth: () => checkHealth({ db, queues, store, waker }),
    },
  } satisfies OrchestratorOptions
  if (roles.includes('fetcher')) yield ['fetcher', createFetcherApp(options)] as const
  if (roles.includes('maintainer')) yield ['maintainer', createMaintainerApp(options)] as const
  if (roles.includes('orchestrator'))
    yield ['orchestrator', createOrchestratorApp(options)] as const
  if (roles.includes('web')) {
    const { createWebApp } = await import('../http/web.ts')
    const web = {
      ...options,
      redactKeys: createKeyRedactor(settings.secrets),
      orchestratorUrl: `http://127.0.0.1:${settings.http.ports.orchestrator}`,
      connectors: tools.connectors,
      queues,
      store: tools.store,
      settings: settings.http,
      checkAddress: createAddressCheck(settings.allowPrivateHosts),
      stopping,
      onSignIn: countSignIns(metrics),
    }
    yield ['web', createWebApp(web)] as const
  }
  yield ['metrics', createMetricsApp(options)] as const
}

function openTaskTools(
  tools: ServiceTools & { readonly recent: RecentCounts },
  metrics: Metrics,
  roles: readonly Role[],
  clients: Clients,
): TaskTools {
  const { db, store, log, outages, connectors, credentials, queues } = tools
  const http = (connector: string): Http => {
    const client = clients.get(connector) ?? tools.openHttp(connector, metrics)
    clients.set(connector, client)
    return client
  }
  const redact = createRedactor(tools.settings.supplierSecrets, tools.settings.secrets)
  return {
    db,
    store,
    log,
    outages,
    redact,
    connectors,
    credentials,
    queues,
    http,
    requestIntervals: tools.settings.requestIntervals,
    options: DEFAULT_OPTIONS,
    applyStates: new ApplyStateCache(),
    activity: new TaskActivity(),
    appliesParts: roles.includes('maintainer'),
    events: openEvents(tools, metrics),
  }
}

function openEvents(
  { db, store, log, outages, settings, recent }: ServiceTools & { readonly recent: RecentCounts },
  metrics: Metrics,
): TaskEvents {
  const tools = { db, store, log, outages, redact: createRedactor([], settings.secrets) }
  return {
    async settled(source, run, { state }) {
      await keepArtifacts(tools, source, { id: run.id, succeeded: state === 'succeeded' }, settings)
    },
    archived: (source) => copyLatest(tools, source, settings),
    ...countTasks(metrics, recent),
  }
}
