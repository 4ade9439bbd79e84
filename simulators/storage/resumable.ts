// `/upload/resumable`: a real tus server, set up as the platform sets up its own. An object comes into being after the last byte of
// its upload, in the same request; `x-upsert` is read from that request, not from the one that began.

import { randomUUID } from 'node:crypto'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'
import type { Objects } from './objects.ts'

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

export function createResumable({ objects, fileBytesMax }: ResumableOptions): Server {
  const datastore = new FileStore({ directory: objects.uploadFolder, expirationPeriodInMilliseconds: 24 * 60 * 60 * 1000 })
  return new Server({
    path: RESUMABLE,
    datastore,
    namingFunction(_, metadata) {
      if (metadata === undefined) refuse(400, 'Metadata header is required')
      const { bucketName, objectName } = metadata
      if (!bucketName || !objectName || !/^[\w/!.*'() &$=@;:+,?-]+$/.test(objectName)) refuse(400, `Invalid key: ${objectName}`)
      if (objects.findBucket(bucketName) === null) refuse(404, 'Bucket not found')
      return `${bucketName}/${objectName}/${randomUUID()}`
    },
    generateUrl: (_, { proto, host, path, id }) => `${proto}://${host}${path}/${Buffer.from(id).toString('base64url')}`,
    getFileIdFromRequest: (_, last = '') => (RESUMABLE.endsWith(last) ? undefined : Buffer.from(last, 'base64url').toString()),
    async maxSize(_, id) {
      const limit = objects.findBucket(id?.split('/')[0] ?? '')?.file_size_limit ?? fileBytesMax
      return Math.min(limit, fileBytesMax)
    },
    async onUploadCreate(_, { metadata = {} }) {
      const { cacheControl } = metadata
      return { metadata: { ...metadata, cacheControl: /^-?\d+$/.test(cacheControl ?? '') ? `max-age=${cacheControl}` : 'no-cache' } }
    },
    async onUploadFinish(request, { id, size = 0, metadata = {} }) {
      if (request.headers.has(UNFINISHED)) refuse(500, 'Internal server error')
      const [bucket = '', ...rest] = id.split('/')
      const name = rest.slice(0, -1).join('/')
      const old = objects.find(bucket, name)
      if (old !== null && request.headers.get('x-upsert') !== 'true') refuse(409, 'The resource already exists')
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

/** The tus server knows refusals by this shape only. */
function refuse(status_code: number, body: string): never {
  throw Object.assign(new Error(body), { status_code, body } satisfies Refused)
}
