// `POST /object/:bucket/*`: an upload in one request.

import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { readBytes } from '../support/server.ts'
import { loadBucket, Refusal, type Project } from './buckets.ts'
import { isAllowedType, isObjectName } from './names.ts'

/** Stores the body under the name. An object that exists is a conflict, unless `x-upsert` is true. */
export async function upload(
  request: IncomingMessage,
  { objects, fileBytesMax }: Project,
  { bucket: id, name }: { readonly bucket: string; readonly name: string },
): Promise<{ readonly Key: string; readonly Id: string }> {
  const bucket = loadBucket(objects, id)
  const bytes = await readBytes(request)
  const { headers } = request
  const contentType = headers['content-type'] ?? 'application/octet-stream'
  if (!isObjectName(name)) throw new Refusal(400, 'InvalidKey', `Invalid key: ${name}`)
  if (bytes.length > Math.min(bucket.file_size_limit ?? fileBytesMax, fileBytesMax))
    throw new Refusal(413, 'EntityTooLarge', 'The object exceeded the maximum allowed size')
  if (bucket.allowed_mime_types !== null && !isAllowedType(contentType, bucket.allowed_mime_types))
    throw new Refusal(415, 'InvalidMimeType', `mime type ${contentType} is not supported`)
  const old = objects.find(id, name)
  if (old !== null && headers['x-upsert'] !== 'true')
    throw new Refusal(409, 'KeyAlreadyExists', 'The resource already exists', 'Duplicate')
  const file = randomUUID()
  writeFileSync(join(objects.uploadFolder, file), bytes)
  objects.save({
    id: old?.id ?? randomUUID(),
    bucket: id,
    name,
    upload: file,
    size: bytes.length,
    contentType,
    cacheControl: headers['cache-control'] ?? 'no-cache',
    updatedAt: new Date().toISOString(),
  })
  return { Key: `${id}/${name}`, Id: file }
}
