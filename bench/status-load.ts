// A process of its own that asks for the status so many times a second, whether or not the earlier
// answers have come, and tells how long they took. Bytes over plain sockets: an HTTP client would
// cost the machine more than the server that is measured.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds to the end of the answer. */
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
const askers = await Promise.all(Array.from({ length: CONNECTIONS }, openAsker))

const startedMs = performance.now()
for (let sent = 0; sent < perSecond * seconds; await sleep(TICK_MS)) {
  const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond)
  for (; sent < due; sent++) askers[sent % CONNECTIONS]?.ask()
}
while (latencies.length < perSecond * seconds) await sleep(TICK_MS)
latencies.sort((a, b) => a - b)
const at = (share: number): number =>
  Math.round(100 * (latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN)) / 100
const answer: CrowdLatency = { p50: at(0.5), p99: at(0.99), max: at(1) }
process.send?.(answer)
for (const { socket } of askers) socket.destroy()
process.disconnect()

/** A connection that asks without waiting; answers come in the order of the questions. */
async function openAsker(): Promise<{ socket: Socket; ask(): void }> {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true })
  await once(socket, 'connect')
  const askedMs: number[] = []
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
    for (let end = endOfAnswer(received); end !== null; end = endOfAnswer(received)) {
      if (!received.startsWith('HTTP/1.1 200 ')) throw new Error(received.slice(0, end))
      received = received.slice(end)
      latencies.push(performance.now() - (askedMs.shift() ?? Number.NaN))
    }
  })
  return {
    socket,
    ask() {
      askedMs.push(performance.now())
      socket.write(request)
    },
  }
}

function endOfAnswer(text: string): number | null {
  const head = text.indexOf(HEAD_END)
  if (head < 0) return null
  const end =
    head + HEAD_END.length + Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1])
  return end <= text.length ? end : null
}
