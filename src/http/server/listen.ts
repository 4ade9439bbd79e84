// Serves an app on a port. Closing refuses new connections and finishes open requests.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { ERRORS } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { findErrno } from '../../node/system-errors.ts'
import type { App } from './app.ts'

/** Generous for small JSON requests, but a slow sender cannot occupy a connection. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
}
const GRACE_MS = 10_000

export interface Listening {
  readonly port: number
  /**
   * Refuses new connections and resolves when the last response is sent. Responses that exceed the
   * grace period are cut off. Safe to call twice.
   */
  close(): Promise<void>
}

export interface ListenOptions {
  /** `::` means all addresses, or all IPv4 addresses on a machine without IPv6. */
  readonly host: string
  /** 0 selects a free port. */
  readonly port: number
  /** The setting that the port came from, for errors. */
  readonly setting?: string
  /** Default 10,000. */
  readonly graceMs?: number
}

/** Used for HTTP/1.0 probes, which send no Host header. */
const DEFAULT_HOST = 'localhost'

/** @throws SyncError `settings/invalid` when the address or the port is not available */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { graceMs = GRACE_MS } = options
  const sockets = new Set<Socket>()
  const pending = new Set<ServerResponse>()
  // This also replaces the global Response with one that Node sends without conversion: a response
  // takes 0.2 ms instead of 0.4.
  const handle = getRequestListener(app.fetch, {
    errorHandler: sendMalformed,
    hostname: DEFAULT_HOST,
  })
  const server = createServer(LIMITS, (request, response) => {
    pending.add(response)
    response.once('close', () => pending.delete(response))
    response.shouldKeepAlive &&= server.listening
    void handle(request, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await bind(server, options)

  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    // Node would wait for connections without a request, and keep connections with one open.
    const busy = new Set(Array.from(pending, ({ socket }) => socket))
    for (const socket of sockets) if (!busy.has(socket)) socket.destroySoon()
    for (const response of pending) response.shouldKeepAlive = false
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
  }
  let stopping: Promise<void> | null = null
  return { port: (server.address() as AddressInfo).port, close: () => (stopping ??= stop()) }
}

async function bind(
  server: Server,
  { host, port, setting = 'port' }: ListenOptions,
): Promise<void> {
  try {
    // Without a host, Node falls back to IPv4 in a container without IPv6.
    server.listen({ port, ...(host === '::' ? {} : { host }) })
    await once(server, 'listening')
  } catch (cause) {
    const errno = findErrno(cause)
    const reason =
      errno === 'EADDRINUSE' ? 'another process listens there' : (errno ?? String(cause))
    throw new SyncError(
      'settings/invalid',
      `${setting}: cannot listen on ${port} of ${host}: ${reason}`,
      { cause },
    )
  }
}

/** The response to input that cannot become a request because its host or path is malformed. */
function sendMalformed(): Response {
  const code = 'request/invalid'
  const { status, hint } = ERRORS[code]
  const headers = { 'Cache-Control': 'no-store', 'X-Correlation-Id': randomUUID() }
  return Response.json(
    { error: { code, message: 'The host or the path of the request is malformed', hint } },
    { status, headers },
  )
}
