// Settings of the services: HTTP servers, workers and their queue.

import { z } from 'zod'
import { QUEUE_ROLES, ROLES, SERVER_ROLES, WORKER_ROLES, type Role } from '../core/roles.ts'
import { findRedisFault } from './connection-address.ts'
import { plain, secret, type Setting } from './setting.ts'
import { connectionAddress, Host, HttpUrl, Networks, Port, Switch, upTo } from './value-schemas.ts'

const ADMIN_KEY_LENGTH_MIN = 16
export const CONCURRENCY = { fetch: 2, apply: 2 } as const
const FETCH_CONCURRENCY_MAX = 64
/**
 * A process has ten connections to Postgres: two listen for jobs of the queue, and two are for
 * short statements.
 */
const APPLY_CONCURRENCY_MAX = 6
/** Default port of each HTTP server. */
export const PORTS = {
  fetcher: 3001,
  maintainer: 3002,
  orchestrator: 3003,
  web: 3000,
  metrics: 9091,
} as const

/** Default address for metrics without a key: only this machine can read them. */
export const METRICS_HOST_DEFAULT = '127.0.0.1'

const AdminKey = z
  .string()
  .min(ADMIN_KEY_LENGTH_MIN, { error: `at least ${ADMIN_KEY_LENGTH_MIN} characters` })

