// Requests the status at a fixed rate from a separate process, without waiting for earlier
// responses, and reports the latencies. It uses plain sockets, because an HTTP client would need
// more CPU than the measured server.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds to the end of the response. */
export interface CrowdLatency {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const CONNECTIONS = 20
const TICK_MS = 5
const HEAD_END = '\r\n\r\n'

const [port, perSecond, seconds] = process.argv.slice(2).map(Number)
if (port === undefined || perSecond === undefined || seconds === undefined)
  throw new Error('usage: ADMIN_KEY=… status-load.ts PORT PER_SECOND SECONDS')
const request = Buffer.from(
  [
    'GET /status HTTP/1.1',
    'Host: 127.0.0.1',
    `X-ADMIN-KEY: ${process.env['ADMIN_KEY']}`,
    '',
    '',
  ].join('\r\n'),
)
const latencies: number[] = []
const connections = await Promise.all(Array.from({ length: CONNECTIONS }, openConnection))

const startedMs = performance.now()
for (let sent = 0; sent < perSecond * seconds; await sleep(TICK_MS)) {
  const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond)
  for (; sent < due; sent++) connections[sent % CONNECTIONS]?.send()
}
while (latencies.length < perSecond * seconds) await sleep(TICK_MS)
latencies.sort((a, b) => a - b)
const at = (share: number): number =>
  Math.round(100 * (latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN)) / 100
const latency: CrowdLatency = { p50: at(0.5), p99: at(0.99), max: at(1) }
process.send?.(latency)
for (const { socket } of connections) socket.destroy()
process.disconnect()

/** `send` does not wait for a response; responses arrive in the order of the requests. */
async function openConnection(): Promise<{ socket: Socket; send(): void }> {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true })
  await once(socket, 'connect')
  const sentAtMs: number[] = []
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
    for (let end = findResponseEnd(received); end !== null; end = findResponseEnd(received)) {
      if (!received.startsWith('HTTP/1.1 200 ')) throw new Error(received.slice(0, end))
      received = received.slice(end)
      latencies.push(performance.now() - (sentAtMs.shift() ?? Number.NaN))
    }
  })
  return {
    socket,
    send() {
      sentAtMs.push(performance.now())
      socket.write(request)
    },
  }
}

function findResponseEnd(text: string): number | null {
  const head = text.indexOf(HEAD_END)
  if (head < 0) return null
  const end =
    head + HEAD_END.length + Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1])
  return end <= text.length ? end : null
}
