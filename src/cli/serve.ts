// `shelfsync serve [ROLE…]`: runs the services until SIGTERM or Ctrl-C.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { constants, getPriority, setPriority } from 'node:os'
import type { Command } from 'commander'
import type { Host, Tools } from '../app/compose.ts'
import type { QueueTools } from '../app/open-queues.ts'
import type { OpenServer, Services } from '../app/services.ts'
import { findLostStorage } from '../config/lasting-storage.ts'
import type { Settings } from '../config/settings.ts'
import { SyncError } from '../core/errors.ts'
import {
  ALL_ROLES,
  QUEUE_ROLES,
  ROLES,
  SERVER_ROLES,
  WORKER_ROLES,
  type Role,
} from '../core/roles.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { ErrorReports } from '../telemetry/error-reports.ts'
import { createLog, type Log, type LogDestination } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { parseRole } from './arguments/roles.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import type { Output } from './terminal/output.ts'

const { PRIORITY_BELOW_NORMAL } = constants.priority
const STOPPING = 'stopping after the current batches'
/**
 * Shorter than the kill timeout that docs/services.md recommends. When an unavailable Redis blocks
 * the stop for longer, the leases of the process expire and other workers take over.
 */
export const STOP_MS = 25_000

export function defineServe(command: Command, cli: Cli): void {
  command
    .argument('[roles...]', `${ROLES.join(', ')}; by default one process has every role`, parseRole)
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync serve',
        'shelfsync serve fetcher',
        'shelfsync serve maintainer',
        'shelfsync serve orchestrator',
      ),
    )
    .action((roles: readonly Role[]) => serve(cli, roles))
}

async function serve(cli: Cli, given: readonly Role[]): Promise<void> {
  const settings = await cli.readSettings()
  const roles = chooseRoles(settings, given)
  requireKey(settings, roles)
  requireLastingStorage(settings, roles)
  const { requireRights } = await import('../app/rights.ts')
  const reports = new ErrorReports()
  // The log of a service also contains the events that a command would print.
  const log = createLog({
    level: cli.output.verbose ? 'debug' : settings.logLevel,
    destination: toLogDestination(cli.output),
    secrets: settings.secrets,
    onError: (line) => reports.add(line),
  })
  cli.serviceLog = log
  const signal = cli.createStopSignal(STOPPING, {
    code: EXIT.green,
    withinMs: STOP_MS,
    say: (text) => log.info({ roles }, text),
  })
  const host = { log, correlationId: randomUUID(), notify: (text: string) => cli.output.note(text) }
  await using tools = await open(settings, host, roles)
  await requireRights(tools.db, roles)
  if (roles.some((role) => WORKER_ROLES.includes(role))) await checkStore(tools)
  lowerPriority(settings, roles)
  const services = await start({ ...tools, reports }, roles)
  cli.sendLastErrors = services.sendLastErrors
  reportStart(cli, log, { tools, roles, services })
  if (!signal.aborted) await Promise.race([once(signal, 'abort'), services.idle])
  if (!signal.aborted) log.info({}, 'no task for EXIT_WHEN_IDLE_SECONDS; stopping')
  await services.stop()
  log.info({ roles }, 'stopped')
}

/** @throws SyncError `settings/invalid` */
function chooseRoles({ images }: Settings, given: readonly Role[]): readonly Role[] {
  if (given.includes('images') && images.target === null)
    throw new SyncError(
      'settings/invalid',
      'IMAGES: missing; a process with the role images stores nothing without it',
    )
  if (given.length > 0) return given
  return images.target === null ? ALL_ROLES : [...ALL_ROLES, 'images']
}

type ServeTools = Tools & Partial<Pick<QueueTools, 'queues'>>

/**
 * A process that only stores images does not open the queue: its login may not. The queue, like the web
 * server in `start`, is imported on demand: all other commands start faster without it.
 */
async function open(settings: Settings, host: Host, roles: readonly Role[]): Promise<ServeTools> {
  if (roles.some((role) => QUEUE_ROLES.includes(role)))
    return (await import('../app/open-queues.ts')).openQueueTools(settings, host)
  return (await import('../app/compose.ts')).openTools(settings, host)
}

/** Short lines on a terminal, otherwise JSON. */
function toLogDestination({ stderr, json }: Output): LogDestination {
  return { write: (line) => stderr.write(line), isTTY: stderr.isTTY === true && !json }
}

/** @throws SyncError `settings/invalid` */
function requireKey({ http }: Settings, roles: readonly Role[]): void {
  if (http.keys.length === 0 && roles.some((role) => SERVER_ROLES.includes(role)))
    throw new SyncError(
      'settings/invalid',
      'ADMIN_KEY: missing; the HTTP servers do not start without it. Create one with `openssl rand -hex 32`',
    )
}

/** @throws SyncError `settings/invalid` */
function requireLastingStorage(settings: Settings, roles: readonly Role[]): void {
  const problems = findLostStorage(settings, roles)
  if (problems.length > 0)
    throw new SyncError(
      'settings/invalid',
      ['The services would lose their data:', ...problems].join('\n  '),
      { detail: { problems } },
    )
}

/**
 * Checks the artifact store. A full one does not prevent the start: the workers wait for space, and
 * /health reports it.
 */
async function checkStore({ store, log }: Tools): Promise<void> {
  await store.check().catch((error: unknown) => {
    if (!(error instanceof SyncError && error.detail.errno === 'ENOSPC')) throw error
    log.warn({ cause: String(error) }, 'the artifact store is full; starting anyway')
  })
}

/**
 * Gives the orchestrator precedence over workers on the same machine. Not with the embedded
 * database: a process that restarts it would pass on its priority.
 */
function lowerPriority({ databaseUrl }: Settings, roles: readonly Role[]): void {
  if (
    databaseUrl !== null &&
    !roles.includes('orchestrator') &&
    getPriority() < PRIORITY_BELOW_NORMAL
  )
    setPriority(PRIORITY_BELOW_NORMAL)
}

async function start(
  tools: ServeTools & { readonly reports: ErrorReports },
  roles: readonly Role[],
): Promise<Services> {
  const { countRequests } = await import('../telemetry/metrics.ts')
  const guard = createAddressGuard(tools.settings.allowPrivateHosts)
  const openHttp = (connector: string, metrics: Metrics) =>
    createHttp({
      guard,
      userAgent: tools.settings.userAgent,
      onRequest: countRequests(metrics, connector),
    })
  const { queues } = tools
  return queues === undefined
    ? (await import('../app/serve-steps.ts')).startStepServices({ ...tools, openHttp }, roles)
    : (await import('../app/serve.ts')).startServices({ ...tools, queues, openHttp }, roles)
}

function reportStart(
  { output }: Cli,
  log: Log,
  {
    tools,
    roles,
    services: { servers },
  }: { tools: ServeTools; roles: readonly Role[]; services: Services },
): void {
  log.info(
    {
      roles,
      queue: tools.queues?.backend ?? 'none',
      artifacts: tools.store.describe(),
      images: describeImages(tools.settings),
      ports: Object.fromEntries(servers.map(({ name, port }) => [name, port])),
    },
    'serving',
  )
  output.result(
    { serving: roles, servers },
    servers.map((server) => `${server.name.padEnd(12)} ${toLocalUrl(server)}`).join('\n'),
  )
}

function describeImages({ images: { target } }: Settings): string {
  if (target === null) return 'none'
  return target.kind === 'supabase' ? `supabase:${target.bucket}` : `imagekit:${target.folder}`
}

function toLocalUrl({ host, port }: OpenServer): string {
  const name = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
