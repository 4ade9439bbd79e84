// Artifacts in S3 or a compatible store. The SDK makes all retries. It is loaded by the first call,
// because loading costs 190 ms and 34 MB.

import { Readable } from 'node:stream'
import type { S3 } from '@aws-sdk/client-s3'
import { SyncError } from '../../core/errors.ts'
import { shareLoad } from '../../lib/share-load.ts'
import { classifyStatus, isTransientStatus } from '../../lib/http-status.ts'
import { findErrno } from '../../node/system-errors.ts'
import {
  checkKey,
  findContentType,
  toFolder,
  type ArtifactStore,
  type StoredObject,
} from '../store.ts'

export interface S3Options {
  readonly bucket: string
  /** Prefix of every key: '' or a path with a trailing slash. */
  readonly prefix: string
  readonly region: string
  /** Null: AWS. Other endpoints get path-style addresses and no AWS checksum headers. */
  readonly endpoint: string | null
  /** Null: the SDK uses the role or the profile of the machine. */
  readonly key: { readonly id: string; readonly secret: string } | null
}

type Code = 'artifact/unwritable' | 'artifact/missing'

/** S3 accepts at most 10,000 pieces of a stream, so this allows 80 GB. */
const PIECE_BYTES = 8 * 1024 * 1024

/** A connection without data for this long counts as broken. The SDK has no such default. */
const SILENCE_MS = 60_000

/** Error names that mean wrong settings. */
const REFUSALS: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AuthorizationHeaderMalformed',
  'CredentialsProviderError',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidBucketName',
  'NoSuchBucket',
  'PermanentRedirect',
  'SignatureDoesNotMatch',
])

/** Many compatible stores reject the checksums that the SDK sends by default since 2025. */
const NOT_AWS = {
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const

const REMEDY =
  'Check ARTIFACTS, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and what the key permits'

export class S3Store implements ArtifactStore {
  readonly #options: S3Options
  readonly #open = shareLoad(() => this.#createClient())

  constructor(options: S3Options) {
    this.#options = options
  }

  describe(): string {
    const { bucket, prefix, endpoint } = this.#options
    return `s3://${bucket}/${prefix}${endpoint === null ? '' : ` at ${new URL(endpoint).host}`}`
  }

  /** Creates no bucket: its region, owner and cost are decisions of the account's owner. */
  async check(): Promise<void> {
    try {
      await this.#call('artifact/unwritable', 'Cannot find the bucket', (client) =>
        client.headBucket({ Bucket: this.#options.bucket }),
      )
    } catch (error) {
      if (!(error instanceof SyncError) || error.detail.status !== 404) throw error
      throw new SyncError(
        'settings/invalid',
        `The bucket of ${this.describe()} does not exist: ` +
          'create it, or correct ARTIFACTS and S3_REGION',
      )
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const object = { ...this.#placeOf(key), ContentType: findContentType(key), Body: bytes }
    await this.#call('artifact/unwritable', `Cannot write ${key}`, (client) =>
      client.putObject(object),
    )
  }

  async putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const place = this.#placeOf(key)
    await this.#call('artifact/unwritable', `Cannot write ${key}`, async (client) => {
      const { Upload } = await import('@aws-sdk/lib-storage')
      const params = {
        ...place,
        ContentType: findContentType(key),
        Body: Readable.from(source, { objectMode: false }),
      }
      await new Upload({ client, params, partSize: PIECE_BYTES, queueSize: 1 }).done()
    })
  }

  async get(key: string): Promise<Uint8Array> {
    const place = this.#placeOf(key)
    return await this.#call('artifact/missing', `Cannot read ${key}`, async (client) => {
      const { Body } = await client.getObject(place)
      return Body === undefined ? new Uint8Array() : await Body.transformToByteArray()
    })
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    toFolder(prefix)
    const { bucket, prefix: root } = this.#options
    let token: string | undefined
    do {
      const request = {
        Bucket: bucket,
        Prefix: root + prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }
      const page = await this.#call(
        'artifact/missing',
        `Cannot list ${prefix || 'the store'}`,
        (client) => client.listObjectsV2(request),
      )
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: Key.slice(root.length), bytes: Size, modifiedAt: LastModified }
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
  }

  /** Removes one object per request: stores require different checksums for bulk removal. */
  async remove(keys: readonly string[]): Promise<void> {
    for (const place of keys.map((key) => this.#placeOf(key))) {
      await this.#call('artifact/unwritable', `Cannot remove ${place.Key}`, (client) =>
        client.deleteObject(place),
      )
    }
  }

  /** Pieces of an unfinished stream stay hidden until the bucket's lifecycle rule removes them. */
  sweep(): Promise<number> {
    return Promise.resolve(0)
  }

  #placeOf(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + checkKey(key) }
  }

  async #createClient(): Promise<S3> {
    const { S3 } = await import('@aws-sdk/client-s3')
    const { region, endpoint, key } = this.#options
    return new S3({
      region,
      maxAttempts: 6,
      requestHandler: { connectionTimeout: 10_000, socketTimeout: SILENCE_MS },
      ...(key === null
        ? {}
        : { credentials: { accessKeyId: key.id, secretAccessKey: key.secret } }),
      ...(endpoint === null ? {} : { ...NOT_AWS, endpoint }),
    })
  }

  async #call<Result>(
    code: Code,
    what: string,
    call: (client: S3) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#open()
    try {
      return await call(client)
    } catch (error) {
      throw this.#toSyncError(code, what, error)
    }
  }

  /** Omits the SDK's error as a cause: it quotes the key's id and the signed request. */
  #toSyncError(code: Code, what: string, error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof SyncError) return error
    const status = findStatus(error)
    // The server's error code, which may be any text.
    const name = /^[A-Za-z][\w.]{0,60}$/.test(error.name) ? error.name : 'an error without a name'
    const reason = findErrno(error) ?? name
    const isRefusal =
      REFUSALS.has(name) || (status !== null && classifyStatus(status) === 'unauthorized')
    if (status === null && !isRefusal && reason === name && name !== 'TimeoutError') return error
    const suffix = status === null ? '' : ` (${status})`
    const message = `${what} in ${this.describe()}: ${reason}${suffix}`
    const detail = { status, name }
    if (isRefusal) return new SyncError('settings/invalid', `${message}. ${REMEDY}`, { detail })
    const isTransient = status === null || isTransientStatus(status)
    return new SyncError(isTransient ? 'artifact/unavailable' : code, message, { detail })
  }
}

function findStatus(error: Error): number | null {
  const { $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode ?? null
}
