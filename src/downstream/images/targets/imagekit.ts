// Images in ImageKit: https://imagekit.io/docs/api-reference/upload-file/upload-file. The SDK is
// loaded by the first image, because most installations do without it.

import type ImageKit from '@imagekit/nodejs'
import type { APIError } from '@imagekit/nodejs'
import { IMAGEKIT_PASSWORD } from '../../../config/image-settings.ts'
import { SyncError } from '../../../core/errors.ts'
import { parseRetryAfter } from '../../../lib/back-off.ts'
import { shareLoad } from '../../../lib/share-load.ts'
import { isTransientStatus } from '../../../lib/http-status.ts'
import { cutText } from '../../../lib/text.ts'
import type { Redactor } from '../../../telemetry/redact.ts'
import { EXTENSIONS } from '../image-type.ts'
import type { FetchedCopy, ImageFile, ImageTarget, StoredImage } from './target.ts'

export interface ImageKitOptions {
  /** The folder of all images, without slashes at its ends. */
  readonly folder: string
  readonly privateKey: string
  /** Null: the addresses of ImageKit. */
  readonly endpoint: string | null
  readonly redact: Redactor
}

const TIMEOUT_MS = 60_000
const MISSING_SDK =
  'IMAGES=imagekit:… needs the package @imagekit/nodejs: npm install @imagekit/nodejs'

export class ImageKitTarget implements ImageTarget {
  readonly name: string
  readonly #options: ImageKitOptions
  readonly #open = shareLoad(() => this.#createClient())

  constructor(options: ImageKitOptions) {
    this.name = `imagekit:${options.folder}`
    this.#options = options
  }

  /**
   * ImageKit compares no contents, so the name must. Without `useUniqueFileName` and
   * `overwriteFile`, an upload to a name that exists fails, and the file is looked up.
   */
  async store({ bytes, type, sha256 }: ImageFile, signal: AbortSignal): Promise<StoredImage> {
    const fileName = `${sha256}.${EXTENSIONS[type]}`
    const folder = `/${this.#options.folder}/${sha256.slice(0, 2)}`
    const file = new File([bytes], fileName, { type })
    return await this.#call('Cannot store an image', signal, async (client) => {
      const upload = { file, fileName, folder, useUniqueFileName: false, overwriteFile: false }
      try {
        return toStored(await client.files.upload(upload, { signal }))
      } catch (error) {
        if (statusOf(error) !== 400 && statusOf(error) !== 409) throw error
        const found = await findFile(client, { fileName, folder }, signal)
        if (found === null) throw error
        return found
      }
    })
  }

  /** ImageKit must receive the headers of the response within 8 seconds. */
  async storeFromUrl(url: string, key: string, signal: AbortSignal): Promise<FetchedCopy> {
    const upload = {
      file: url,
      fileName: `url-${key}`,
      folder: `/${this.#options.folder}/by-url`,
      useUniqueFileName: false,
      overwriteFile: true,
    }
    const stored = await this.#call('ImageKit cannot fetch an image', signal, async (client) =>
      toStored(await client.files.upload(upload, { signal })),
    )
    return { ...stored, original: toOriginal(stored.url) }
  }

  async remove(fileId: string, signal: AbortSignal): Promise<void> {
    await this.#call('Cannot remove an image', signal, async (client) => {
      await client.files.delete(fileId, { signal }).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error
      })
    })
  }

  async #createClient(): Promise<ImageKit> {
    const { privateKey, endpoint } = this.#options
    const library = await import('@imagekit/nodejs').catch(() => null)
    if (library === null) throw new SyncError('settings/invalid', MISSING_SDK)
    return new library.default({
      privateKey,
      password: IMAGEKIT_PASSWORD,
      baseURL: endpoint ?? 'https://api.imagekit.io',
      // The step retries.
      maxRetries: 0,
      timeout: TIMEOUT_MS,
      logLevel: 'off',
    })
  }

  async #call<Result>(
    what: string,
    signal: AbortSignal,
    call: (client: ImageKit) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#open()
    try {
      return await call(client)
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#toSyncError(what, error)
    }
  }

  #toSyncError(what: string, error: unknown): unknown {
    // Every error of the SDK has a status, which is undefined without a response.
    if (!(error instanceof Error) || error instanceof SyncError || !('status' in error))
      return error
    const status = statusOf(error)
    const reason = cutText(this.#options.redact(reasonOf(error)), 200)
    const message = `${what} in ${this.name}: ${status === null ? '' : `status ${status}, `}${reason}`
    if (status === 401 || status === 403)
      return new SyncError('settings/invalid', `${message}. Check IMAGEKIT_PRIVATE_KEY`)
    if (status === null || isTransientStatus(status))
      return new SyncError('image/store-unavailable', message, { retryAfterMs: readReset(error) })
    return new SyncError('image/store-refused', message)
  }
}

async function findFile(
  client: ImageKit,
  { fileName, folder }: { readonly fileName: string; readonly folder: string },
  signal: AbortSignal,
): Promise<StoredImage | null> {
  const searchQuery = `name = "${fileName}"`
  const found = await client.assets.list({ searchQuery, path: folder, limit: 1 }, { signal })
  const [file] = found
  return file?.type === 'file' ? toStored(file) : null
}

/** @throws SyncError for a response that is not ImageKit's */
function toStored({ fileId, url }: { fileId?: string; url?: string }): StoredImage {
  if (fileId === undefined || url === undefined)
    throw new SyncError('image/store-refused', 'ImageKit sent a response without an address')
  return { object: fileId, url }
}

/** https://imagekit.io/docs/core-delivery-features#get-the-original-file */
function toOriginal(address: string): string {
  const url = new URL(address)
  url.searchParams.set('tr', 'orig-true')
  return url.href
}

function statusOf(error: unknown): number | null {
  const { status } = Object(error) as Partial<APIError>
  return typeof status === 'number' ? status : null
}

function reasonOf(error: Error): string {
  const { error: body } = error as Partial<APIError>
  const { message } = Object(body) as { message?: unknown }
  return typeof message === 'string' ? message : error.message
}

/**
 * Milliseconds until requests are accepted again:
 * https://imagekit.io/docs/api-reference/rate-limits#rate-limit-headers
 */
function readReset(error: Error): number | null {
  const { headers } = error as Partial<APIError>
  const resetMs = Number(headers?.get('x-ratelimit-reset') ?? Number.NaN)
  if (resetMs > 0) return resetMs
  return parseRetryAfter(headers?.get('retry-after') ?? null, Date.now())
}
