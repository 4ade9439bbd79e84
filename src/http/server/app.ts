// Builds one HTTP server from its routes and their handlers, with the parts that all servers share:
// correlation id, access log, key check, errors as JSON. An unsupported method on a known path is
// 405, never 404.

import { randomUUID } from 'node:crypto'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { SyncError } from '../../core/errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Outages } from '../../telemetry/outages.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { sendError, type ServerEnv } from './responses.ts'
import { findClientAddress, type ProxyTrust } from './client-address.ts'
import type { KeyCheck } from './key-check.ts'
import { createKeyGuard } from './key-guard.ts'
import { SERVERS, type ServerName, type Route } from '../control/routes.ts'

export interface AppOptions {
  readonly log: Log
  readonly outages: Outages
  /** Applied to every JSON response, so that handlers do not need to know the secrets. */
  readonly redact: Redactor
  /** The proxies whose headers about the caller's address are trusted. */
  readonly trust: ProxyTrust
}

export type App = Hono<ServerEnv>
export type Handler = (c: Context<ServerEnv>) => Response | Promise<Response>
export type Handlers<Name extends ServerName> = Readonly<
  Record<keyof (typeof SERVERS)[Name]['routes'], Handler>
>

/**
 * Paths that probes and dashboards request many times a minute. Their successful requests are logged
 * at level debug.
 */
const PROBES = new Set(['/healthz', '/metrics', '/status'])

/** Builds the app of a server. `checkKey` may be null only if no route needs a key. */
export function createApp<Name extends ServerName>(
  name: Name,
  handlers: Handlers<Name>,
  options: AppOptions,
  checkKey: KeyCheck | null,
): App {
  const app: App = new Hono()
  const keyGuard = checkKey && createKeyGuard(checkKey)
  const methods = new Map<string, string[]>()
  app.use(createRequestContext(options))
  for (const [route, handler] of Object.entries<Handler>(handlers)) {
    const [method = '', path = ''] = route.split(' ')
    const { needsKey, allowsSyncKey = false } = loadRoute(name, route)
    if (needsKey && !keyGuard) throw new Error(`${name} ${route} needs a key guard`)
    const access = { allowsSyncKey, allowsReadKey: method === 'GET' }
    app.on(method, [path], ...(needsKey && keyGuard ? [keyGuard(access)] : []), handler)
    methods.set(path, [
      ...(methods.get(path) ?? []),
      ...(method === 'GET' ? ['GET', 'HEAD'] : [method]),
    ])
  }
  for (const [path, allowed] of methods) {
    app.all(path, (c) => {
      c.header('Allow', allowed.join(', '))
      throw new SyncError('request/wrong-method', `${path} does not support this method`)
    })
  }
  app.notFound((c) =>
    sendError(c, new SyncError('request/unknown-path', 'The path does not exist')),
  )
  app.onError((error, c) => sendError(c, error))
  return app
}

function loadRoute(name: ServerName, route: string): Route {
  const routes: Readonly<Record<string, Route>> = SERVERS[name].routes
  const found = routes[route]
  if (!found) throw new Error(`${name} has no route ${route}`)
  return found
}

/** Gives each request its correlation id and log, and writes the access log after the response. */
function createRequestContext({
  log,
  outages,
  redact,
  trust,
}: AppOptions): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const startedMs = performance.now()
    const correlationId = toCorrelationId(c.req.header('X-Correlation-Id'))
    const client = findClientAddress(c.env.incoming, trust)
    c.set('correlationId', correlationId)
    c.set('client', client)
    c.set('redact', redact)
    const work = (): string => `request ${c.req.method} ${routePath(c, -1)}`
    c.set('reportOutage', (error) => outages.failed(error, { work: work(), startedMs }))
    c.set('log', log.child({ cid: correlationId }))
    c.header('X-Correlation-Id', correlationId)
    c.header('Cache-Control', 'no-store')
    await next()
    if (c.res.ok) outages.worked(work())
    // The route pattern, not the path: a path may contain anything that a caller typed.
    const matched = routePath(c, -1)
    const route = matched === '/*' ? null : matched
    const ms = Math.round(10 * (performance.now() - startedMs)) / 10
    const facts = {
      method: c.req.method,
      route,
      status: c.res.status,
      ms,
      bytes: Number(c.res.headers.get('Content-Length')),
      client,
    }
    c.var.log[PROBES.has(matched) && c.res.ok ? 'debug' : 'info'](
      { ...facts, code: c.var.errorCode },
      'request',
    )
  }
}

/** Returns the caller's id if it is safe to log, otherwise a new one. */
function toCorrelationId(given: string | undefined): string {
  return given !== undefined && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
}