export const serviceSettings = {
  ADMIN_KEY: secret(AdminKey, {
    description:
      'The key that callers of the HTTP servers send as X-ADMIN-KEY. Generate one with `openssl rand -hex 32`.',
    default: 'none: the HTTP servers do not start',
    example: 'at-least-16-characters',
    readBy: SERVER_ROLES,
  }),
  ADMIN_KEY_NEXT: secret(AdminKey, {
    description: 'A second ADMIN_KEY that is also accepted, for the time of a rotation.',
    default: 'none',
    example: 'another-16-characters-or-more',
    readBy: SERVER_ROLES,
  }),
  SYNC_KEY: secret(AdminKey, {
    description:
      'A key that may only start runs and watch them, for GitHub Actions or a cron service. It is sent like ADMIN_KEY and must differ from it.',
    default: 'none',
    example: 'a-third-16-characters-or-more',
    readBy: SERVER_ROLES,
  }),
  SYNC_KEY_NEXT: secret(AdminKey, {
    description: 'A second SYNC_KEY that is also accepted, for the time of a rotation.',
    default: 'none',
    example: 'a-fourth-16-characters-or-more',
    readBy: SERVER_ROLES,
  }),
  READ_KEY: secret(AdminKey, {
    description:
      'A key that may only look: it opens the dashboard without its buttons, and every GET route. It must differ from ADMIN_KEY and SYNC_KEY.',
    default: 'none',
    example: 'a-fifth-16-characters-or-more',
    readBy: SERVER_ROLES,
  }),
  READ_KEY_NEXT: secret(AdminKey, {
    description: 'A second READ_KEY that is also accepted, for the time of a rotation.',
    default: 'none',
    example: 'a-sixth-16-characters-or-more',
    readBy: SERVER_ROLES,
  }),
  LISTEN_HOST: plain(Host, {
    description:
      'The address on which the HTTP servers that require a key listen; `::` means every address, including IPv4.',
    default: '::',
    example: '127.0.0.1',
    readBy: SERVER_ROLES,
  }),
  FETCHER_PORT: port(PORTS.fetcher, 'of the fetcher', ['fetcher']),
  MAINTAINER_PORT: port(PORTS.maintainer, 'of the maintainer', ['maintainer']),
  ORCHESTRATOR_PORT: port(PORTS.orchestrator, 'of the orchestrator', ['orchestrator']),
  WEB_PORT: port(PORTS.web, 'of the dashboard', ['web']),
  WEB_URL: plain(HttpUrl, {
    description:
      'The address at which people reach the dashboard, for links in messages: give it to every process that sends alerts. With `https`, cookies are sent over TLS only.',
    default: 'none: messages have no links',
    example: 'https://shelfsync.example',
    readBy: ROLES,
  }),
  PUBLIC_STATUS: plain(Switch, {
    description: 'A status page without a key: it names each source and says only if it is late.',
    default: 'false',
    example: 'true',
    readBy: ['web'],
  }),
  METRICS_PORT: port(PORTS.metrics, 'for metrics without a key; keep it private', ROLES),
  METRICS_HOST: plain(Host, {
    description:
      'The address on which metrics without a key are served, independent of LISTEN_HOST. For a scraper on another machine use a private network, such as `fly-local-6pn`.',
    default: METRICS_HOST_DEFAULT,
    example: '10.0.0.5',
    readBy: ROLES,
  }),
  TRUST_FLY_HEADER: plain(Switch, {
    description:
      'Whether `Fly-Client-IP` identifies the caller when a key is wrong. Set it only directly behind the proxy of Fly.io, which sets that header.',
    default: 'false',
    example: 'true',
    readBy: SERVER_ROLES,
  }),
  TRUST_PROXY: plain(Networks, {
    description:
      'The addresses and networks of your proxies, separated by commas. The `X-Forwarded-For` that they send identifies the caller.',
    default: 'none: every caller behind a proxy counts as the proxy',
    example: '127.0.0.1,10.0.0.0/8',
    readBy: SERVER_ROLES,
  }),
  QUEUE_URL: secret(
    connectionAddress(
      /^rediss?(-cluster|-sentinel)?:\/\//,
      'a redis://, redis-cluster:// or redis-sentinel:// address, or one of rediss',
      findRedisFault,
    ),
    {
      description:
        'The Redis or Valkey that holds the queue: `redis://host:6379`, `redis-cluster://host:port,host:port`, ' +
        '`redis-sentinel://host:port,host:port/master`, each with an optional `user:password@`. `rediss` in place of `redis` uses TLS.',
      default: 'the queue is in the same Postgres',
      example: 'redis://queue.example:6379',
      readBy: QUEUE_ROLES,
    },
  ),
  FETCH_CONCURRENCY: plain(upTo(FETCH_CONCURRENCY_MAX), {
    description: `Number of sources that a process fetches at once, ${FETCH_CONCURRENCY_MAX} at most.`,
    default: String(CONCURRENCY.fetch),
    example: String(CONCURRENCY.fetch),
    readBy: ['fetcher'],
  }),
  APPLY_CONCURRENCY: plain(upTo(APPLY_CONCURRENCY_MAX), {
    description: `Number of parts that a process applies at once, ${APPLY_CONCURRENCY_MAX} at most. Each uses a database connection.`,
    default: String(CONCURRENCY.apply),
    example: String(CONCURRENCY.apply),
    readBy: ['maintainer'],
  }),
  FETCHER_WAKE_URL: wakeUrl('fetchers', 'http://medipim-fetcher.flycast'),
  MAINTAINER_WAKE_URL: wakeUrl('maintainers', 'http://medipim-maintainer.flycast'),
  EXIT_WHEN_IDLE_SECONDS: plain(
    z
      .string()
      .regex(/^[1-9]\d{0,4}$/, { error: 'a number of seconds from 1 to 99999' })
      .transform(Number),
    {
      description:
        'Ends `serve` with 0 when its workers have had no task for so many seconds and no task ' +
        'waits for them, for machines that something else starts again. ' +
        'Only for processes with the role of a fetcher, a maintainer or images.',
      default: 'none: the process runs until it is stopped',
      example: '300',
      readBy: [...WORKER_ROLES, 'images', 'deliver'],
    },
  ),
}

function port(usual: number, purpose: string, readBy: readonly Role[]): Setting<number> {
  return plain(Port, {
    description: `The port ${purpose}; 0 selects a free port.`,
    default: String(usual),
    example: String(usual),
    readBy,
  })
}

function wakeUrl(workers: string, example: string): Setting<string> {
  return plain(HttpUrl, {
    description:
      `The address of the ${workers}, if their machines stop. While tasks wait for them, the ` +
      'orchestrator and the scheduler request `/healthz` there, once a minute, which lets a ' +
      'proxy such as that of Fly.io start a machine.',
    default: `none: the ${workers} always run`,
    example,
    readBy: ['orchestrator', 'scheduler'],
  })
}
