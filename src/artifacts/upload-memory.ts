// Where uploads under way live on the server, remembered on disk, so that a process that is killed
// leaves its upload to the next one. An upload is known by its target and its bytes together: other
// bytes are another upload.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../node/make-folder.ts'

/** The platform forgets an upload after a day. */
const AGE_MS_MAX = 24 * 3_600_000

export interface UploadMemory {
  /** The path that was remembered for an upload of just these bytes, or null. */
  recall(upload: string): Promise<string | null>
  remember(upload: string, path: string): Promise<void>
  forget(upload: string): Promise<void>
  /** Drops what no server knows any more. */
  sweep(): Promise<void>
}

export function nameUpload(bucket: string, key: string, bytes: Uint8Array): string {
  return createHash('sha256').update(`${bucket}\0${key}\0`).update(bytes).digest('hex')
}

/**
 * A file for each upload in `folder`, which is made when it is needed. A disk that is full or
 * read-only only means that nothing is remembered.
 */
export function createUploadMemory(folder: string): UploadMemory {
  const drop = (upload: string): Promise<void> =>
    rm(join(folder, upload), { force: true }).catch(() => undefined)
  return {
    recall: (upload) => readFile(join(folder, upload), 'utf8').catch(() => null),
    async remember(upload, path) {
      await makeFolder(folder).catch(() => undefined)
      await writeFile(join(folder, upload), path).catch(() => drop(upload))
    },
    forget: drop,
    async sweep() {
      for (const upload of await readdir(folder).catch(() => [])) {
        const { mtimeMs } = await stat(join(folder, upload)).catch(() => ({ mtimeMs: Infinity }))
        if (mtimeMs < Date.now() - AGE_MS_MAX) await drop(upload)
      }
    },
  }
}

export const NO_UPLOAD_MEMORY: UploadMemory = {
  recall: () => Promise.resolve(null),
  remember: () => Promise.resolve(),
  forget: () => Promise.resolve(),
  sweep: () => Promise.resolve(),
}
