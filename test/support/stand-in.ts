// An HTTP server on loopback in the place of Slack or Sentry. It records requests, and refuses, breaks or
// ignores those that a test chooses.

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { Lifetime } from './database.ts'

export interface StandIn {
  /** `http://127.0.0.1:…` */
  readonly url: string
  /** The bodies of all requests, in order. */
  readonly bodies: string[]
  /** Respond to the next requests; later ones get 200. */
  readonly faults: ((response: ServerResponse) => void)[]
}

/** A fault: the request gets no response. */
export function ignore(): void {}

export async function startStandIn(t: Lifetime): Promise<StandIn> {
  const bodies: string[] = []
  const faults: StandIn['faults'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString())
      const fault = faults.shift()
      if (fault) fault(response)
      else response.end('ok')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    await promisify(server.close.bind(server))()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, faults }
}
