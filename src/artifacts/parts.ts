// Parts of an artifact: whole NDJSON lines, compressed, about 32 MiB raw and 5 to 8 MB stored. A
// part is small enough to be repeated or applied by another worker, and its stored bytes fit in
// memory.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { LINE_FEED } from '../lib/byte-scan.ts'
import { digestSha256 } from '../node/hash.ts'
import { Codec, createCompressor, decompress } from './codec.ts'
import type { ArtifactStore } from './store.ts'

export const PART_BYTES_MAX = 32 * 1024 * 1024

export const Part = z.strictObject({
  /** From 1, without gaps. */
  no: z.int().positive(),
  key: z.string(),
  codec: Codec,
  /** SHA-256 of the stored bytes, in lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  rawBytes: z.int().nonnegative(),
  storedBytes: z.int().nonnegative(),
  lineCount: z.int().nonnegative(),
})
export type Part = z.infer<typeof Part>

/** A finished part without a key. */
export interface PackedPart extends Omit<Part, 'no' | 'key'> {
  readonly bytes: Buffer
}

/** Compresses the pages of one part as they arrive; raw bytes are not kept. */
export class PartWriter {
  rawBytes = 0
  lineCount = 0
  /** Bytes so far, without those still in the compressor. */
  storedBytes = 0
  readonly #codec: Codec
  readonly #partBytesMax: number
  readonly #compressor: Transform
  readonly #sha256 = createHash('sha256')
  readonly #stored: Buffer[] = []
  #isInLine = false

  constructor(codec: Codec, partBytesMax = PART_BYTES_MAX) {
    this.#codec = codec
    this.#partBytesMax = partBytesMax
    this.#compressor = createCompressor(codec)
    this.#compressor.on('data', (chunk: Buffer) => {
      this.#sha256.update(chunk)
      this.#stored.push(chunk)
      this.storedBytes += chunk.length
    })
  }

  /** True when a page of `byteLength` fits. An empty part accepts a page of any size. */
  fits(byteLength: number): boolean {
    return this.rawBytes === 0 || this.rawBytes + byteLength <= this.#partBytesMax
  }

  /**
   * Adds whole lines or a piece of one. The bytes must not change afterwards: they are compressed
   * in the background. Await each call; it resolves when there is room for the next.
   */
  async add(page: { readonly bytes: Uint8Array; readonly lineCount: number }): Promise<void> {
    if (page.bytes.length === 0) return
    this.#isInLine = page.bytes.at(-1) !== LINE_FEED
    this.rawBytes += page.bytes.length
    this.lineCount += page.lineCount
    if (!this.#compressor.write(page.bytes)) await once(this.#compressor, 'drain')
  }

  /** Closes the part, which must end with a line feed. Call it once. */
  async finish(): Promise<PackedPart> {
    if (this.#isInLine) throw new TypeError('A part must end with a line feed')
    const ended = once(this.#compressor, 'end')
    this.#compressor.end()
    await ended
    const bytes = Buffer.concat(this.#stored)
    const { rawBytes, lineCount } = this
    return {
      bytes,
      sha256: this.#sha256.digest('hex'),
      rawBytes,
      storedBytes: bytes.length,
      lineCount,
      codec: this.#codec,
    }
  }

  /** Frees the memory of a part that will not be finished. */
  discard(): void {
    this.#compressor.destroy()
  }
}

/** A part that a call to the database wrote: its key contains its bytes. */
const CALL_URL = 'data:application/x-ndjson;base64,'
/** A part that an edge function wrote: its key contains its bytes, compressed. */
const GZIP_URL = 'data:application/gzip;base64,'

/** Returns true for a part that a call wrote; it contains the call, not a supplier's records. */
export function isOfCall({ key }: Pick<Part, 'key'>): boolean {
  return key.startsWith(CALL_URL)
}

/** Returns the data URL (RFC 2397) that contains a part compressed by gzip. */
export function toDataUrl(stored: Uint8Array): string {
  return GZIP_URL + Buffer.from(stored).toString('base64')
}

function readDataUrl(key: string): Buffer | null {
  const prefix = [CALL_URL, GZIP_URL].find((start) => key.startsWith(start))
  return prefix === undefined ? null : Buffer.from(key.slice(prefix.length), 'base64')
}

/**
 * Yields the raw bytes of a part in chunks of about 1 MiB, after it has verified the checksum of
 * the stored bytes, and never more than `rawBytes`.
 *
 * @throws SyncError `artifact/corrupt` · `artifact/missing`
 */
export async function* readPart(store: ArtifactStore, part: Part): AsyncGenerator<Buffer, void> {
  const stored = readDataUrl(part.key) ?? (await store.get(part.key))
  const actual = digestSha256(stored, 'hex')
  if (actual !== part.sha256) {
    const [is, was] = [
      `${actual} (${stored.length} bytes)`,
      `${part.sha256} (${part.storedBytes} bytes)`,
    ]
    throw createCorruptError(store, part, `has SHA-256 ${is}, but ${was} was archived`)
  }
  let rawBytes = 0
  try {
    for await (const chunk of decompress(part.codec, stored)) {
      rawBytes += chunk.length
      if (rawBytes > part.rawBytes) break
      yield chunk
    }
  } catch (error) {
    throw createCorruptError(
      store,
      part,
      `is not valid ${part.codec} data after ${rawBytes} raw bytes`,
      error,
    )
  }
  if (rawBytes !== part.rawBytes) {
    const compared = rawBytes > part.rawBytes ? 'more' : 'fewer'
    throw createCorruptError(
      store,
      part,
      `decompresses to ${compared} than the ${part.rawBytes} raw bytes that were archived`,
    )
  }
}

/** Yields the raw NDJSON of all parts in order. @throws as `readPart`, after the preceding parts */
export async function* readParts(
  store: ArtifactStore,
  parts: readonly Part[],
): AsyncGenerator<Buffer, void> {
  for (const part of parts) yield* readPart(store, part)
}

export interface PartCheck {
  readonly part: Part
  /** `artifact/corrupt` or `artifact/missing`; null when the part is intact. */
  readonly problem: SyncError | null
}

/** Compares checksum, size and line count of every part. A bad part does not end the check. */
export async function* verifyArtifact(
  store: ArtifactStore,
  parts: readonly Part[],
): AsyncGenerator<PartCheck, void> {
  for (const part of parts) yield { part, problem: await findProblem(store, part) }
}

async function findProblem(store: ArtifactStore, part: Part): Promise<SyncError | null> {
  try {
    let lineCount = 0
    for await (const chunk of readPart(store, part)) {
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1))
        lineCount += 1
    }
    return lineCount === part.lineCount
      ? null
      : createCorruptError(
          store,
          part,
          `has ${lineCount} lines, but ${part.lineCount} were archived`,
        )
  } catch (error) {
    if (error instanceof SyncError && error.code.startsWith('artifact/')) return error
    throw error
  }
}

function createCorruptError(
  store: ArtifactStore,
  part: Part,
  how: string,
  cause?: unknown,
): SyncError {
  const detail = { key: part.key, part: part.no }
  return new SyncError('artifact/corrupt', `${part.key} in ${store.describe()} ${how}`, {
    cause,
    detail,
  })
}
