// Adds the read API to the web server.

import { compress } from 'hono/compress'
import type { Context, MiddlewareHandler } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { App, Handler } from '../server/app.ts'
import { sendCacheable } from '../server/cacheable.ts'
import { RESPONSE_MS } from '../server/deadline.ts'
import { readQuery } from '../server/read-request.ts'
import type { ServerEnv } from '../server/responses.ts'
import { createExportHandlers } from './export-handlers.ts'
import { createObjectHandlers, type CatalogueTools } from './handlers.ts'
import { describeApi } from './openapi.ts'
import { NoQuery } from './query-schemas.ts'
import type { CatalogueRouteName } from './routes.ts'

export interface CatalogueOptions extends Omit<CatalogueTools, 'responseMs'> {
  /** Passes the requests that may read. */
  readonly guard: MiddlewareHandler<ServerEnv>
  /** Default 5,000. */
  readonly responseMs?: number
  /** The address of the orchestrator, for the description of its routes. */
  readonly orchestratorUrl: string
}

/** Compression begins at this size: a shorter response fits into one packet as it is. */
const COMPRESSED_BYTES_MIN = 1024

export function addCatalogueRoutes(app: App, options: CatalogueOptions): void {
  const { guard, orchestratorUrl, responseMs = RESPONSE_MS } = options
  const tools = { ...options, responseMs }
  const handlers: Readonly<Record<CatalogueRouteName, Handler>> = {
    ...createObjectHandlers(tools),
    ...createExportHandlers(tools),
    'GET /api/v1/openapi.json': createDescriptionHandler(orchestratorUrl),
  }
  const compressed = compress({ threshold: COMPRESSED_BYTES_MIN, encoding: 'gzip' })
  for (const [route, handler] of Object.entries<Handler>(handlers)) {
    const path = route.slice('GET '.length)
    app.get(path, guard, compressed, handler)
    app.all(path, (c) => {
      c.header('Allow', 'GET, HEAD')
      throw new SyncError('request/wrong-method', `${path} does not support this method`)
    })
  }
}

/** The document is built on the first request, because its schemas take some milliseconds. */
function createDescriptionHandler(orchestratorUrl: string): Handler {
  let text: string | null = null
  return (c: Context<ServerEnv>) => {
    readQuery(c, NoQuery)
    text ??= JSON.stringify(describeApi(orchestratorUrl))
    return sendCacheable(c, text)
  }
}
