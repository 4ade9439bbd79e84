// A network between a client and a server of any TCP protocol. It can be cut, stalled, slow or
// narrow. It runs inside the test process, so a test that computes without a pause also delays the
// traffic.

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lifetime } from './database.ts'

const QUEUE_BYTES_MAX = 1024 * 1024
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
}

/**
 * Starts a proxy on a loopback port in front of the server of the URL `target`, until the test
 * ends.
 */
export async function startProxy(t: Lifetime, target: string): Promise<FaultyProxy> {
  const proxy = new FaultyProxy(target)
  t.after(() => proxy.cut())
  await proxy.resume()
  return proxy
}

/** Returns `url` with the proxy's address. */
export function routeThrough(url: string, { port }: { readonly port: number }): string {
  const way = new URL(url)
  way.hostname = '127.0.0.1'
  way.port = String(port)
  return way.href
}

/** All connections in one direction share its bandwidth. */
interface Lane {
  freeAt: number
}

export class FaultyProxy {
  /** The delay of each byte, in each direction. */
  latencyMs = 0
  /** The bandwidth of all connections together, in each direction. */
  bytesPerSecond = Infinity

  readonly #target: URL
  readonly #server = createServer({ allowHalfOpen: true }, (client) => void this.#join(client))
  readonly #sockets = new Set<Socket>()
  readonly #there: Lane = { freeAt: 0 }
  readonly #back: Lane = { freeAt: 0 }
  #connections = 0
  #port = 0
  #stalled: PromiseWithResolvers<void> | null = null
  readonly #lost = new WeakSet<Socket>()
  /** Called for each message of a client, before it is delivered. */
  #onMessage: () => Promise<void> = () => Promise.resolve()

  constructor(target: string) {
    this.#target = new URL(target)
  }

  /** The port stays the same after a cut. */
  get port(): number {
    return this.#port
  }

  /** The clients that are connected now. */
  get connections(): number {
    return this.#connections
  }

  /** Resets all connections and refuses new ones. */
  async cut(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : null
    this.#server.close()
    for (const socket of this.#sockets) reset(socket)
    this.#open()
    await closed
  }

  /**
   * Behaves as if every packet were lost: the proxy takes up to a megabyte in each direction and
   * delivers nothing. Neither side learns that the other one has ended. A new client is connected
   * to the proxy, but no further.
   */
  stall(): void {
    this.#stalled ??= Promise.withResolvers()
  }

  /**
   * Cuts when clients have sent `messages` more messages, of which the last is not delivered. Each
   * write of a client is a message, unless the client writes faster than the proxy reads. Resolves
   * when the network is cut. A later call replaces an earlier one.
   */
  cutAfter(messages: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let left = messages
    this.#onMessage = async () => {
      left -= 1
      if (left === 0) await this.cut().then(resolve, reject)
    }
    return promise
  }

  /**
   * Behaves as if the packets of all present connections were lost from now on, as after a change of
   * a route. Neither side learns of it, and new connections work.
   */
  loseConnections(): void {
    for (const socket of this.#sockets) this.#lost.add(socket)
  }

  /** Ends a cut, or a stall, whose bytes arrive now. */
  async resume(): Promise<void> {
    this.#open()
    if (this.#server.listening) return
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.#port = typeof address === 'object' && address ? address.port : 0
  }

  #open(): void {
    this.#stalled?.resolve()
    this.#stalled = null
  }

  async #join(client: Socket): Promise<void> {
    this.#connections += 1
    this.#adopt(client).once('close', () => (this.#connections -= 1))
    await this.#travel()
    if (client.destroyed) return
    const { hostname, port, protocol } = this.#target
    const server = this.#adopt(
      connect({
        host: hostname,
        port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0),
        allowHalfOpen: true,
      }),
    )
    await Promise.all([
      this.#carry(client, server, this.#there),
      this.#carry(server, client, this.#back),
    ])
  }

  #adopt(socket: Socket): Socket {
    this.#sockets.add(socket.setNoDelay())
    // #carry reports a failure to the other side.
    return socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket))
  }

  /** Carries all data from `from` to `to`, in order, and then how `from` ended. */
  async #carry(from: Socket, to: Socket, lane: Lane): Promise<void> {
    let delivered = Promise.resolve()
    let queuedBytes = 0
    const deliver = async (bytes: Buffer, sentAt: number): Promise<void> => {
      await this.#write(bytes, to, lane, sentAt)
      queuedBytes -= bytes.length
    }
    let broken = false
    try {
      for await (const bytes of from.iterator({
        destroyOnReturn: false,
      }) as AsyncIterable<Buffer>) {
        if (lane === this.#there) await this.#onMessage()
        const [before, sentAt] = [delivered, performance.now()]
        delivered = before.then(() => deliver(bytes, sentAt))
        queuedBytes += bytes.length
        if (queuedBytes > QUEUE_BYTES_MAX) await delivered
      }
    } catch {
      broken = true
    }
    const endedAt = performance.now()
    await delivered
    await this.#travel(endedAt)
    if (this.#lost.has(from)) return
    if (broken) reset(to)
    else to.end()
  }

  async #write(bytes: Buffer, to: Socket, lane: Lane, sentAt: number): Promise<void> {
    for (let at = 0; at < bytes.length && !to.destroyed && !this.#lost.has(to);) {
      await this.#travel(sentAt)
      // The data of a twentieth of a second at a time, so that a change of the bandwidth takes
      // effect soon.
      const slice = bytes.subarray(at, at + Math.max(1, this.bytesPerSecond / 20))
      at += slice.length
      lane.freeAt =
        Math.max(performance.now(), lane.freeAt) + (slice.length / this.bytesPerSecond) * 1000
      await waitUntil(lane.freeAt)
      await new Promise<void>((resolve) => to.write(slice, () => resolve()))
    }
  }

  /** Resolves when the data that was sent at `sentAt` has arrived. */
  async #travel(sentAt = performance.now()): Promise<void> {
    await waitUntil(sentAt + this.latencyMs)
    while (this.#stalled) await this.#stalled.promise
  }
}

/** Not while a socket ends, because Node 24 would lose its handle and never exit. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

async function waitUntil(at: number): Promise<void> {
  const waitMs = at - performance.now()
  if (waitMs > 0) await sleep(waitMs, undefined, { ref: false })
}
