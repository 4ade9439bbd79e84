// Remembers the paths of unfinished uploads on disk, so that the next process can resume the upload
// of a killed one. An upload is identified by its target and its bytes.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../node/make-folder.ts'

/** The platform removes unfinished uploads after a day. */
const AGE_MS_MAX = 24 * 3_600_000

export interface UploadMemory {
  /** Returns the path of an upload of these bytes, or null. */
  recall(upload: string): Promise<string | null>
  remember(upload: string, path: string): Promise<void>
  forget(upload: string): Promise<void>
  /** Forgets uploads that the platform has removed. */
  sweep(): Promise<void>
}

export function nameUpload(bucket: string, key: string, bytes: Uint8Array): string {
  return createHash('sha256').update(`${bucket}\0${key}\0`).update(bytes).digest('hex')
}

/**
 * Keeps one file per upload in `folder`, which is created on demand. On a full or read-only disk no
 * upload is remembered.
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
