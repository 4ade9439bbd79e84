// An HTTP server on loopback for a simulator. Closing it also ends stalled connections.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export interface Listening {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Port 0: a free one. An error in `handler` is printed to stderr and drops the connection. */
export async function listen(
  handler: Handler,
  { port = 0, host = '127.0.0.1' } = {},
): Promise<Listening> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      // Clients of many tests disconnect during a response.
      if (!response.destroyed) console.error('simulator:', error)
      response.destroy()
    })
  })
  // Only the client closes an idle connection: otherwise a request in transit would fail.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a TCP port')
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? ''
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

export function readPath(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
}

export async function readBytes(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function readText(request: IncomingMessage): Promise<string> {
  return (await readBytes(request)).toString()
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': bytes.length,
      ...headers,
    })
    .end(bytes)
}

/** Renders the page that a web server in front of an unavailable API sends. */
export function renderErrorPage(status: number): string {
  const head = `<head><title>${status} Error</title></head>`
  const body = `<body><center><h1>${status} Error</h1></center><hr></body>`
  return `<html>\r\n${head}\r\n${body}\r\n</html>\r\n`
}
