// Serves an app on a port, and stops without breaking off an answer: what is open is finished,
// nothing new is taken.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { ERRORS, SyncError } from '../../core/errors.ts'
import { errnoOf } from '../../node/system-errors.ts'
import type { App } from './app.ts'

/**
 * No header takes ten seconds and no body of ours thirty: slow senders hold no connection for long.
 */
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
   * Takes nothing new and resolves when the last answer is out; what takes longer than the grace is
   * broken off. Twice is safe.
   */
  close(): Promise<void>
}

export interface ListenOptions {
  /** `::` is every address, and IPv4 alone on a machine without IPv6. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** What the port is called where it is set, for errors. */
  readonly setting?: string
  /** Default 10,000. */
  readonly graceMs?: number
}

/** For probes that speak HTTP/1.0 and name no host. */
const NO_HOST = 'localhost'

/** @throws SyncError `settings/invalid` when the address or the port cannot be had */
export async function listen(
  app: App,
  { host, port, setting = 'port', graceMs = GRACE_MS }: ListenOptions,
): Promise<Listening> {
  const sockets = new Set<Socket>()
  const answering = new Set<ServerResponse>()
  // It also replaces the global Response by one that Node can send as it is: an answer costs 0.2 ms
  // instead of 0.4.
  const handle = getRequestListener(app.fetch, { errorHandler: refuseMalformed, hostname: NO_HOST })
  const server = createServer(LIMITS, (request, response) => {
    answering.add(response)
    response.once('close', () => answering.delete(response))
    response.shouldKeepAlive &&= server.listening
    void handle(request, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  try {
    // Without a host Node chooses what the machine has, which a container without IPv6 needs.
    server.listen({ port, ...(host === '::' ? {} : { host }) })
    await once(server, 'listening')
  } catch (cause) {
    const errno = errnoOf(cause)
    const reason =
      errno === 'EADDRINUSE' ? 'another process listens there' : (errno ?? String(cause))
    throw new SyncError(
      'settings/invalid',
      `${setting}: cannot listen on ${port} of ${host}: ${reason}`,
      { cause },
    )
  }

  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    // Node would wait for connections on which nobody has asked anything yet, and keep those open
    // that are asked on just now.
    const busy = new Set(Array.from(answering, ({ socket }) => socket))
    for (const socket of sockets) if (!busy.has(socket)) socket.destroySoon()
    for (const response of answering) response.shouldKeepAlive = false
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
  }
  let stopping: Promise<void> | null = null
  return { port: (server.address() as AddressInfo).port, close: () => (stopping ??= stop()) }
}

/** What never became a request: its host or path is not one. */
function refuseMalformed(): Response {
  const code = 'request/invalid'
  const { status, hint } = ERRORS[code]
  const headers = { 'Cache-Control': 'no-store', 'X-Correlation-Id': randomUUID() }
  return Response.json(
    { error: { code, message: 'The host or the path of the request cannot be read', hint } },
    { status, headers },
  )
}
