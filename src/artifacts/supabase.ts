// Artifacts in a private bucket of Supabase Storage: https://supabase.com/docs/guides/storage. An
// upload that dies with its process is taken up by the next one that puts the same bytes; else
// nobody sees it, and the platform clears it away after 24 hours.

import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { PART_BYTES_MAX } from './parts.ts'
import {
  checkKey,
  contentTypeOf,
  folderOf,
  type ArtifactStore,
  type StoredObject,
} from './store.ts'
import { type ApiOptions, type ApiRequest, StorageApi, Trouble } from './supabase-api.ts'
import { readFileBytesMax, uploadBytes, uploadStream, type UploadTarget } from './tus.ts'
import { NO_UPLOAD_MEMORY, type UploadMemory } from './upload-memory.ts'

export interface SupabaseOptions extends ApiOptions {
  readonly bucket: string
  /** Default: an upload is not remembered beyond its process. */
  readonly memory?: UploadMemory
}

const Bucket = z.object({
  public: z.boolean(),
  file_size_limit: z.number().nullish(),
  allowed_mime_types: z.array(z.string()).nullish(),
})
type Bucket = z.infer<typeof Bucket>

/** A folder has no id. */
const Entry = z.object({
  name: z.string(),
  id: z.string().nullable(),
  updated_at: z.string().nullish(),
  metadata: z.object({ size: z.number() }).nullish(),
})
type Entry = z.infer<typeof Entry>

/** The most that a page of a list may have, and that one request may remove. */
const PAGE_SIZE = 1000

/** What every run writes: parts, their manifest, and the plain copy of the newest. */
const TYPES = ['part.ndjson.zst', 'manifest.json', 'latest.ndjson'].map(contentTypeOf)

const TYPE_REMEDY = `Allow ${TYPES.join(', ')} in the bucket, or restrict its types no more`
const SIZE_REMEDY =
  'Raise the file size limit of the bucket, and the one of the project (Storage → Settings), which no bucket can pass'
const NAME_REMEDY = 'Name another bucket in BUCKET, or behind `supabase:` in ARTIFACTS'
const KEY_REMEDY = 'Check that SUPABASE_SECRET_KEY is a secret key of the project at SUPABASE_URL'

const REMEDIES: Readonly<Record<number, string>> = {
  401: KEY_REMEDY,
  403: KEY_REMEDY,
  413: SIZE_REMEDY,
  415: TYPE_REMEDY,
}

export class SupabaseStore implements ArtifactStore {
  readonly #api: StorageApi
  readonly #bucket: string
  /** Its name in a path. */
  readonly #place: string
  readonly #memory: UploadMemory
  /** The first check that succeeded, or the one under way. */
  #checked: Promise<void> | null = null

  constructor({ bucket, memory = NO_UPLOAD_MEMORY, ...options }: SupabaseOptions) {
    this.#api = new StorageApi(options)
    this.#bucket = bucket
    this.#place = encodeURIComponent(bucket)
    this.#memory = memory
  }

  describe(): string {
    return `supabase:${this.#bucket} at ${this.#api.host}`
  }

