// A part: whole NDJSON lines, compressed, about 32 MiB raw and 5 to 8 MB stored. An artifact is its
// parts in order. The unit is small enough to be lost, repeated or applied by another worker, and
// its stored bytes fit in memory.

import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { LINE_FEED } from '../lib/ndjson.ts'
import { Codec, compressor, decompress } from './codec.ts'
import type { ArtifactStore } from './store.ts'

export const PART_BYTES_MAX = 32 * 1024 * 1024

export const Part = z.strictObject({
  /** From 1, without gaps. */
  no: z.int().positive(),
  key: z.string(),
  codec: Codec,
  /** Of the stored bytes, in lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  rawBytes: z.int().nonnegative(),
  storedBytes: z.int().nonnegative(),
  lineCount: z.int().nonnegative(),
})
export type Part = z.infer<typeof Part>

/** A finished part before it has a place. */
export interface PackedPart extends Omit<Part, 'no' | 'key'> {
  readonly bytes: Buffer
}

/** Packs the pages of one part. Raw bytes are compressed as they come and not kept. */
export class PartWriter {
  rawBytes = 0
  lineCount = 0
  /** So far; the last of it is still with the compressor. */
  storedBytes = 0
  readonly #codec: Codec
  readonly #partBytesMax: number
  readonly #compressor: Transform
  readonly #sha256 = createHash('sha256')
  readonly #stored: Buffer[] = []
  #inLine = false

  constructor(codec: Codec, partBytesMax = PART_BYTES_MAX) {
    this.#codec = codec
    this.#partBytesMax = partBytesMax
    this.#compressor = compressor(codec)
    this.#compressor.on('data', (chunk: Buffer) => {
      this.#sha256.update(chunk)
      this.#stored.push(chunk)
      this.storedBytes += chunk.length
    })
  }

  /**
   * Whether a page of `byteLength` still belongs here. An empty part takes any page, so that no
   * page is too large.
   */
  fits(byteLength: number): boolean {
    return this.rawBytes === 0 || this.rawBytes + byteLength <= this.#partBytesMax
  }

  /**
   * Takes a page of whole lines, or a piece of one, whose bytes must not change afterwards. Await
   * it before the next: it resolves when there is room again, and the page is compressed meanwhile.
   */
  async add(page: { readonly bytes: Uint8Array; readonly lineCount: number }): Promise<void> {
    if (page.bytes.length === 0) return
    this.#inLine = page.bytes.at(-1) !== LINE_FEED
    this.rawBytes += page.bytes.length
    this.lineCount += page.lineCount
    if (!this.#compressor.write(page.bytes)) await once(this.#compressor, 'drain')
  }

  /** Closes the part, which must end with a whole line. Call it once. */
  async finish(): Promise<PackedPart> {
    if (this.#inLine) throw new TypeError('A part must end with a line feed')
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

  /** Gives the memory back when the part will not be finished. */
  discard(): void {
    this.#compressor.destroy()
  }
}

/**
 * Yields the raw bytes of a part in chunks of about 1 MiB. Nothing is yielded before the stored
 * bytes have proved to be the ones that were archived, and never more than `rawBytes`.
 *
 * @throws SyncError `artifact/corrupt` · `artifact/missing`
 */
export async function* readPart(store: ArtifactStore, part: Part): AsyncGenerator<Buffer, void> {
  const stored = await store.get(part.key)
  const actual = hash('sha256', stored)
  if (actual !== part.sha256) {
    const [is, was] = [
      `${actual} (${stored.length} bytes)`,
      `${part.sha256} (${part.storedBytes} bytes)`,
    ]
    throw corrupt(store, part, `has SHA-256 ${is}, but ${was} was archived`)
  }
  let rawBytes = 0
  try {
    for await (const chunk of decompress(part.codec, stored)) {
      rawBytes += chunk.length
      if (rawBytes > part.rawBytes) break
      yield chunk
    }
  } catch (error) {
    throw corrupt(store, part, `is no ${part.codec} data after ${rawBytes} raw bytes`, error)
  }
  if (rawBytes !== part.rawBytes) {
    const compared = rawBytes > part.rawBytes ? 'more' : 'fewer'
    throw corrupt(
      store,
      part,
      `unfolds to ${compared} than the ${part.rawBytes} raw bytes that were archived`,
    )
  }
}

/**
 * The whole artifact as the NDJSON that was archived. @throws as `readPart` does, after the parts
 * before.
 */
export async function* catArtifact(
  store: ArtifactStore,
  parts: readonly Part[],
): AsyncGenerator<Buffer, void> {
  for (const part of parts) yield* readPart(store, part)
}

export interface PartCheck {
  readonly part: Part
  /** What is wrong with it: `artifact/corrupt` or `artifact/missing`. Null: it is as archived. */
  readonly problem: SyncError | null
}

/**
 * Reads every part to its end and compares checksum, size and line count; one bad part does not
 * hide the next.
 */
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
      : corrupt(store, part, `has ${lineCount} lines, but ${part.lineCount} were archived`)
  } catch (error) {
    if (error instanceof SyncError && error.code.startsWith('artifact/')) return error
    throw error
  }
}

function corrupt(store: ArtifactStore, part: Part, how: string, cause?: unknown): SyncError {
  const detail = { key: part.key, part: part.no }
  return new SyncError('artifact/corrupt', `${part.key} in ${store.describe()} ${how}`, {
    cause,
    detail,
  })
}
