// Replaces a file at once: a reader sees the old file or the new one, never a part.

import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'

/**
 * Calls `write` with the path of a new file beside `path`, which then replaces `path`. After an error,
 * the old file is unchanged.
 *
 * @throws the error of `write` or of the file system
 */
export async function replaceFile(
  path: string,
  write: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await write(draft)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Replaces the file by one that only its owner may read, with mode 0600. @throws as `replaceFile` */
export function writePrivateFile(path: string, text: string): Promise<void> {
  return replaceFile(path, (draft) => writeFile(draft, text, { mode: 0o600, flag: 'wx' }))
}