  /**
   * Makes the bucket when it is missing, private and without a limit of its own. A public bucket is
   * refused, and so is one that does not take what a run writes: its types, and a part, by the
   * limit of the bucket or of the whole project.
   */
  async check(): Promise<void> {
    const bucket = (await this.#findBucket()) ?? (await this.#makeBucket())
    if (bucket.public) {
      throw new SyncError(
        'settings/invalid',
        `${this.describe()} is a public bucket: whoever guesses a name could read what suppliers sent. ` +
          'Make it private, or name another one in BUCKET',
      )
    }
    const refused = TYPES.filter((type) => !takesType(bucket, type))
    if (refused.length > 0) {
      throw new SyncError(
        'settings/invalid',
        `${this.describe()} takes no files of the type ${refused.join(', ')}. ${TYPE_REMEDY}`,
      )
    }
    this.#checkSize(this.describe(), bucket.file_size_limit || null)
    const ofProject = await this.#naming(
      'artifact/unwritable',
      'Cannot ask for the file size limit',
      () => readFileBytesMax(this.#api),
    )
    this.#checkSize(`The project at ${this.#api.host}`, ofProject)
  }

  #checkSize(who: string, bytesMax: number | null): void {
    if (bytesMax === null || bytesMax >= PART_BYTES_MAX) return
    const sizes = `${mebibytes(bytesMax)}, but a part can have ${mebibytes(PART_BYTES_MAX)}`
    throw new SyncError(
      'settings/invalid',
      `${who} takes files of at most ${sizes}. ${SIZE_REMEDY}`,
    )
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.#targetOf(key)
    await this.#write(key, () => uploadBytes(this.#api, target, bytes, this.#memory))
  }

