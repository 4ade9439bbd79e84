// Writes long results to a file.

import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SyncError, messageOf } from '../../core/errors.ts'

/**
 * Writes the chunks to a new file beside `path`, which then replaces `path`: an error leaves the old
 * file.
 *
 * @throws SyncError `usage/invalid` when the file cannot be written · the error of `chunks`
 */
export async function writeToFile(path: string, chunks: AsyncIterable<string>): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await pipeline(Readable.from(chunks), createWriteStream(draft, { flags: 'wx' }))
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    if (error instanceof Error && 'syscall' in error)
      throw new SyncError('usage/invalid', `${path} cannot be written: ${messageOf(error)}`, {
        cause: error,
      })
    throw error
  }
}
