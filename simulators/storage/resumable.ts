// `/upload/resumable`: a real tus server with the platform's configuration. The request with the
// last byte of an upload also creates the object, and its `x-upsert` header counts. The source:
// https://github.com/supabase/storage, src/http/routes/tus.

import { randomUUID } from 'node:crypto'
import { FileStore } from '@tus/file-store'
import { Server, type Upload } from '@tus/server'
import { isAllowedType, isBucketName, isObjectName } from './names.ts'
import type { BucketRow, Objects } from './objects.ts'

export interface ResumableOptions {
  readonly objects: Objects
  /** Limit of the project; a bucket may have a lower one. */
  readonly fileBytesMax: number
}

/** Thrown to make the tus server respond with this status. */
export interface Refused {
  readonly status_code: number
  readonly body: string
}

export const RESUMABLE = '/storage/v1/upload/resumable'
/** Private header that ends the request before the object is created. */
export const UNFINISHED = 'x-simulated-unfinished'

/** Path inside the service. A proxy sends the removed prefix in `x-forwarded-prefix`. */
const INNER_PATH = '/upload/resumable'

export function createResumable({ objects, fileBytesMax }: ResumableOptions): Server {
  const datastore = new FileStore({
    directory: objects.uploadFolder,
    expirationPeriodInMilliseconds: 24 * 60 * 60 * 1000,
  })
  return new Server({
    path: RESUMABLE,
    datastore,
    disableTerminationForFinishedUploads: true,
    respectForwardedHeaders: true,
    namingFunction: (_, metadata) => createId(metadata),
    generateUrl: toUploadUrl,
    getFileIdFromRequest: (_, last = '') =>
      RESUMABLE.endsWith(last) ? undefined : Buffer.from(last, 'base64url').toString(),
    onIncomingRequest: async (request, id) => checkRequest(objects, request, id),
    async maxSize(_, id) {
      if (id === null) return fileBytesMax
      return Math.min(loadUploadBucket(objects, id).file_size_limit || fileBytesMax, fileBytesMax)
    },
    onUploadCreate: async (_, upload) => ({ metadata: prepareMetadata(objects, upload) }),
    async onUploadFinish(request, upload) {
      saveObject(objects, request, upload)
      return { headers: { 'Tus-Complete': '1' } }
    },
  })
}

type Metadata = Record<string, string | null>

function createId(metadata: Metadata | undefined): string {
  if (metadata === undefined) throwRefusal(400, 'Metadata header is required')
  return formatId({
    bucket: metadata.bucketName ?? '',
    name: metadata.objectName ?? '',
    version: randomUUID(),
  })
}

/** Always https, because the platform's service is behind a proxy that ends TLS. */
function toUploadUrl(request: Request, { host, id }: { host: string; id: string }): string {
  const prefix = request.headers.get('x-forwarded-prefix')?.replace(/\/+$/, '') ?? ''
  return `https://${host}${prefix}${INNER_PATH}/${Buffer.from(id).toString('base64url')}`
}

function checkRequest(objects: Objects, { method, headers }: Request, id: string): void {
  const { bucket, name } = parseId(id)
  if (method === 'HEAD') return
  if (objects.findBucket(bucket) === null) throwRefusal(404, 'The related resource does not exist')
  if (headers.get('x-upsert') !== 'true' && objects.find(bucket, name) !== null)
    throwRefusal(409, 'The resource already exists')
}

function prepareMetadata(objects: Objects, { id, metadata = {} }: Upload): Metadata {
  const { cacheControl, contentType } = metadata
  const { allowed_mime_types: allowed } = loadUploadBucket(objects, id)
  if (contentType && allowed !== null && !isAllowedType(contentType, allowed))
    throwRefusal(415, `mime type ${contentType} is not supported`)
  return {
    ...metadata,
    cacheControl: /^-?\d+$/.test(cacheControl ?? '') ? `max-age=${cacheControl}` : 'no-cache',
  }
}

function saveObject(
  objects: Objects,
  { method, headers }: Request,
  { id, size = 0, metadata = {} }: Upload,
): void {
  // The platform makes no object of an upload without bytes:
  // https://github.com/supabase/storage/issues/1300
  if (method === 'POST' && size === 0 && !headers.has('content-type')) throwRefusal(404, 'NotFound')
  if (headers.has(UNFINISHED)) throwRefusal(500, 'Internal server error')
  const { bucket, name } = parseId(id)
  const old = objects.find(bucket, name)
  if (old !== null && headers.get('x-upsert') !== 'true')
    throwRefusal(409, 'The resource already exists')
  objects.save({
    id: old?.id ?? randomUUID(),
    bucket,
    name,
    upload: id,
    size,
    contentType: metadata.contentType ?? 'application/octet-stream',
    cacheControl: metadata.cacheControl ?? 'no-cache',
    updatedAt: new Date().toISOString(),
  })
}

/** Parts of an upload's id; the version distinguishes uploads to the same name. */
interface UploadId {
  readonly bucket: string
  readonly name: string
  readonly version: string
}

function formatId({ bucket, name, version }: UploadId): string {
  if (!isBucketName(bucket)) throwRefusal(400, 'Bucket name invalid')
  if (!isObjectName(name)) throwRefusal(400, `Invalid key: ${name}`)
  return `${bucket}/${name}/${version}`
}

function parseId(id: string): UploadId {
  const [bucket = '', ...rest] = id.split('/')
  const version = rest.pop()
  if (version === undefined) throwRefusal(400, 'Invalid upload id')
  const parsed = { bucket, name: rest.join('/'), version }
  formatId(parsed)
  return parsed
}

function loadUploadBucket(objects: Objects, id: string): BucketRow {
  return objects.findBucket(parseId(id).bucket) ?? throwRefusal(404, 'Bucket not found')
}

/** The tus server expects errors in this format. */
function throwRefusal(status_code: number, body: string): never {
  throw Object.assign(new Error(body), { status_code, body } satisfies Refused)
}
