// The body of an answer: decoded, counted, and with every way of ending badly given its name.
// Bodies that are not compressed pass through as the very buffers that the socket gave.

import { once } from 'node:events'
import { pipeline, type Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { SyncError } from '../core/errors.ts'
import { toConnectionError, cutShort } from './http-errors.ts'
import { findErrno } from './system-errors.ts'

/**
 * What we say we can read. Deflate is read too when it comes, but not asked for: servers disagree
 * on what it is.
 */
export const ACCEPT_ENCODING = 'gzip, br, zstd'

// Large outputs: at zlib's default of 16 KiB the events cost more than the inflating.
const OPTIONS = { chunkSize: 256 * 1024 }
// 8 MiB is the most that RFC 9659 lets a server use; zstd itself would keep 128 MiB of output for
// references.
const ZSTD_OPTIONS = { ...OPTIONS, params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }
// One is usual, and a proxy may put a second on top. Each more multiplies what a few bytes can
// become.
const ENCODINGS_MAX = 2
// Below this much output a high ratio harms nobody, and small pages of one repeated letter exist.
const RATIO_FREE_BYTES = 16 * 1024 * 1024

/**
 * Who sends less than this while we wait so long holds a place for nothing: 220 bytes a second,
 * where the slowest feeds send a thousand times that.
 */
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
 * @throws SyncError `source/cut-short` · `source/unavailable` · `source/too-slow` ·
 * `source/too-large` (a decompression bomb) · the reason of the signal
 */
export async function* readBody(
  raw: Readable,
  encodings: readonly string[],
  context: BodyContext,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  let failure: unknown = null
  const wire = { bytes: 0 }
  try {
    const decoders = await decodersFor(encodings, raw, context)
    for await (const chunk of decoders.reduce(
      (source, decoder) => unpack(source, decoder, wire, context),
      keepPace(raw, wire, context),
    )) {
      bytes += chunk.byteLength
      yield chunk
    }
  } catch (error) {
    failure = context.signal.aborted
      ? context.signal.reason
      : toSyncError(error, context.host, bytes)
    throw failure
  } finally {
    raw.on('error', ignore).destroy()
    context.onEnd(bytes, failure)
  }
}

/**
 * One stage of decoding. What comes out is measured against the wire and not against the stage
 * before, because an inner stage may swallow what an outer one has blown up, and the body itself
 * stays small.
 */
async function* unpack(
  source: AsyncIterable<Uint8Array>,
  decoder: Decoder,
  wire: Counted,
  { host, inflateRatioMax }: BodyContext,
): AsyncGenerator<Uint8Array> {
  const [taken, given] = [{ bytes: 0 }, { bytes: 0 }]
  for await (const chunk of count(pipeline(count(source, taken), decoder, ignore), given)) {
    if (given.bytes > RATIO_FREE_BYTES && given.bytes > wire.bytes * inflateRatioMax) {
      throw new SyncError(
        'source/too-large',
        `${host} sent a body that unpacks to more than ${inflateRatioMax} times its size`,
      )
    }
    yield chunk
  }
  // Node stops without a word after the first of several zstd frames, and after the end of the
  // others.
  if (decoder.bytesWritten < taken.bytes)
    throw damaged(host, 'more follows after its end', given.bytes, null)
}

interface Counted {
  bytes: number
}

async function* count(
  source: AsyncIterable<Uint8Array>,
  counted: Counted,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    counted.bytes += chunk.byteLength
    yield chunk
  }
}

/**
 * Counts the bytes into `wire`, and only the time that the sender is waited for: a reader may be as
 * slow as it likes.
 */
async function* keepPace(
  raw: Readable,
  wire: Counted,
  { host, now }: BodyContext,
): AsyncGenerator<Uint8Array> {
  let [bytes, waitedMs, askedAtMs] = [0, 0, now()]
  for await (const chunk of raw as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    wire.bytes += chunk.byteLength
    waitedMs += now() - askedAtMs
    if (waitedMs >= PACE_MIN.waitedMs) {
      if (bytes < PACE_MIN.bytes)
        throw new SyncError(
          'source/too-slow',
          `${host} sent ${bytes} bytes in ${Math.round(waitedMs / 1000)} s`,
        )
      bytes = waitedMs = 0
    }
    yield chunk
    askedAtMs = now()
  }
}

function toSyncError(error: unknown, host: string, bytes: number): unknown {
  if (error instanceof SyncError) return error
  const code = findErrno(error) ?? ''
  if (code === 'Z_BUF_ERROR') return cutShort(host, bytes, error)
  if (/^(Z_|ERR__ERROR_|ZSTD_)/.test(code)) return damaged(host, code, bytes, error)
  return toConnectionError(error, host, bytes)
}

function damaged(host: string, reason: string, bytes: number, cause: unknown): SyncError {
  return new SyncError(
    'source/unavailable',
    `${host} sent a damaged compressed body: ${reason}, after ${bytes} bytes`,
    { cause },
  )
}

type Decoder = Transform & { readonly bytesWritten: number }

async function decodersFor(
  encodings: readonly string[],
  raw: Readable,
  { host }: BodyContext,
): Promise<Decoder[]> {
  const decoders: Decoder[] = []
  const named = encodings.filter((encoding) => encoding !== '' && encoding !== 'identity')
  if (named.length > ENCODINGS_MAX)
    throw new SyncError(
      'source/too-large',
      `${host} sent a body that is compressed ${named.length} times; ${ENCODINGS_MAX} are the most that is read`,
    )
  for (const encoding of named.toReversed()) {
    if (encoding === 'gzip' || encoding === 'x-gzip') decoders.push(zlib.createGunzip(OPTIONS))
    else if (encoding === 'br') decoders.push(zlib.createBrotliDecompress(OPTIONS))
    else if (encoding === 'zstd') decoders.push(zlib.createZstdDecompress(ZSTD_OPTIONS))
    else if (encoding === 'deflate') decoders.push(await openInflate(raw))
    else {
      // Not quoted: a header may hold anything, and this becomes the reason of a run.
      throw new SyncError(
        'source/unavailable',
        'The answer has a content encoding that is not gzip, br, zstd or deflate',
      )
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