  async putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const target = this.#targetOf(key)
    let isRead = false
    const read = async function* (): AsyncGenerator<Uint8Array> {
      isRead = true
      yield* source
    }
    await this.#write(
      key,
      () => uploadStream(this.#api, target, read()),
      () => !isRead,
    )
  }

  /**
   * Uploads. A bucket that was deleted after its check is made again, for this upload if that can
   * be repeated, else for the next one.
   */
  async #write(
    key: string,
    upload: () => Promise<void>,
    canRepeat = (): boolean => true,
  ): Promise<void> {
    await this.#ready()
    await this.#naming('artifact/unwritable', `Cannot write ${key}`, async () => {
      try {
        await upload()
      } catch (error) {
        if (!(error instanceof Trouble) || error.status !== 404) throw error
        this.#checked = null
        if (!canRepeat()) throw error
        await this.#ready()
        await upload()
      }
    })
  }

  async get(key: string): Promise<Uint8Array> {
    const path = `/object/authenticated/${this.#place}/${checkKey(key)}`
    return await this.#naming('artifact/missing', `Cannot read ${key}`, async () => {
      const { bytes } = await this.#api.ask({ method: 'GET', path })
      return bytes
    })
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    yield* this.#walk(folderOf(prefix), prefix)
  }

  async remove(keys: readonly string[]): Promise<void> {
    const names = keys.map(checkKey)
    for (let from = 0; from < names.length; from += PAGE_SIZE) {
      const prefixes = names.slice(from, from + PAGE_SIZE)
      await this.#naming(
        'artifact/unwritable',
        `Cannot remove ${prefixes.length} objects`,
        async () => {
          await this.#api
            .ask({ method: 'DELETE', path: `/object/${this.#place}`, json: { prefixes } })
            .catch(ignoreMissing)
        },
      )
    }
  }

  /** The platform itself clears unfinished uploads away after 24 hours. */
  async sweep(): Promise<number> {
    await this.#memory.sweep()
    return 0
  }

  #targetOf(key: string): UploadTarget {
    return { bucket: this.#bucket, key: checkKey(key), contentType: contentTypeOf(key) }
  }

  /**
   * Checks before the first write, once for all writers; a failed check is made again by the next
   * one.
   */
  async #ready(): Promise<void> {
    this.#checked ??= this.check()
    try {
      await this.#checked
    } catch (error) {
      this.#checked = null
      throw error
    }
  }

  #findBucket(): Promise<Bucket | null> {
    const request: ApiRequest = { method: 'GET', path: `/bucket/${this.#place}` }
    return this.#naming('artifact/unwritable', 'Cannot look at the bucket', () =>
      this.#ask(request, Bucket),
    )
  }

  async #makeBucket(): Promise<Bucket> {
    const json = { id: this.#bucket, name: this.#bucket, public: false }
    await this.#naming('artifact/unwritable', 'Cannot make the bucket', async () => {
      await this.#api
        .send({ method: 'POST', path: '/bucket', json })
        .catch(ignoreExisting)
        .catch((error: unknown) => {
          throw error instanceof Trouble && error.status === 400
            ? new SyncError(
                'settings/invalid',
                `${this.describe()}: ${error.message}. ${NAME_REMEDY}`,
              )
            : error
        })
    })
    // What another process made a moment earlier, or the platform's own defaults, are what counts.
    return (await this.#findBucket()) ?? { public: false }
  }

  /**
   * Every object under `folder` whose key begins with `prefix`, a whole folder at a time, so that
   * removing shifts no page.
   */
  async *#walk(folder: string, prefix: string): AsyncIterable<StoredObject> {
    for (const [key, entry] of await this.#entries(folder)) {
      if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue
      if (entry.id === null) yield* this.#walk(key, prefix)
      else if (key.startsWith(prefix))
        yield { key, bytes: entry.metadata?.size ?? 0, modifiedAt: new Date(entry.updated_at ?? 0) }
    }
  }

  /**
   * What is in `folder` by key, ascending; folders end with a slash, so that `a.b` comes before
   * `a/`.
   */
  async #entries(folder: string): Promise<[string, Entry][]> {
    const entries = new Map<string, Entry>()
    for (let offset = 0; ; offset += PAGE_SIZE) {
      const json = {
        prefix: folder,
        limit: PAGE_SIZE,
        offset,
        sortBy: { column: 'name', order: 'asc' },
      }
      const request: ApiRequest = { method: 'POST', path: `/object/list/${this.#place}`, json }
      const page =
        (await this.#naming('artifact/missing', `Cannot list ${folder || 'the store'}`, () =>
          this.#ask(request, z.array(Entry)),
        )) ?? []
      for (const entry of page)
        entries.set(folder + entry.name + (entry.id === null ? '/' : ''), entry)
      if (page.length < PAGE_SIZE) return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
    }
  }

  /** The answer as `schema` has it, or null when there is no such thing. */
  async #ask<Shape extends z.ZodType>(
    request: ApiRequest,
    schema: Shape,
  ): Promise<z.infer<Shape> | null> {
    const answer = await this.#api.ask(request).catch(ignoreMissing)
    if (answer === null) return null
    const parsed = schema.safeParse(parseJson(answer.bytes))
    if (parsed.success) return parsed.data
    throw new Trouble('HTTP 200, but not from Supabase Storage; correct SUPABASE_URL', {
      status: 200,
      passes: false,
    })
  }

  /**
   * Turns what went wrong in `work` into our words; what a source threw stays what it is. `code` is
   * for a refusal that will not pass and that no setting mends.
   */
  async #naming<Result>(
    code: 'artifact/unwritable' | 'artifact/missing',
    what: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Trouble)) throw error
      const { status, passes } = error
      const message = `${what} in ${this.describe()}: ${error.message}`
      if (passes) throw new SyncError('artifact/unavailable', message, { detail: { status } })
      const remedy = status === null ? undefined : REMEDIES[status]
      if (remedy !== undefined)
        throw new SyncError('settings/invalid', `${message}. ${remedy}`, { detail: { status } })
      throw new SyncError(status !== null && status < 400 ? 'settings/invalid' : code, message, {
        detail: { status },
      })
    }
  }
}

/**
 * Types of a bucket may be families, such as `application/*`, and have parameters. None at all:
 * any.
 */
function takesType({ allowed_mime_types: allowed }: Bucket, type: string): boolean {
  const family = `${type.split('/')[0]}/*`
  return (
    allowed == null ||
    allowed.some((entry) =>
      [type, family].includes((entry.split(';')[0] ?? '').trim().toLowerCase()),
    )
  )
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Trouble && error.status === 404) return null
  throw error
}

function ignoreExisting(error: unknown): null {
  if (error instanceof Trouble && error.status === 409) return null
  throw error
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 ** 2) * 10) / 10} MiB`
}
