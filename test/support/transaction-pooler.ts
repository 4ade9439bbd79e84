// A minimal pooler in transaction mode: every client seems to have a separate session, and all
// clients share a few real connections that change hands between queries, as in PgBouncer and
// Supavisor.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import pg from 'pg'

const QUERY = 'Q'.charCodeAt(0)
/**
 * AuthenticationOk and ReadyForQuery (idle).
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
const READY = WELCOME.subarray(9)

interface Pooler {
  readonly url: string
  close(): Promise<void>
}

/**
 * Listens on loopback in front of `url` with `size` server connections. A query gets the connection
 * that was used last, or each in turn.
 */
export async function startTransactionPooler(
  url: string,
  size: number,
  order: 'last' | 'turn',
): Promise<Pooler> {
  const sessions = await Promise.all(Array.from({ length: size }, () => openSession(url)))
  const idle = [...sessions]

  const server = createServer((client) => {
    client.on('error', () => undefined)
    client.once('data', () => {
      client.write(WELCOME)
      client.on('data', (message) => {
        if (message[0] !== QUERY) return
        const session = order === 'last' ? idle.pop() : idle.shift()
        if (!session) throw new Error('Every session is in use: run one query at a time')
        const forward = (reply: Buffer): void => {
          client.write(reply)
          if (!reply.subarray(-READY.length).equals(READY)) return
          session.off('data', forward)
          idle.push(session)
        }
        session.on('data', forward)
        session.write(message)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const front = new URL(url)
  front.port = typeof address === 'object' && address ? String(address.port) : ''
  return {
    url: front.href,
    async close() {
      server.close()
      for (const session of sessions) session.destroy()
      await once(server, 'close')
    },
  }
}

/** A connection that pg has logged in and whose bytes are then handled here. */
async function openSession(url: string): Promise<Socket> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.removeAllListeners('data')
  return stream
}
