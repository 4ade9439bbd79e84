// One HTTP face from its routes and their handlers, with what all faces have in common: correlation
// id, access log, key, errors as JSON. A path that exists is never 404, a method that it does not
// know is 405.

import { randomUUID } from 'node:crypto'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { SyncError } from '../../core/errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { sendError, type ServerEnv } from './responses.ts'
import { clientOf, type ProxyTrust } from './client-address.ts'
import { createKeyGuard, type KeyGuardOptions } from './key-guard.ts'
import { FACES, type ServerName, type Route } from '../control/routes.ts'

export interface AppOptions {
  readonly log: Log
  /** The last step before an answer leaves, so that no handler has to remember what is secret. */
  readonly redact: Redactor
  /** How callers are told apart behind proxies. */
  readonly trust: ProxyTrust
}

export type App = Hono<ServerEnv>
export type Handler = (c: Context<ServerEnv>) => Response | Promise<Response>
type Handlers<Name extends ServerName> = Readonly<
  Record<keyof (typeof FACES)[Name]['routes'], Handler>
>

/**
 * Read at every scrape, probe or glance, many times a minute: what went well with them would bury
 * all other lines, and cost as much as the answers.
 */
const PROBES = new Set(['/healthz', '/metrics', '/status'])

/** `guard`: null only for a face that has no route with a key. */
export function createApp<Name extends ServerName>(
  name: Name,
  handlers: Handlers<Name>,
  options: AppOptions,
  guard: KeyGuardOptions | null,
): App {
  const app: App = new Hono()
  const keyGuard = guard && createKeyGuard(guard)
  const methods = new Map<string, string[]>()
  app.use(accompany(options))
  for (const [route, handler] of Object.entries<Handler>(handlers)) {
    const [method = '', path = ''] = route.split(' ')
    const { needsKey } = routeOf(name, route)
    if (needsKey && !keyGuard) throw new Error(`${name} ${route} needs a key guard`)
    app.on(method, [path], ...(needsKey && keyGuard ? [keyGuard] : []), handler)
    methods.set(path, [
      ...(methods.get(path) ?? []),
      ...(method === 'GET' ? ['GET', 'HEAD'] : [method]),
    ])
  }
  for (const [path, allowed] of methods) {
    app.all(path, (c) => {
      c.header('Allow', allowed.join(', '))
      throw new SyncError('request/wrong-method', `${path} does not know this method`)
    })
  }
  app.notFound((c) => sendError(c, new SyncError('request/unknown-path', 'There is no such path')))
  app.onError((error, c) => sendError(c, error))
  return app
}

function routeOf(name: ServerName, route: string): Route {
  const routes: Readonly<Record<string, Route>> = FACES[name].routes
  const found = routes[route]
  if (!found) throw new Error(`${name} has no route ${route}`)
  return found
}

/** Gives each request its id and its log, and writes the access log when it is answered. */
function accompany({ log, redact, trust }: AppOptions): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const startedMs = performance.now()
    const correlationId = correlationIdOf(c.req.header('X-Correlation-Id'))
    const client = clientOf(c.env.incoming, trust)
    c.set('correlationId', correlationId)
    c.set('client', client)
    c.set('redact', redact)
    c.set('log', log.child({ cid: correlationId }))
    c.header('X-Correlation-Id', correlationId)
    c.header('Cache-Control', 'no-store')
    await next()
    // The pattern, never the path: a path may hold anything that a caller typed.
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

/** The caller's own id when it can be nothing but an id, else a new one. */
function correlationIdOf(given: string | undefined): string {
  return given !== undefined && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
}
