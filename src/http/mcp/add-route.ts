// Adds the Model Context Protocol over HTTP to the web server: stateless, one server for each
// request, so that any process can respond to any request.

import type { Context, MiddlewareHandler } from 'hono'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import type { App } from '../server/app.ts'
import { RESPONSE_MS } from '../server/deadline.ts'
import { BODY_BYTES_MAX } from '../server/read-request.ts'
import type { ServerEnv } from '../server/responses.ts'

export interface McpOptions {
  readonly db: Db
  /** Passes the requests that may read. A session of a browser is not enough. */
  readonly guard: MiddlewareHandler<ServerEnv>
  readonly redactKeys: Redactor
  /** Default 5,000. */
  readonly responseMs?: number
}

export function addMcpRoute(app: App, { guard, ...options }: McpOptions): void {
  app.post('/mcp', guard, (c) => serveMcp(c, options))
  app.all('/mcp', (c) => {
    c.header('Allow', 'POST')
    throw new SyncError('request/wrong-method', '/mcp is stateless and takes requests by POST')
  })
}

/** The SDK is imported with the first request: most processes get none. */
async function serveMcp(
  c: Context<ServerEnv>,
  { db, redactKeys, responseMs = RESPONSE_MS }: Omit<McpOptions, 'guard'>,
): Promise<Response> {
  const { log, correlationId, redact } = c.var
  const [{ createMcpHandler }, { createMcpServer }] = await Promise.all([
    import('@modelcontextprotocol/server'),
    import('./server.ts'),
  ])
  const tools = { db, log, correlationId, responseMs, redact, redactKeys }
  const handler = createMcpHandler(() => createMcpServer(tools), {
    maxRequestBodySize: BODY_BYTES_MAX,
    onerror: (error) => log.info({ cause: error.message }, 'a request to /mcp was refused'),
  })
  return handler.fetch(c.req.raw)
}
