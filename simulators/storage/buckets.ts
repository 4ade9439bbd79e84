// Buckets of the service: create, find and remove, with the errors of the platform.

import { z } from 'zod'
import { isBucketName, isMediaType, parseSize } from './names.ts'
import type { BucketRow, Objects } from './objects.ts'

export const NewBucket = z.object({
  id: z.string().optional(),
  name: z.string(),
  public: z.boolean().default(false),
  file_size_limit: z.union([z.int(), z.string()]).nullable().default(null),
  allowed_mime_types: z.array(z.string()).nullable().default(null),
})

/** An error of the service, which sends it with status 400 or 500. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly error: string

  constructor(status: number, code: string, message: string, error = code) {
    super(message)
    this.status = status
    this.code = code
    this.error = error
  }
}

export interface Project {
  readonly objects: Objects
  readonly fileBytesMax: number
}

export function addBucket(
  { objects, fileBytesMax }: Project,
  { id, name, ...limits }: z.infer<typeof NewBucket>,
): { name: string } {
  if (!isBucketName(name))
    throw new Refusal(400, 'InvalidBucketName', 'Bucket name invalid', 'Invalid Input')
  const bytesMax = limits.file_size_limit === null ? null : parseSize(limits.file_size_limit)
  if (bytesMax === null && limits.file_size_limit !== null) {
    throw new Refusal(
      400,
      'InvalidRequest',
      'Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B',
    )
  }
  if (bytesMax !== null && bytesMax > fileBytesMax) {
    throw new Refusal(
      413,
      'EntityTooLarge',
      'The object exceeded the maximum allowed size',
      'Payload too large',
    )
  }
  const unknownType = limits.allowed_mime_types?.find((type) => !isMediaType(type))
  if (unknownType !== undefined)
    throw new Refusal(
      415,
      'InvalidMimeType',
      `mime type ${unknownType} is not supported`,
      'invalid_mime_type',
    )
  if (objects.findBucket(id ?? name) !== null)
    throw new Refusal(409, 'BucketAlreadyExists', 'The resource already exists', 'Duplicate')
  const now = new Date().toISOString()
  objects.saveBucket({
    id: id ?? name,
    name,
    ...limits,
    file_size_limit: bytesMax,
    created_at: now,
    updated_at: now,
  })
  return { name }
}

export function removeBucket(objects: Objects, id: string): { message: string } {
  loadBucket(objects, id)
  if (objects.list(id).length > 0)
    throw new Refusal(409, 'ResourceNotEmpty', 'The bucket you tried to delete is not empty')
  objects.removeBucket(id)
  return { message: 'Successfully deleted' }
}

export function loadBucket(objects: Objects, id: string): BucketRow {
  const bucket = objects.findBucket(id)
  if (bucket === null)
    throw new Refusal(404, 'NoSuchBucket', 'Bucket not found', 'Bucket not found')
  return bucket
}
