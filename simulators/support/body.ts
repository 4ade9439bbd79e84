// Sends a response of any length with constant memory: waits for a slow client and applies faults.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { constants, createGzip } from 'node:zlib'
import { filterCommonFaults, type AnyFault, type CommonFault, type Taken } from './faults.ts'
import { hasLineFaults, applyLineFaults, type Chunks } from './lines.ts'
import { renderErrorPage } from './server.ts'

type Place = Extract<CommonFault, { kind: 'stall' | 'reset' | 'cut' }>

/** Thrown to drop the connection of a response; it does not leave this file. */
class Dropped extends Error {
  /** True when the bytes written so far must still arrive. */
  readonly isFlushed: boolean

  constructor({ isFlushed = false } = {}) {
    super('dropped')
    this.isFlushed = isFlushed
  }
}

/** Waits or responds according to the faults. Returns true when the response has been sent. */
export async function sendFaultResponse(
  response: ServerResponse,
  taken: Taken<AnyFault>,
): Promise<boolean> {
  for (const fault of filterCommonFaults(taken.faults)) {
    if (fault.kind === 'latency') await pause(fault.ms, response, taken.cleared)
    if (fault.kind === 'empty') response.writeHead(200, { 'content-length': 0 }).end()
    if (fault.kind === 'status') {
      const type = fault.body?.startsWith('{') === true ? 'application/json' : 'text/html'
      response
        .writeHead(fault.status, { 'content-type': type, ...fault.headers })
        .end(fault.body ?? renderErrorPage(fault.status))
    }
    if (response.writableEnded || response.destroyed) return true
  }
  return false
}

export interface SendOptions {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly taken: Taken<AnyFault>
  /** Compresses without the fault `gzip`: the client accepts it and the simulator is set to. */
  readonly gzip?: boolean
}

/**
 * Sends `chunks` as a chunked response. Resolves with the number of uncompressed bytes written,
 * also when the connection was dropped.
 */
export async function sendBody(
  response: ServerResponse,
  chunks: Chunks,
  options: SendOptions,
): Promise<number> {
  const { status = 200, headers = {}, taken, gzip = false } = options
  const faults = filterCommonFaults(taken.faults)
  const isZipped = gzip || faults.some(({ kind }) => kind === 'gzip')
  const readTimeoutMs = faults.find((fault) => fault.kind === 'slow-reader')?.ms ?? null
  response.writeHead(status, isZipped ? { ...headers, 'content-encoding': 'gzip' } : headers)
  response.flushHeaders()
  const wait: Wait = (ms) => pause(ms, response, taken.cleared)
  let sentBytes = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of misbehave(chunks, faults, wait)) {
      sentBytes += chunk.byteLength
      yield chunk
    }
  }
  try {
    for await (const chunk of isZipped ? compress(counted()) : counted())
      await write(response, chunk, readTimeoutMs)
    if (!response.destroyed)
      await new Promise<void>((resolve) => response.once('close', resolve).end(resolve))
  } catch (error) {
    if (!(error instanceof Dropped)) throw error
    if (error.isFlushed) await waitUntilFlushed(response)
    response.destroy()
  }
  return sentBytes
}

/** Null: until the faults are cleared. */
type Wait = (ms: number | null) => Promise<void>

async function* misbehave(
  chunks: Chunks,
  faults: readonly CommonFault[],
  wait: Wait,
): AsyncGenerator<Uint8Array> {
  let bytes: Chunks = hasLineFaults(faults) ? applyLineFaults(chunks, faults) : chunks
  for (const fault of faults) {
    if (fault.kind === 'stall' || fault.kind === 'reset' || fault.kind === 'cut')
      bytes = interrupt(bytes, fault, wait)
    if (fault.kind === 'split-characters') bytes = splitCharacters(bytes)
    if (fault.kind === 'drip') bytes = drip(bytes, fault.bytes, fault.everyMs, wait)
  }
  yield* bytes
}

/** Yields the bytes before the fault's place, then applies it. */
async function* interrupt(chunks: Chunks, fault: Place, wait: Wait): AsyncGenerator<Uint8Array> {
  let linesLeft = fault.afterLines
  let bytesLeft = fault.afterBytes
  let isDone = false
  for await (const chunk of chunks) {
    let cut = 0
    while (!isDone && linesLeft > 0 && cut < chunk.byteLength) {
      const end = chunk.indexOf(0x0a, cut)
      cut = end < 0 ? chunk.byteLength : end + 1
      if (end >= 0) linesLeft -= 1
    }
    const step = isDone || linesLeft > 0 ? 0 : Math.min(bytesLeft, chunk.byteLength - cut)
    bytesLeft -= step
    cut += step
    if (isDone || linesLeft > 0 || bytesLeft > 0) {
      yield chunk
      continue
    }
    if (cut > 0) yield chunk.subarray(0, cut)
    if (fault.kind === 'cut') return
    if (fault.kind === 'reset') throw new Dropped({ isFlushed: true })
    isDone = true
    await wait(null)
    if (cut < chunk.byteLength) yield chunk.subarray(cut)
  }
}

async function* splitCharacters(chunks: Chunks): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    let start = 0
    for (let at = 0; at < chunk.byteLength; at++) {
      if ((chunk[at] ?? 0) < 0xc0) continue
      yield chunk.subarray(start, at + 1)
      start = at + 1
    }
    if (start < chunk.byteLength) yield chunk.subarray(start)
  }
}

async function* drip(
  chunks: Chunks,
  bytes: number,
  everyMs: number,
  wait: Wait,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += bytes) {
      yield chunk.subarray(at, at + bytes)
      await wait(everyMs)
    }
  }
}

async function* compress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  // An error reaches the reader below, through `gzip` itself.
  pipeline(chunks, gzip, () => {})
  yield* gzip
}

/** Writes `chunk` and waits for room, so that no bytes accumulate for a slow client. */
async function write(
  response: ServerResponse,
  chunk: Uint8Array,
  readTimeoutMs: number | null,
): Promise<void> {
  if (response.destroyed) throw new Dropped()
  if (response.write(chunk)) return
  const gone = new AbortController()
  try {
    const waits = [
      once(response, 'drain', { signal: gone.signal }),
      once(response, 'close', { signal: gone.signal }),
    ]
    if (readTimeoutMs === null) await Promise.race(waits)
    else
      await Promise.race([
        ...waits,
        sleep(readTimeoutMs, null, { signal: gone.signal }).then(() => {
          throw new Dropped()
        }),
      ])
  } finally {
    gone.abort()
  }
  if (response.destroyed) throw new Dropped()
}

/** Resolves when all written bytes were sent, so that a reset happens at an exact byte. */
async function waitUntilFlushed(response: ServerResponse): Promise<void> {
  while (!response.destroyed && (response.socket?.writableLength ?? 0) > 0) await sleep(1)
}

/**
 * Waits `ms` (null: without limit) or until the faults are cleared. @throws Dropped when the client
 * disconnects
 */
async function pause(
  ms: number | null,
  response: ServerResponse,
  cleared: AbortSignal,
): Promise<void> {
  if (cleared.aborted) return
  const over = new AbortController()
  const end = (): void => over.abort()
  response.once('close', end)
  cleared.addEventListener('abort', end)
  try {
    await (ms === null
      ? once(over.signal, 'abort')
      : sleep(ms, null, { signal: over.signal }).catch(() => null))
  } finally {
    response.off('close', end)
    cleared.removeEventListener('abort', end)
  }
  if (response.destroyed) throw new Dropped()
}
