// The products that a command line and a file name: one in each line of the file, without comments.

import { open } from 'node:fs/promises'
import { messageOf, SyncError } from '../../core/errors.ts'
import { KEYS_MAX } from '../../core/schedule.ts'
import type { Input } from '../terminal/prompt.ts'

/** 10,000 addresses of 400 characters. */
const FILE_BYTES_MAX = 4 * 1024 * 1024

interface ItemSources {
  readonly items: readonly string[]
  readonly from: string | undefined
  readonly input: Input
}

/**
 * @throws SyncError `usage/invalid` without a product, with too many, or when the file cannot be
 * read
 */
export async function readItems({ items, from, input }: ItemSources): Promise<readonly string[]> {
  const listed = from === undefined ? [] : toItems(await readBounded(from, input))
  const all = [...items, ...listed]
  if (all.length === 0)
    throw new SyncError(
      'usage/invalid',
      from === undefined
        ? 'Name a product, or a file of them: shelfsync import B08DQQ8CBP'
        : `${from} names no product`,
    )
  if (all.length > KEYS_MAX)
    throw new SyncError(
      'usage/invalid',
      `${all.length} products are named; one import takes at most ${KEYS_MAX}`,
    )
  return all
}

/**
 * The lines of a list without blank ones and comments: `#` begins one, at the start or after a
 * blank.
 */
export function toItems(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

async function readBounded(from: string, input: Input): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    await using file = from === '-' ? null : await open(from)
    const stream: AsyncIterable<unknown> = file === null ? input : file.createReadStream()
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as Buffer | string)
      size += bytes.byteLength
      if (size > FILE_BYTES_MAX) break
      chunks.push(bytes)
    }
  } catch (cause) {
    throw new SyncError('usage/invalid', `${from} cannot be read: ${messageOf(cause)}`, { cause })
  }
  if (size > FILE_BYTES_MAX)
    throw new SyncError('usage/invalid', `${from} is larger than ${FILE_BYTES_MAX / 1048576} MiB`)
  return Buffer.concat(chunks).toString()
}
