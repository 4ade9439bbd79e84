// `/upload/resumable`: a real tus server, set up as the platform sets up its own. An object comes
// into being after the last byte of its upload, in the same request; `x-upsert` is read from each
// request, and the one that brings the last byte is what counts. What is copied here:
// https://github.com/supabase/storage, src/http/routes/tus.

import { randomUUID } from 'node:crypto'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'
import { isAllowedType, isBucketName, isObjectName } from './names.ts'
import type { BucketRow, Objects } from './objects.ts'

export interface ResumableOptions {
  readonly objects: Objects
  /** Of the project; a bucket may have a lower one. */
  readonly fileBytesMax: number
}

/** What the tus server answers with when it is thrown. */
export interface Refused {
  readonly status_code: number
  readonly body: string
}

export const RESUMABLE = '/storage/v1/upload/resumable'
/** The header, set by nobody else, that makes the request end before the object is made. */
export const UNFINISHED = 'x-simulated-unfinished'

/**
 * Where the service itself has it. A proxy in front says in `x-forwarded-prefix` what it took away.
 */
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
    namingFunction(_, metadata) {
      if (metadata === undefined) refuse(400, 'Metadata header is required')
      return formatId({
        bucket: metadata.bucketName ?? '',
        name: metadata.objectName ?? '',
        version: randomUUID(),
      })
    },
    // The service stands behind a proxy that ends TLS, so it always says https.
    generateUrl: (request, { host, id }) => {
      const prefix = request.headers.get('x-forwarded-prefix')?.replace(/\/+$/, '') ?? ''
      return `https://${host}${prefix}${INNER_PATH}/${Buffer.from(id).toString('base64url')}`
    },
    getFileIdFromRequest: (_, last = '') =>
      RESUMABLE.endsWith(last) ? undefined : Buffer.from(last, 'base64url').toString(),
    async onIncomingRequest({ method, headers }, id) {
      const { bucket, name } = parseId(id)
      if (method === 'HEAD') return
      if (objects.findBucket(bucket) === null) refuse(404, 'The related resource does not exist')
      if (headers.get('x-upsert') !== 'true' && objects.find(bucket, name) !== null)
        refuse(409, 'The resource already exists')
    },
    async maxSize(_, id) {
      if (id === null) return fileBytesMax
      return Math.min(bucketOf(objects, id).file_size_limit || fileBytesMax, fileBytesMax)
    },
    async onUploadCreate(_, { id, metadata = {} }) {
      const { cacheControl, contentType } = metadata
      const { allowed_mime_types: allowed } = bucketOf(objects, id)
      if (contentType && allowed !== null && !isAllowedType(contentType, allowed))
        refuse(415, `mime type ${contentType} is not supported`)
      return {
        metadata: {
          ...metadata,
          cacheControl: /^-?\d+$/.test(cacheControl ?? '') ? `max-age=${cacheControl}` : 'no-cache',
        },
      }
    },
    async onUploadFinish({ method, headers }, { id, size = 0, metadata = {} }) {
      // The platform's store makes an object from what was written, and here nothing was:
      // https://github.com/supabase/storage/issues/1300
      if (method === 'POST' && size === 0 && !headers.has('content-type')) refuse(404, 'NotFound')
      if (headers.has(UNFINISHED)) refuse(500, 'Internal server error')
      const { bucket, name } = parseId(id)
      const old = objects.find(bucket, name)
      if (old !== null && headers.get('x-upsert') !== 'true')
        refuse(409, 'The resource already exists')
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
      return { headers: { 'Tus-Complete': '1' } }
    },
  })
}

/** What an upload's id says: the version tells uploads to one name apart. */
interface UploadId {
  readonly bucket: string
  readonly name: string
  readonly version: string
}

function formatId({ bucket, name, version }: UploadId): string {
  if (!isBucketName(bucket)) refuse(400, 'Bucket name invalid')
  if (!isObjectName(name)) refuse(400, `Invalid key: ${name}`)
  return `${bucket}/${name}/${version}`
}

function parseId(id: string): UploadId {
  const [bucket = '', ...rest] = id.split('/')
  const version = rest.pop()
  if (version === undefined) refuse(400, 'Invalid upload id')
  const parsed = { bucket, name: rest.join('/'), version }
  formatId(parsed)
  return parsed
}

function bucketOf(objects: Objects, id: string): BucketRow {
  return objects.findBucket(parseId(id).bucket) ?? refuse(404, 'Bucket not found')
}

/** The tus server knows refusals by this shape only. */
function refuse(status_code: number, body: string): never {
  throw Object.assign(new Error(body), { status_code, body } satisfies Refused)
}
