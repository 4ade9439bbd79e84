// The bucket of a Supabase project: created when it is missing, and checked against what a run
// writes.

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { PART_BYTES_MAX } from '../parts.ts'
import { findContentType } from '../store.ts'
import { type ApiRequest, type StorageApi, StorageError } from './supabase-api.ts'
import { loadFileBytesMax } from './tus.ts'

const Bucket = z.object({
  public: z.boolean(),
  file_size_limit: z.number().nullish(),
  allowed_mime_types: z.array(z.string()).nullish(),
})
type Bucket = z.infer<typeof Bucket>

/** Types that every run writes: parts, their manifest, and the plain copy of the newest. */
const TYPES = ['part.ndjson.zst', 'manifest.json', 'latest.ndjson'].map(findContentType)

const TYPE_REMEDY = `Allow ${TYPES.join(', ')} in the bucket, or remove its restriction of types`
const SIZE_REMEDY =
  'Raise the file size limit of the bucket, and that of the project (Storage → Settings), ' +
  'which limits every bucket'
const NAME_REMEDY = 'Name another bucket in BUCKET, or after `supabase:` in ARTIFACTS'
export const KEY_REMEDY =
  'Check that SUPABASE_SECRET_KEY is a secret key of the project at SUPABASE_URL'

const REMEDIES: Readonly<Record<number, string>> = {
  401: KEY_REMEDY,
  403: KEY_REMEDY,
  413: SIZE_REMEDY,
  415: TYPE_REMEDY,
}

/** A bucket and the API that it is reached by. */
export interface BucketAccess {
  readonly api: StorageApi
  readonly bucket: string
}

export function describeBucket({ api, bucket }: BucketAccess): string {
  return `supabase:${bucket} at ${api.host}`
}

/**
 * Creates the bucket when it is missing, private and without a size limit. Rejects a public bucket,
 * and one that does not accept the types or the size of what a run writes, by its own limit or that
 * of the project.
 *
 * @throws SyncError as `ArtifactStore.check` does
 */
export async function prepareBucket(access: BucketAccess): Promise<void> {
  const bucket = (await findBucket(access)) ?? (await createBucket(access))
  const name = describeBucket(access)
  if (bucket.public) {
    throw new SyncError(
      'settings/invalid',
      `${name} is a public bucket: anyone who guesses an object's name can read supplier data. ` +
        'Make it private, or name another one in BUCKET',
    )
  }
  const refused = TYPES.filter((type) => !acceptsType(bucket, type))
  if (refused.length > 0) {
    throw new SyncError(
      'settings/invalid',
      `${name} does not accept files of type ${refused.join(', ')}. ${TYPE_REMEDY}`,
    )
  }
  checkSizeLimit(name, bucket.file_size_limit || null)
  const projectBytesMax = await withStorageErrors(
    access,
    { code: 'artifact/unwritable', what: 'Cannot read the file size limit' },
    () => loadFileBytesMax(access.api),
  )
  checkSizeLimit(`The project at ${access.api.host}`, projectBytesMax)
}

export interface Operation {
  /** Code of a permanent error that is not a matter of settings. */
  readonly code: 'artifact/unwritable' | 'artifact/missing'
  /** Begins the message, such as "Cannot read a/b". */
  readonly what: string
}

/** Runs `work` and converts a StorageError into a SyncError; other errors pass unchanged. */
export async function withStorageErrors<Result>(
  access: BucketAccess,
  { code, what }: Operation,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const { status, isTransient, retryAfterMs } = error
    const detail = { status }
    const message = `${what} in ${describeBucket(access)}: ${error.message}`
    if (isTransient) throw new SyncError('artifact/unavailable', message, { detail, retryAfterMs })
    const remedy = status === null ? undefined : REMEDIES[status]
    if (remedy !== undefined)
      throw new SyncError('settings/invalid', `${message}. ${remedy}`, { detail })
    const isElsewhere = status !== null && status < 400
    throw new SyncError(isElsewhere ? 'settings/invalid' : code, message, { detail })
  }
}

/** Returns the parsed response, or null for 404. @throws StorageError */
export async function requestJson<Shape extends z.ZodType>(
  api: StorageApi,
  request: ApiRequest,
  schema: Shape,
): Promise<z.infer<Shape> | null> {
  const response = await api.sendWithRetries(request).catch(ignoreMissing)
  if (response === null) return null
  const parsed = schema.safeParse(parseJson(response.bytes))
  if (parsed.success) return parsed.data
  throw new StorageError('HTTP 200, but not from Supabase Storage; correct SUPABASE_URL', {
    status: 200,
    isTransient: false,
  })
}

export function ignoreMissing(error: unknown): null {
  if (error instanceof StorageError && error.status === 404) return null
  throw error
}

function findBucket(access: BucketAccess): Promise<Bucket | null> {
  const request: ApiRequest = {
    method: 'GET',
    path: `/bucket/${encodeURIComponent(access.bucket)}`,
  }
  return withStorageErrors(
    access,
    { code: 'artifact/unwritable', what: 'Cannot read the bucket' },
    () => requestJson(access.api, request, Bucket),
  )
}

async function createBucket(access: BucketAccess): Promise<Bucket> {
  const { api, bucket } = access
  const json = { id: bucket, name: bucket, public: false }
  await withStorageErrors(
    access,
    { code: 'artifact/unwritable', what: 'Cannot create the bucket' },
    async () => {
      try {
        await api.send({ method: 'POST', path: '/bucket', json })
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        if (error.status === 400)
          throw new SyncError(
            'settings/invalid',
            `${describeBucket(access)}: ${error.message}. ${NAME_REMEDY}`,
          )
        if (error.status !== 409) throw error
      }
    },
  )
  // Another process may have created it a moment earlier, and the platform has its own defaults.
  return (await findBucket(access)) ?? { public: false }
}

function checkSizeLimit(who: string, bytesMax: number | null): void {
  if (bytesMax === null || bytesMax >= PART_BYTES_MAX) return
  const [limit, needed] = [bytesMax, PART_BYTES_MAX].map(formatMebibytes)
  throw new SyncError(
    'settings/invalid',
    `${who} accepts files of at most ${limit}, but a part can have ${needed}. ${SIZE_REMEDY}`,
  )
}

/** An allowed type may be a family, such as `application/*`, and have parameters. No list: all. */
function acceptsType({ allowed_mime_types: allowed }: Bucket, type: string): boolean {
  const family = `${type.split('/')[0]}/*`
  return (
    allowed == null ||
    allowed.some((entry) =>
      [type, family].includes((entry.split(';')[0] ?? '').trim().toLowerCase()),
    )
  )
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

function formatMebibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 ** 2) * 10) / 10} MiB`
}
