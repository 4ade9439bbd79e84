// Writes long results to a file.

import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SyncError, messageOf } from '../../core/errors.ts'
import { replaceFile } from '../../node/replace-file.ts'

/**
 * Replaces the file by the chunks: an error leaves the old file.
 *
 * @throws SyncError `usage/invalid` when the file cannot be written · the error of `chunks`
 */
export async function writeToFile(
  path: string,
  chunks: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  try {
    await replaceFile(path, (draft) =>
      pipeline(Readable.from(chunks), createWriteStream(draft, { flags: 'wx' })),
    )
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new SyncError('usage/invalid', `${path} cannot be written: ${messageOf(error)}`, {
        cause: error,
      })
    throw error
  }
}
