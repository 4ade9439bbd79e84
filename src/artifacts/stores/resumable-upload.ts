// Uploads in chunks that resume after a failure. Only the server knows which bytes arrived, so
// its offset is loaded after each failure.

import type { StorageApi } from './supabase-api.ts'
import {
  createUpload,
  loadOffset,
  loadState,
  LostUploadError,
  patchUpload,
  toLostError,
  type Upload,
  type UploadTarget,
} from './tus.ts'
import { nameUpload, type UploadMemory } from './upload-memory.ts'

/**
 * The only size that Supabase accepts:
 * https://supabase.com/docs/guides/storage/uploads/resumable-uploads
 */
export const UPLOAD_CHUNK_BYTES = 6 * 1024 * 1024

/** About 25 s: a stream is read once, so no caller can repeat its upload. */
const STREAM_RETRIES_MAX = 7
const NEW_UPLOADS_MAX = 3

interface Chunk {
  /** Position of its first byte in the whole. */
  readonly start: number
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

interface Delivery {
  readonly upload: Upload
  /** The length was declared when the upload was created. */
  readonly isLengthKnown: boolean
  /** The server already has this many bytes. */
  readonly offset: number
}

/**
 * Stores `bytes` under the target's key in chunks of 6 MiB. Resumes where a connection, a server or
 * an earlier process stopped. Readers see all of it or the previous object. Safe to repeat.
 *
 * @throws StorageError
 */
export async function uploadBytes(
  api: StorageApi,
  target: UploadTarget,
  bytes: Uint8Array,
  memory: UploadMemory,
): Promise<void> {
  const name = nameUpload(target.bucket, target.key, bytes)
  let path = await memory.recall(name)
  for (let uploads = 0; ; uploads++) {
    try {
      const offset = path === null ? 0 : await loadOffset({ api, path }, bytes.length)
      // The platform creates no object for an upload with a declared length of 0:
      // https://github.com/supabase/storage/issues/1300
      const length = bytes.length || null
      if (path === null) {
        path = (await createUpload(api, target, length)).path
        await memory.remember(name, path)
      }
      const delivery = { upload: { api, path }, isLengthKnown: length !== null, offset }
      for (const chunk of sliceChunks(bytes, offset)) await deliverChunk(delivery, chunk)
      return await memory.forget(name)
    } catch (error) {
      if (!(error instanceof LostUploadError) || uploads >= NEW_UPLOADS_MAX) throw error
      await memory.forget(name)
      path = null
    }
  }
}

/**
 * Like `uploadBytes`, for a source of unknown length, with one chunk in memory. The source is read
 * once, so an upload that the server has lost fails.
 *
 * @throws StorageError, or the error of the source
 */
export async function uploadStream(
  api: StorageApi,
  target: UploadTarget,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const upload = await createUpload(api, target, null)
  for await (const chunk of gatherChunks(source))
    await deliverChunk({ upload, isLengthKnown: false, offset: 0 }, chunk)
}

/**
 * Sends a chunk, without the bytes that the server already has, from the server's offset until all
 * of it has arrived. Progress resets the count of failures.
 */
async function deliverChunk(delivery: Delivery, { start, bytes, isLast }: Chunk): Promise<void> {
  const { upload } = delivery
  const retriesMax = delivery.isLengthKnown ? undefined : STREAM_RETRIES_MAX
  const end = start + bytes.length
  let [offset, isLengthKnown] = [Math.max(start, delivery.offset), delivery.isLengthKnown]
  let [isSure, failures] = [true, 0]
  for (;;) {
    try {
      if (!isSure) {
        const state = await loadState(upload)
        if (state.offset > offset) failures = 0
        ;({ offset, isLengthKnown } = state)
        if (offset < start || offset > end)
          throw new LostUploadError(`the server reports an impossible offset of ${offset} bytes`)
        if (offset === end && !isLast) return
        // All bytes have arrived, but the object is created after the last one. Only the lost
        // response reported whether that succeeded.
        if (offset === end && isLengthKnown)
          throw new LostUploadError('it is unknown whether the upload was completed')
      }
      const length = isLast && !isLengthKnown ? end : null
      offset = await patchUpload(upload, bytes.subarray(offset - start), offset, length)
      if (offset === end) return
      isLengthKnown ||= isLast
      failures = 0
    } catch (error) {
      await upload.api.waitBeforeRetry(toLostError(error), failures++, retriesMax)
      isSure = false
    }
  }
}

/** Yields the chunks from the one that contains byte `offset`; without bytes, one empty chunk. */
function* sliceChunks(bytes: Uint8Array, offset: number): Iterable<Chunk> {
  if (bytes.length === 0) yield { start: 0, bytes, isLast: true }
  for (
    let start = offset - (offset % UPLOAD_CHUNK_BYTES);
    start < bytes.length;
    start += UPLOAD_CHUNK_BYTES
  ) {
    const end = start + UPLOAD_CHUNK_BYTES
    yield { start, bytes: bytes.subarray(start, end), isLast: end >= bytes.length }
  }
}

/**
 * Yields full chunks, each once it is known whether it is the last; without bytes, one empty chunk.
 * All of them share one buffer, which is refilled after a chunk was delivered.
 */
async function* gatherChunks(source: AsyncIterable<Uint8Array>): AsyncIterable<Chunk> {
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
