// The body of an answer: decoded, counted, and with every way of ending badly given its name. Bodies that are not compressed pass
// through as the very buffers that the socket gave.

import { once } from 'node:events'
import { pipeline, type Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { SyncError } from '../core/errors.ts'
import { connectionError, cutShort } from './http-errors.ts'
import { errnoOf } from './system-errors.ts'

/** What we say we can read. Deflate is read too when it comes, but not asked for: servers disagree on what it is. */
export const ACCEPT_ENCODING = 'gzip, br, zstd'

// Large outputs: at zlib's default of 16 KiB the events cost more than the inflating.
const OPTIONS = { chunkSize: 256 * 1024 }
// Below this much output a high ratio harms nobody, and small pages of one repeated letter exist.
const RATIO_FREE_BYTES = 16 * 1024 * 1024

/** Who sends less than this while we wait so long holds a place for nothing: 220 bytes a second, where the slowest feeds send a thousand times that. */
const PACE_MIN = { bytes: 64 * 1024, waitedMs: 300_000 }

export interface BodyContext {
  /** For messages: the host, nothing else of the address. */
  readonly host: string
  readonly signal: AbortSignal
  /** The most bytes one compressed byte may become. */
  readonly inflateRatioMax: number
  /** A clock that never goes back, in ms. */
  readonly now: () => number
  /** Called once, when the body has ended in whatever way. */
  readonly onEnd: (bytes: number, error: unknown) => void
}

/**
 * Yields the decoded body. Ending the iteration early gives the connection up.
 *
 * @throws SyncError `source/cut-short` · `source/unavailable` · `source/too-slow` · `source/too-large` (a decompression bomb) · the reason of the signal
 */
export async function* readBody(raw: Readable, encodings: readonly string[], context: BodyContext): AsyncGenerator<Uint8Array> {
  let bytes = 0
  let wireBytes = 0
  let failure: unknown = null
  async function* arrive(): AsyncGenerator<Uint8Array> {
    for await (const chunk of keepPace(raw, context)) {
      wireBytes += chunk.byteLength
      yield chunk
    }
  }
  try {
    const decoders = await decodersFor(encodings, raw)
    const decoded = decoders.reduce<Readable | null>((source, decoder) => pipeline(source ?? arrive(), decoder, ignore), null)
    for await (const chunk of (decoded ?? arrive()) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (decoded !== null && bytes > RATIO_FREE_BYTES && bytes > wireBytes * context.inflateRatioMax) {
        const message = `${context.host} sent a body that unpacks to more than ${context.inflateRatioMax} times its size`
        throw new SyncError('source/too-large', message)
      }
      yield chunk
    }
    // Node stops without a word after the first of several zstd frames, and after the end of the others.
    if ((decoders[0]?.bytesWritten ?? wireBytes) < wireBytes) throw damaged(context.host, 'more follows after its end', bytes, null)
  } catch (error) {
    failure = context.signal.aborted ? context.signal.reason : nameFailure(error, context.host, bytes)
    throw failure
  } finally {
    raw.on('error', ignore).destroy()
    context.onEnd(bytes, failure)
  }
}

/** Counts only the time that the sender is waited for: a reader may be as slow as it likes. */
async function* keepPace(raw: Readable, { host, now }: BodyContext): AsyncGenerator<Uint8Array> {
  let [bytes, waitedMs, askedAtMs] = [0, 0, now()]
  for await (const chunk of raw as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    waitedMs += now() - askedAtMs
    if (waitedMs >= PACE_MIN.waitedMs) {
      if (bytes < PACE_MIN.bytes) throw new SyncError('source/too-slow', `${host} sent ${bytes} bytes in ${Math.round(waitedMs / 1000)} s`)
      bytes = waitedMs = 0
    }
    yield chunk
    askedAtMs = now()
  }
}

function nameFailure(error: unknown, host: string, bytes: number): unknown {
  if (error instanceof SyncError) return error
  const code = errnoOf(error) ?? ''
  if (code === 'Z_BUF_ERROR') return cutShort(host, bytes, error)
  if (/^(Z_|ERR__ERROR_|ZSTD_)/.test(code)) return damaged(host, code, bytes, error)
  return connectionError(error, host, bytes)
}

function damaged(host: string, reason: string, bytes: number, cause: unknown): SyncError {
  return new SyncError('source/unavailable', `${host} sent a damaged compressed body: ${reason}, after ${bytes} bytes`, { cause })
}

type Decoder = Transform & { readonly bytesWritten: number }

async function decodersFor(encodings: readonly string[], raw: Readable): Promise<Decoder[]> {
  const decoders: Decoder[] = []
  for (const encoding of encodings.toReversed()) {
    if (encoding === 'gzip' || encoding === 'x-gzip') decoders.push(zlib.createGunzip(OPTIONS))
    else if (encoding === 'br') decoders.push(zlib.createBrotliDecompress(OPTIONS))
    else if (encoding === 'zstd') decoders.push(zlib.createZstdDecompress(OPTIONS))
    else if (encoding === 'deflate') decoders.push(await openInflate(raw))
    else if (encoding !== '' && encoding !== 'identity') {
      // Not quoted: a header may hold anything, and this becomes the reason of a run.
      throw new SyncError('source/unavailable', 'The answer has a content encoding that is not gzip, br, zstd or deflate')
    }
  }
  return decoders
}

/** "deflate" means zlib by RFC 9110 8.4.1.2, but some servers send the bare stream. */
async function openInflate(raw: Readable): Promise<Decoder> {
  await once(raw, 'readable')
  const first: Buffer | null = raw.read(1)
  if (first === null) return zlib.createInflate(OPTIONS)
  raw.unshift(first)
  const hasZlibHeader = ((first[0] ?? 0) & 0x0f) === 8
  return hasZlibHeader ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS)
}

function ignore(): void {}
