// Resumable uploads by TUS 1.0 (https://tus.io/protocols/resumable-upload) as Supabase Storage
// takes them. After a failure the server is asked how far it got: it, and not we, knows which bytes
// arrived.

import { type ApiRequest, type StorageApi, Trouble } from './supabase-api.ts'
import { nameUpload, type UploadMemory } from './upload-memory.ts'

/**
 * Supabase takes exactly this: https://supabase.com/docs/guides/storage/uploads/resumable-uploads
 */
export const UPLOAD_CHUNK_BYTES = 6 * 1024 * 1024

export interface UploadTarget {
  readonly bucket: string
  readonly key: string
  readonly contentType: string
}

/** Some 25 s: a stream is read once, so nobody above can try again. */
const STREAM_RETRIES_MAX = 7

interface Chunk {
  /** The place of its first byte in the whole. */
  readonly start: number
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

const PATH = '/upload/resumable'
// `x-upsert` counts on every request: the one that brings the last byte is the one that may replace
// an object.
const HEADERS = { 'tus-resumable': '1.0.0', 'x-upsert': 'true' }
const ANEW_MAX = 3

/**
 * The server has forgotten the upload (410 after 24 h), or nobody knows whether it was finished:
 * only a new one helps.
 */
class Lost extends Trouble {
  constructor(why: string, status: number | null = null) {
    super(why, { status, passes: false })
  }
}

/**
 * How large a file of the project may be. Null: the server does not tell. @throws Trouble when it
 * does not answer
 */
export async function readFileBytesMax(api: StorageApi): Promise<number | null> {
  try {
    const { headers } = await api.ask({ method: 'OPTIONS', path: PATH })
    const bytes = Number(headers.get('tus-max-size') ?? Number.NaN)
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
  } catch (error) {
    if (error instanceof Trouble && !error.passes) return null
    throw error
  }
}

/**
 * Puts `bytes` under the target's key, in chunks of 6 MiB, resumed where a connection, a server or
 * an earlier process of ours broke off. Readers see all of it or what was there before. Twice is
 * safe.
 *
 * @throws Trouble
 */
export async function uploadBytes(
  api: StorageApi,
  target: UploadTarget,
  bytes: Uint8Array,
  memory: UploadMemory,
): Promise<void> {
  const name = nameUpload(target.bucket, target.key, bytes)
  let path = await memory.recall(name)
  for (let anew = 0; ; anew++) {
    try {
      const held = path === null ? 0 : await heldBy(api, path, bytes.length)
      // The platform makes no object of an upload that begins as one of no bytes:
      // https://github.com/supabase/storage/issues/1300
      const length = bytes.length || null
      if (path === null) await memory.remember(name, (path = await create(api, target, length)))
      for (const chunk of sliced(bytes, held))
        await deliver(api, path, chunk, length !== null, held)
      return await memory.forget(name)
    } catch (error) {
      if (!(error instanceof Lost) || anew >= ANEW_MAX) throw error
      await memory.forget(name)
      path = null
    }
  }
}

/**
 * The same for a source whose length is not known, with one chunk in memory. It is read once, so an
 * upload that the server has lost cannot be begun anew.
 *
 * @throws Trouble, or what the source throws
 */
export async function uploadStream(
  api: StorageApi,
  target: UploadTarget,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const path = await create(api, target, null)
  for await (const chunk of gathered(source)) await deliver(api, path, chunk, false)
}

/** Where the new upload lives. */
async function create(
  api: StorageApi,
  { bucket, key, contentType }: UploadTarget,
  length: number | null,
): Promise<string> {
  // A number of seconds becomes `max-age`, anything else `no-cache`. A cache could only ever hand
  // out what was replaced.
  const metadata = { bucketName: bucket, objectName: key, contentType, cacheControl: '0' }
  const pairs = Object.entries(metadata).map(
    ([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`,
  )
  const announced =
    length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }
  const { headers } = await api.ask({
    method: 'POST',
    path: PATH,
    headers: { ...HEADERS, ...announced, 'upload-metadata': pairs.join(',') },
  })
  // Only the id is taken: behind a proxy the address is often the inner one, and the key goes to no
  // other host than ours.
  const id = headers.get('location')?.split('?')[0]?.split('/').at(-1)
  if (!id) throw new Trouble('an upload was made without saying where', { passes: false })
  return `${PATH}/${id}`
}

/**
 * Sends a chunk, without the first `held` bytes of the whole, again and again from wherever the
 * server stopped. Progress renews its patience.
 */
async function deliver(
  api: StorageApi,
  path: string,
  { start, bytes, isLast }: Chunk,
  knowsLength: boolean,
  held = 0,
): Promise<void> {
  const end = start + bytes.length
  let [offset, isLengthKnown, isSure, failures] = [Math.max(start, held), knowsLength, true, 0]
  for (;;) {
    try {
      if (!isSure) {
        const seen = await look(api, path)
        if (seen.offset > offset) failures = 0
        ;({ offset, isLengthKnown } = seen)
        if (offset < start || offset > end)
          throw new Lost(`it holds ${offset} bytes of the upload, which cannot be`)
        if (offset === end && !isLast) return
        // All bytes are there, but the object is made after the last of them: only the answer that
        // broke off knew of it.
        if (offset === end && isLengthKnown)
          throw new Lost('nobody knows whether the upload is over')
      }
      offset = await patch(
        api,
        path,
        bytes.subarray(offset - start),
        offset,
        isLast && !isLengthKnown ? end : null,
      )
      if (offset === end) return
      isLengthKnown ||= isLast
      failures = 0
    } catch (error) {
      await api.pause(asLost(error), failures++, knowsLength ? undefined : STREAM_RETRIES_MAX)
      isSure = false
    }
  }
}

/**
 * How many of the `length` bytes of a remembered upload the server has. @throws Lost when it has
 * forgotten it, or has all of them
 */
async function heldBy(api: StorageApi, path: string, length: number): Promise<number> {
  const { headers } = await api.ask(lookAt(path)).catch(lostFrom)
  const offset = offsetIn(headers)
  if (offset < length) return offset
  throw new Lost('nobody knows whether the upload is over')
}

function lookAt(path: string): ApiRequest {
  return { method: 'HEAD', path, headers: HEADERS }
}

async function look(
  api: StorageApi,
  path: string,
): Promise<{ offset: number; isLengthKnown: boolean }> {
  const { headers } = await api.send(lookAt(path)).catch(lostFrom)
  return { offset: offsetIn(headers), isLengthKnown: headers.has('upload-length') }
}

/**
 * Sends `bytes` as those from `offset` on; a `length` declares how long the whole is. Returns where
 * the server stands then.
 */
async function patch(
  api: StorageApi,
  path: string,
  bytes: Uint8Array,
  offset: number,
  length: number | null,
): Promise<number> {
  const headers = {
    ...HEADERS,
    'content-type': 'application/offset+octet-stream',
    'upload-offset': String(offset),
  }
  const declared = length === null ? {} : { 'upload-length': String(length) }
  const answer = await api.send({
    method: 'PATCH',
    path,
    headers: { ...headers, ...declared },
    body: bytes,
  })
  const next = offsetIn(answer.headers)
  if (next > offset || bytes.length === 0) return next
  throw new Trouble('no bytes were taken', { passes: true })
}

function offsetIn(headers: Headers): number {
  const offset = Number(headers.get('upload-offset') ?? Number.NaN)
  if (Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new Trouble('nobody knows how far the upload is', { passes: false })
}

/** For HEAD, where 400 is said of an address that the server cannot have given out. */
function lostFrom(error: unknown): never {
  throw error instanceof Trouble && error.status === 400
    ? new Lost(error.message, error.status)
    : asLost(error)
}

function asLost(error: unknown): unknown {
  return error instanceof Trouble && (error.status === 404 || error.status === 410)
    ? new Lost(error.message, error.status)
    : error
}

/** The chunks, from the one on in which byte `held` is; of nothing, one empty chunk. */
function* sliced(bytes: Uint8Array, held: number): Iterable<Chunk> {
  if (bytes.length === 0) yield { start: 0, bytes, isLast: true }
  for (
    let start = held - (held % UPLOAD_CHUNK_BYTES);
    start < bytes.length;
    start += UPLOAD_CHUNK_BYTES
  ) {
    const end = start + UPLOAD_CHUNK_BYTES
    yield { start, bytes: bytes.subarray(start, end), isLast: end >= bytes.length }
  }
}

/**
 * Whole chunks, each held back until it is known whether it is the last; of nothing, one empty
 * chunk. All are the same memory, filled anew once a chunk is delivered.
 */
async function* gathered(source: AsyncIterable<Uint8Array>): AsyncIterable<Chunk> {
  const chunk = new Uint8Array(UPLOAD_CHUNK_BYTES)
  let [start, filled] = [0, 0]
  for await (const piece of source) {
    for (let from = 0; from < piece.length;) {
      if (filled === chunk.length) {
        yield { start, bytes: chunk, isLast: false }
        start += chunk.length
        filled = 0
      }
      const taken = piece.subarray(from, from + chunk.length - filled)
      chunk.set(taken, filled)
      filled += taken.length
      from += taken.length
    }
  }
  yield { start, bytes: chunk.subarray(0, filled), isLast: true }
}
