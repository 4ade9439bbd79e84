// Decodes and counts response bodies and converts their errors. Uncompressed bodies are yielded in
// the socket's buffers, without a copy.

import { once } from 'node:events'
import { pipeline, type Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { SyncError } from '../core/errors.ts'
import { createCutShortError, toConnectionError } from './http-errors.ts'
import { findErrno } from './system-errors.ts'

/** Encodings to request. Deflate is decoded but not requested, because servers disagree on it. */
export const ACCEPT_ENCODING = 'gzip, br, zstd'

// At zlib's default of 16 KiB, the events cost more than the decompression.
const OPTIONS = { chunkSize: 256 * 1024 }
// RFC 9659 limits a server to 8 MiB; zstd itself allows a window of 128 MiB.
const ZSTD_OPTIONS = { ...OPTIONS, params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }
// A proxy may add a second encoding. Each further one multiplies the size that few bytes can reach.
const ENCODINGS_MAX = 2
// Below this output size a high ratio is harmless; small pages of one repeated letter exist.
const RATIO_FREE_BYTES = 16 * 1024 * 1024

/** Slowest accepted sender: 220 bytes per second. The slowest known feeds send 1,000 times that. */
const PACE_MIN = { bytes: 64 * 1024, waitedMs: 300_000 }

export interface BodyContext {
  /** For messages: the host, nothing else of the address. */
  readonly host: string
  readonly signal: AbortSignal
  /** Maximum ratio of decompressed to compressed bytes. */
  readonly inflateRatioMax: number
  /** A monotonic clock, in ms. */
  readonly now: () => number
  /** Called once at the end of the body, successful or not. */
  readonly onEnd: (bytes: number, error: unknown) => void
}

/**
 * Yields the decoded body. Ending the iteration early closes the connection.
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
    const decoders = await createDecoders(encodings, raw, context)
    for await (const chunk of decoders.reduce(
      (source, decoder) => decompress(source, decoder, wire, context),
      checkPace(raw, wire, context),
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
 * One stage of decoding. Its output is compared with the bytes on the wire, not with the input of
 * the stage: an inner stage may consume a huge output of the outer one, so that the body stays
 * small.
 */
async function* decompress(
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
        `${host} sent a body that decompresses to more than ${inflateRatioMax} times its size`,
      )
    }
    yield chunk
  }
  // Node ignores data after the first zstd frame, and after the end of the other formats.
  if (decoder.bytesWritten < taken.bytes)
    throw createDamagedError(host, 'data follows its end', given.bytes, null)
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

/** Counts bytes into `wire`, and only the time that is spent waiting for the sender. */
async function* checkPace(
  raw: Readable,
  wire: Counted,
  { host, now }: BodyContext,
): AsyncGenerator<Uint8Array> {
  let [bytes, waitedMs, waitingSinceMs] = [0, 0, now()]
  for await (const chunk of raw as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    wire.bytes += chunk.byteLength
    waitedMs += now() - waitingSinceMs
    if (waitedMs >= PACE_MIN.waitedMs) {
      if (bytes < PACE_MIN.bytes)
        throw new SyncError(
          'source/too-slow',
          `${host} sent ${bytes} bytes in ${Math.round(waitedMs / 1000)} s`,
        )
      bytes = waitedMs = 0
    }
    yield chunk
    waitingSinceMs = now()
  }
}

function toSyncError(error: unknown, host: string, bytes: number): unknown {
  if (error instanceof SyncError) return error
  const code = findErrno(error) ?? ''
  if (code === 'Z_BUF_ERROR') return createCutShortError(host, bytes, error)
  if (/^(Z_|ERR__ERROR_|ZSTD_)/.test(code)) return createDamagedError(host, code, bytes, error)
  return toConnectionError(error, host, bytes)
}

function createDamagedError(
  host: string,
  reason: string,
  bytes: number,
  cause: unknown,
): SyncError {
  return new SyncError(
    'source/unavailable',
    `${host} sent a damaged compressed body: ${reason}, after ${bytes} bytes`,
    { cause },
  )
}

type Decoder = Transform & { readonly bytesWritten: number }

async function createDecoders(
  encodings: readonly string[],
  raw: Readable,
  { host }: BodyContext,
): Promise<Decoder[]> {
  const decoders: Decoder[] = []
  const named = encodings.filter((encoding) => encoding !== '' && encoding !== 'identity')
  if (named.length > ENCODINGS_MAX)
    throw new SyncError(
      'source/too-large',
      `${host} sent a body compressed ${named.length} times; the maximum is ${ENCODINGS_MAX}`,
    )
  for (const encoding of named.toReversed()) {
    if (encoding === 'gzip' || encoding === 'x-gzip') decoders.push(zlib.createGunzip(OPTIONS))
    else if (encoding === 'br') decoders.push(zlib.createBrotliDecompress(OPTIONS))
    else if (encoding === 'zstd') decoders.push(zlib.createZstdDecompress(ZSTD_OPTIONS))
    else if (encoding === 'deflate') decoders.push(await openInflate(raw))
    else {
      // Not quoted: a header may contain any text, and the message is stored with the run.
      throw new SyncError(
        'source/unavailable',
        'The response has a content encoding that is not gzip, br, zstd or deflate',
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
