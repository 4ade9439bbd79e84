// `shelfsync serve [ROLE…]`: the services, until SIGTERM or Ctrl-C.

import { once } from 'node:events'
import { constants, getPriority, setPriority } from 'node:os'
import { InvalidArgumentError, type Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { createLog } from '../telemetry/log.ts'
import { ALL_ROLES, ROLES, type Role } from '../app/roles.ts'
import type { OpenServer } from '../app/serve.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { readSettings } from './open.ts'

const { PRIORITY_BELOW_NORMAL } = constants.priority
const STOPPING = 'stopping: batches under way are finished'
/**
 * Less than the kill timeout that the docs ask for. What a Redis that is away still holds up then
 * goes to others by its lease.
 */
const STOP_MS = 25_000

export function addServe(program: Command, cli: Cli): void {
  program
    .command('serve')
    .argument(
      '[roles...]',
      'fetcher, maintainer, orchestrator, scheduler; without any, one process does it all',
      parseRole,
    )
    .description('run the services: workers for the queue, the schedules, and the HTTP servers')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync serve',
        'shelfsync serve fetcher',
        'shelfsync serve maintainer',
        'shelfsync serve orchestrator',
      ),
    )
    .action(async (given: readonly Role[]) => {
      const roles = given.length === 0 ? ALL_ROLES : given
      const settings = await readSettings(cli.output, cli.env)
      if (settings.http.keys.length === 0)
        throw new SyncError(
          'settings/invalid',
          'ADMIN_KEY: missing; the HTTP servers do not start without it. Make one with `openssl rand -hex 32`',
        )
      // Only here: other commands need neither queue nor web server, and start faster and smaller
      // without them.
      const [{ openQueueTools }, { requireRights }, { startServices }, { countRequests }] =
        await Promise.all([
          import('./open-queues.ts'),
          import('../app/rights.ts'),
          import('../app/serve.ts'),
          import('../telemetry/metrics.ts'),
        ])
      // A service is read by its log, so it says what a command would print.
      const log = createLog({
        level: cli.output.verbose ? 'debug' : settings.logLevel,
        destination: cli.output.stderr,
        secrets: settings.secrets,
      })
      const signal = cli.stoppable(STOPPING, {
        code: EXIT.green,
        withinMs: STOP_MS,
        say: (text) => log.info({}, text),
      })
      await using tools = await openQueueTools(cli.output, settings, log)
      await requireRights(tools.db, roles)
      const guard = createAddressGuard(settings.allowPrivateHosts)
      await tools.store.check().catch((error: unknown) => {
        // What is only full is waited for by the work, and /health says so meanwhile.
        if (!(error instanceof SyncError && error.detail.errno === 'ENOSPC')) throw error
        log.warn({ cause: String(error) }, 'the artifact store is full; serving all the same')
      })
      // On a machine that they share, whoever works gives way to whoever answers; alone on one, it
      // makes no difference. Not with the embedded database: whoever starts it again passes the
      // priority on to it.
      if (
        settings.databaseUrl !== null &&
        !roles.includes('orchestrator') &&
        getPriority() < PRIORITY_BELOW_NORMAL
      )
        setPriority(PRIORITY_BELOW_NORMAL)
      const services = await startServices(
        {
          ...tools,
          openHttp: (connector, metrics) =>
            createHttp({
              guard,
              userAgent: settings.userAgent,
              onRequest: countRequests(metrics, connector),
            }),
        },
        roles,
      )
      log.info(
        {
          roles,
          queue: tools.queues.backend,
          artifacts: tools.store.describe(),
          ports: Object.fromEntries(services.servers.map(({ name, port }) => [name, port])),
        },
        'serving',
      )
      cli.output.result(
        { serving: roles, servers: services.servers },
        services.servers.map((face) => `${face.name.padEnd(12)} ${addressOf(face)}`).join('\n'),
      )
      if (!signal.aborted) await once(signal, 'abort')
      await services.stop()
      log.info({}, 'stopped')
    })
}

/** As a person on this machine would open it. */
function addressOf({ host, port }: OpenServer): string {
  const name = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** For `ROLE…`: commander hands over what came before. */
function parseRole(text: string, before: readonly Role[] = []): readonly Role[] {
  const role = ROLES.find((one) => one === text)
  if (!role) throw new InvalidArgumentError(`The roles are ${ROLES.join(', ')}.`)
  return [...before, role]
}
