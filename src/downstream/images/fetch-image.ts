// Requests one image. The size and the time of the body are limited, and the transfer ends as soon as
// the first bytes are not those of an image.

import { SyncError } from '../../core/errors.ts'
import type { Http, HttpResponse } from '../../core/http.ts'
import { isBotChallenge } from '../../lib/bot-challenge.ts'
import { classifyStatus, toStatusError, type StatusCodes } from '../../lib/http-status.ts'
import { findImageType, TYPE_BYTES, type ImageType } from './image-type.ts'
import type { Turn } from './one-at-a-time.ts'

export interface FetchedImage {
  readonly bytes: Buffer<ArrayBuffer>
  readonly type: ImageType
  /** For the next request of the same address. */
  readonly validators: Validators
}

/** Headers of a response by which its next request is conditional. */
export interface Validators {
  readonly etag: string | null
  readonly lastModified: string | null
}

/** ImageKit's free plan takes 25 MB. */
export const IMAGE_BYTES_MAX = 20 * 1024 * 1024
/** A process has one image in memory at a time that is larger than this. */
const LARGE_BYTES = 3 * 1024 * 1024
/** From the request to the end of the body. */
const IMAGE_MS_MAX = 60_000
const SILENCE_MS_MAX = 20_000
/** First size of the buffer for a body without an announced length. */
const FIRST_BYTES = 256 * 1024
/** Longest validator that is kept. */
const VALIDATOR_CHARS_MAX = 500

const CODES: StatusCodes = {
  // The status of a challenge page.
  success: 'image/refused',
  redirect: 'image/missing',
  unauthorized: 'image/refused',
  'not-found': 'image/missing',
  throttled: 'source/rate-limited',
  unavailable: 'source/unavailable',
  rejected: 'image/missing',
}

/** Statuses of a refusal besides 401 and 403. */
const REFUSALS = new Set([402, 407, 430, 451])

/**
 * Fetches an image. Returns null if it has not changed since the response with these validators. A
 * large one enters its turn.
 *
 * @throws SyncError `image/…` · `source/…`
 */
export async function fetchImage(
  http: Http,
  url: string,
  { etag, lastModified }: Validators,
  { signal, turn }: { readonly signal: AbortSignal; readonly turn: Turn },
): Promise<FetchedImage | null> {
  const response = await http(
    {
      url,
      headers: {
        ...(etag === null ? {} : { 'if-none-match': etag }),
        ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
      },
      firstByteTimeoutMs: SILENCE_MS_MAX,
      idleTimeoutMs: SILENCE_MS_MAX,
    },
    signal,
  )
  const { status, headers } = response
  if (status === 304 && (etag ?? lastModified) !== null) {
    await response.cancel()
    return null
  }
  if (classifyStatus(status) !== 'success' || (await isBotChallenge(response))) {
    await response.cancel()
    throw toFailure(response)
  }
  const { bytes, type } = await readImage(response, turn)
  const validators = {
    etag: readShort(headers, 'etag'),
    lastModified: readShort(headers, 'last-modified'),
  }
  return { bytes, type, validators }
}

/** Adds the time limit of an image to each request; it begins when the request is sent. */
export function limitTime(http: Http, ms = IMAGE_MS_MAX): Http {
  return (request, signal) => {
    const seconds = Math.round(ms / 1000)
    const late = new AbortController()
    const timer = setTimeout(() => {
      late.abort(new SyncError('source/too-slow', `The image was not complete after ${seconds} s`))
    }, ms).unref()
    return http(request, AbortSignal.any([signal, late.signal])).then(
      (response) => ({
        ...response,
        body: endTimer(response.body, timer),
        cancel() {
          clearTimeout(timer)
          return response.cancel()
        },
      }),
      (error: unknown) => {
        clearTimeout(timer)
        throw error
      },
    )
  }
}

async function* endTimer(
  body: AsyncIterable<Uint8Array>,
  timer: NodeJS.Timeout,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } finally {
    clearTimeout(timer)
  }
}

function toFailure(response: HttpResponse): SyncError {
  const { status, url } = response
  const message = `${new URL(url).host} responds with status ${status}`
  return REFUSALS.has(status)
    ? new SyncError('image/refused', message, { detail: { status } })
    : toStatusError(response, CODES, message)
}

async function readImage(
  { headers, url, body, cancel }: HttpResponse,
  turn: Turn,
): Promise<Pick<FetchedImage, 'bytes' | 'type'>> {
  const { host } = new URL(url)
  const announced = Number(headers.get('content-length') ?? 0) || 0
  if (announced > IMAGE_BYTES_MAX) {
    await cancel()
    throw toTooLarge(host)
  }
  if (announced > LARGE_BYTES) await turn.enter()
  // One buffer of the announced length: a list of chunks would need twice the memory.
  let buffer = Buffer.allocUnsafe(announced > 0 ? announced : FIRST_BYTES)
  let size = 0
  let type: ImageType | null = null
  // Leaving the loop early closes the connection.
  for await (const chunk of body) {
    if (size + chunk.byteLength > IMAGE_BYTES_MAX) throw toTooLarge(host)
    if (size + chunk.byteLength > LARGE_BYTES) await turn.enter()
    if (size + chunk.byteLength > buffer.length) buffer = grow(buffer, size + chunk.byteLength)
    buffer.set(chunk, size)
    size += chunk.byteLength
    if (type === null && size >= TYPE_BYTES) type = requireType(buffer.subarray(0, size), host)
  }
  const bytes = buffer.subarray(0, size)
  return { bytes, type: type ?? requireType(bytes, host) }
}

function grow(buffer: Buffer, size: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.min(Math.max(size, 2 * buffer.length), IMAGE_BYTES_MAX))
  larger.set(buffer)
  return larger
}

/** @throws SyncError `image/wrong-type` */
function requireType(bytes: Buffer, host: string): ImageType {
  const type = findImageType(bytes)
  if (type !== null) return type
  throw new SyncError('image/wrong-type', `${host} sent ${describe(bytes)} in place of an image`)
}

function describe(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 200).trimStart().toLowerCase()
  if (bytes.length === 0) return 'an empty response'
  if (/^(<\?xml[^]*)?(<!--[^]*)?<(!doctype )?svg/.test(start)) return 'an SVG'
  if (/^<(!doctype html|html|head|body)/.test(start)) return 'a web page'
  if (/^[{[]/.test(start)) return 'JSON'
  return 'something else'
}

function toTooLarge(host: string): SyncError {
  const megabytes = IMAGE_BYTES_MAX / 1024 ** 2
  return new SyncError('image/too-large', `${host} sent more than ${megabytes} MiB`)
}

function readShort(headers: Headers, name: string): string | null {
  const value = headers.get(name)
  return value !== null && value.length <= VALIDATOR_CHARS_MAX ? value : null
}
