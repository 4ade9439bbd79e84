// The requests of TUS 1.0 (https://tus.io/protocols/resumable-upload) as Supabase Storage accepts
// them.

import { type ApiRequest, type StorageApi, StorageError } from './supabase-api.ts'

const PATH = '/upload/resumable'
// `x-upsert` is needed on every request: the one with the last byte replaces the object.
const HEADERS = { 'tus-resumable': '1.0.0', 'x-upsert': 'true' }

export interface UploadTarget {
  readonly bucket: string
  readonly key: string
  readonly contentType: string
}

/** An upload on the server. */
export interface Upload {
  readonly api: StorageApi
  readonly path: string
}

/**
 * The server no longer has the upload (410 after 24 h), or it is unknown whether it was completed.
 * Only a new upload helps.
 */
export class LostUploadError extends StorageError {
  constructor(reason: string, status: number | null = null) {
    super(reason, { status, isTransient: false })
  }
}

/**
 * Reads the size limit of a file in the project. Null: the server does not report one.
 *
 * @throws StorageError when the server does not respond
 */
export async function loadFileBytesMax(api: StorageApi): Promise<number | null> {
  try {
    const { headers } = await api.sendWithRetries({ method: 'OPTIONS', path: PATH })
    const bytes = Number(headers.get('tus-max-size') ?? Number.NaN)
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
  } catch (error) {
    if (error instanceof StorageError && !error.isTransient) return null
    throw error
  }
}

/** A null `length` is declared later, with the last chunk. */
export async function createUpload(
  api: StorageApi,
  { bucket, key, contentType }: UploadTarget,
  length: number | null,
): Promise<Upload> {
  // Supabase turns a number of seconds into `max-age` and anything else into `no-cache`. A cache
  // could only serve what was replaced.
  const metadata = { bucketName: bucket, objectName: key, contentType, cacheControl: '0' }
  const pairs = Object.entries(metadata).map(
    ([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`,
  )
  const { headers } = await api.sendWithRetries({
    method: 'POST',
    path: PATH,
    headers: {
      ...HEADERS,
      ...(length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
      'upload-metadata': pairs.join(','),
    },
  })
  // Only the id is used: behind a proxy the address is often an internal one, and the key is sent
  // to no other host.
  const id = headers.get('location')?.split('?')[0]?.split('/').at(-1)
  if (!id)
    throw new StorageError('an upload was created without a location', { isTransient: false })
  return { api, path: `${PATH}/${id}` }
}

/**
 * Returns the number of bytes of a remembered upload that the server has, with retries.
 *
 * @throws LostUploadError when the server no longer has it, or has all of its `length` bytes
 */
export async function loadOffset({ api, path }: Upload, length: number): Promise<number> {
  const { headers } = await api.sendWithRetries(createHeadRequest(path)).catch(throwLost)
  const offset = readOffset(headers)
  if (offset < length) return offset
  throw new LostUploadError('it is unknown whether the upload was completed')
}

export interface UploadState {
  readonly offset: number
  readonly isLengthKnown: boolean
}

/** Loads the state of an upload from the server, in one attempt. @throws StorageError */
export async function loadState({ api, path }: Upload): Promise<UploadState> {
  const { headers } = await api.send(createHeadRequest(path)).catch(throwLost)
  return { offset: readOffset(headers), isLengthKnown: headers.has('upload-length') }
}

/**
 * Sends `bytes` as those from `offset` on; a `length` declares the size of the whole. Returns the
 * new offset of the server.
 */
export async function patchUpload(
  { api, path }: Upload,
  bytes: Uint8Array,
  offset: number,
  length: number | null,
): Promise<number> {
  const response = await api.send({
    method: 'PATCH',
    path,
    headers: {
      ...HEADERS,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
      ...(length === null ? {} : { 'upload-length': String(length) }),
    },
    body: bytes,
  })
  const next = readOffset(response.headers)
  if (next > offset || bytes.length === 0) return next
  throw new StorageError('no bytes were accepted', { isTransient: true })
}

/** A status of 404 or 410 means that the server no longer has the upload. */
export function toLostError(error: unknown): unknown {
  return error instanceof StorageError && (error.status === 404 || error.status === 410)
    ? new LostUploadError(error.message, error.status)
    : error
}

function createHeadRequest(path: string): ApiRequest {
  return { method: 'HEAD', path, headers: HEADERS }
}

function readOffset(headers: Headers): number {
  const offset = Number(headers.get('upload-offset') ?? Number.NaN)
  if (Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new StorageError('the response has no offset of the upload', { isTransient: false })
}

/** For HEAD, which also responds 400 for a path that the server cannot have issued. */
function throwLost(error: unknown): never {
  throw error instanceof StorageError && error.status === 400
    ? new LostUploadError(error.message, error.status)
    : toLostError(error)
}
