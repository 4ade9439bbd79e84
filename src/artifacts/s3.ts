// Artifacts in S3, or in whatever speaks its protocol. Retries are the SDK's own and the only ones;
// the SDK is loaded by the first call, because it costs 190 ms and 34 MB that nobody else should
// pay.

import { Readable } from 'node:stream'
import type { S3 } from '@aws-sdk/client-s3'
import { SyncError } from '../core/errors.ts'
import { classifyStatus, isTransientStatus } from '../lib/http-status.ts'
import { errnoOf } from '../node/system-errors.ts'
import {
  checkKey,
  contentTypeOf,
  folderOf,
  type ArtifactStore,
  type StoredObject,
} from './store.ts'

export interface S3Options {
  readonly bucket: string
  /** What every key begins with, '' or ended by a slash. */
  readonly prefix: string
  readonly region: string
  /**
   * Null: AWS itself. Another one is spoken to in path style, without AWS's own checksum headers.
   */
  readonly endpoint: string | null
  /** Null: the SDK looks for the role or the profile of the machine. */
  readonly key: { readonly id: string; readonly secret: string } | null
}

type Code = 'artifact/unwritable' | 'artifact/missing'

/** Of a stream; S3 takes at most 10,000 pieces, so this is good for 80 GB. */
const PIECE_BYTES = 8 * 1024 * 1024

/**
 * After which a connection counts as broken; without it, one that was cut silently would be waited
 * for for ever.
 */
const SILENCE_MS = 60_000

/** What the store says when our settings are wrong, not the moment. */
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

/** Checksums that AWS made the default in 2025 are refused by many others. */
const NOT_AWS = {
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const

const REMEDY =
  'Check ARTIFACTS, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and what the key may do'

export class S3Store implements ArtifactStore {
  readonly #options: S3Options
  #client: Promise<S3> | null = null

  constructor(options: S3Options) {
    this.#options = options
  }

  describe(): string {
    const { bucket, prefix, endpoint } = this.#options
    return `s3://${bucket}/${prefix}${endpoint === null ? '' : ` at ${new URL(endpoint).host}`}`
  }

  /**
   * Makes no bucket: where it lies, who owns it and what it costs is for the account's owner to
   * say.
   */
  async check(): Promise<void> {
    try {
      await this.#call('artifact/unwritable', 'Cannot find the bucket', (client) =>
        client.headBucket({ Bucket: this.#options.bucket }),
      )
    } catch (error) {
      if (!(error instanceof SyncError) || error.detail.status !== 404) throw error
      throw new SyncError(
        'settings/invalid',
        `The bucket of ${this.describe()} does not exist: make it, or correct ARTIFACTS and S3_REGION`,
      )
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const object = { ...this.#placeOf(key), ContentType: contentTypeOf(key), Body: bytes }
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
        ContentType: contentTypeOf(key),
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
    folderOf(prefix)
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

  /** One by one: stores differ in the checksum that they ask for when many are removed at once. */
  async remove(keys: readonly string[]): Promise<void> {
    for (const place of keys.map((key) => this.#placeOf(key))) {
      await this.#call('artifact/unwritable', `Cannot remove ${place.Key}`, (client) =>
        client.deleteObject(place),
      )
    }
  }

  /**
   * Nothing to do for objects. Pieces of a stream that died stay, unseen, until the bucket's own
   * rule for unfinished uploads.
   */
  sweep(): Promise<number> {
    return Promise.resolve(0)
  }

  #placeOf(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + checkKey(key) }
  }

  async #open(): Promise<S3> {
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
    const client = await (this.#client ??= this.#open())
    try {
      return await call(client)
    } catch (error) {
      throw this.#named(code, what, error)
    }
  }

  /**
   * Ours for theirs, without their error itself: it quotes the key's id and the request that was
   * signed.
   */
  #named(code: Code, what: string, error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof SyncError) return error
    const status = statusOf(error)
    // It is what the server wrote as its code, which may be anything.
    const name = /^[A-Za-z][\w.]{0,60}$/.test(error.name) ? error.name : 'an error without a name'
    const reason = errnoOf(error) ?? name
    const isRefusal =
      REFUSALS.has(name) || (status !== null && classifyStatus(status) === 'unauthorized')
    if (status === null && !isRefusal && reason === name && name !== 'TimeoutError') return error
    const message = `${what} in ${this.describe()}: ${reason}${status === null ? '' : ` (${status})`}`
    const detail = { status, name }
    if (isRefusal) return new SyncError('settings/invalid', `${message}. ${REMEDY}`, { detail })
    const passes = status === null || isTransientStatus(status)
    return new SyncError(passes ? 'artifact/unavailable' : code, message, { detail })
  }
}

function statusOf(error: Error): number | null {
  const { $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode ?? null
}
