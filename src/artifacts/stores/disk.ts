// Artifacts in a folder. A file gets its name only after its bytes are on the disk: it is written
// under a temporary name, synced and renamed, and then its folders are synced, because a rename
// alone may not survive a power cut. Below the root, symbolic links are refused.

import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { access, constants, lstat, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SyncError } from '../../core/errors.ts'
import { makeFolder } from '../../node/make-folder.ts'
import { findErrno } from '../../node/system-errors.ts'
import {
  checkKey,
  toFolder,
  verifyWritable,
  UNFINISHED,
  type ArtifactStore,
  type StoredObject,
} from '../store.ts'

/** Only the owner may read what a supplier sent. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file is in the place of a folder',
  EEXIST: 'a file is in the place of a folder',
  EISDIR: 'a folder is in the place of a file',
  ENOENT: 'it does not exist',
  EFBIG: 'the file is larger than the system allows',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
  ELOOP: 'its path contains a symbolic link, which is not allowed',
  EFTYPE: 'it is not a regular file',
}

export class DiskStore implements ArtifactStore {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  describe(): string {
    return `file:${this.#root}`
  }

  async check(): Promise<void> {
    try {
      await makeFoldersDurably(this.#root)
      await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK)
      // The permissions do not change when a disk becomes full or read-only.
      await verifyWritable(this)
    } catch (error) {
      throw this.#toSyncError(
        'artifact/unwritable',
        'Cannot keep artifacts',
        error instanceof SyncError ? error.cause : error,
      )
    }
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    return this.#write(key, bytes)
  }

  putStream(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#write(key, source)
  }

  async #write(key: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#pathOf(key)
    const unfinished = `${path}.${randomUUID()}${UNFINISHED}`
    try {
      await this.#refuseLinks(key)
      await makeFoldersDurably(dirname(path))
      await writeDurably(unfinished, content)
      await rename(unfinished, path)
      await syncFolder(dirname(path))
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined)
      throw this.#toSyncError('artifact/unwritable', `Cannot write ${key}`, error)
    }
  }

  async get(key: string): Promise<Uint8Array> {
    const path = this.#pathOf(key)
    try {
      await this.#refuseLinks(key)
      return await readFile(path)
    } catch (error) {
      throw this.#toSyncError('artifact/missing', `Cannot read ${key}`, error)
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = toFolder(prefix)
    await this.#refuseLinks(folder).catch((error: unknown) => {
      throw this.#toSyncError('artifact/missing', `Cannot list ${folder}`, error)
    })
    for await (const object of this.#walk(folder, prefix)) {
      if (!object.key.endsWith(UNFINISHED)) yield object
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const path = this.#pathOf(key)
      try {
        await this.#refuseLinks(key)
        await rm(path, { force: true })
      } catch (error) {
        if (!isMissing(error))
          throw this.#toSyncError('artifact/unwritable', `Cannot remove ${key}`, error)
      }
      await this.#removeEmptyFolders(dirname(path))
    }
  }

  async sweep(before: Date): Promise<number> {
    let count = 0
    for await (const { key, modifiedAt } of this.#walk('', '')) {
      if (!key.endsWith(UNFINISHED) || modifiedAt >= before) continue
      const path = join(this.#root, key)
      await rm(path, { force: true })
      await this.#removeEmptyFolders(dirname(path))
      count += 1
    }
    return count
  }

  #pathOf(key: string): string {
    return join(this.#root, checkKey(key))
  }

  /**
   * Yields every file under `folder` ('' or with a trailing slash) whose key begins with `prefix`,
   * unfinished ones included.
   */
  async *#walk(folder: string, prefix: string): AsyncIterable<StoredObject> {
    for (const { name, isFolder } of await this.#listFolder(folder)) {
      const key = folder + name
      if (isFolder) {
        if (key.startsWith(prefix)) yield* this.#walk(key, prefix)
      } else if (key.startsWith(prefix)) {
        const found = await lstat(join(this.#root, key)).catch(ignoreMissing)
        if (found?.isFile()) yield { key, bytes: found.size, modifiedAt: found.mtime }
      }
    }
  }

  /** @throws an errno ELOOP when a folder between the root and `key` is a symbolic link */
  async #refuseLinks(key: string): Promise<void> {
    const folders = key.split('/').slice(0, -1)
    for (const [depth] of folders.entries()) {
      const found = await lstat(join(this.#root, ...folders.slice(0, depth + 1))).catch(
        ignoreMissing,
      )
      if (found === null) return
      if (found.isSymbolicLink())
        throw Object.assign(new Error('a symbolic link'), { code: 'ELOOP' })
    }
  }

  /** Folders end with a slash, so that `a.b` sorts before `a/`, as in any object store. */
  async #listFolder(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
    let entries: Dirent[]
    try {
      entries = await readdir(join(this.#root, folder), { withFileTypes: true })
    } catch (error) {
      if (isMissing(error)) return []
      throw this.#toSyncError('artifact/missing', `Cannot list ${folder || 'the store'}`, error)
    }
    return entries
      .map((entry) => ({
        name: entry.isDirectory() ? `${entry.name}/` : entry.name,
        isFolder: entry.isDirectory(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Removes `folder` and its parents while they are empty, never the root. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    for (
      let path = folder;
      path.startsWith(this.#root) && path !== this.#root;
      path = dirname(path)
    ) {
      try {
        await rmdir(path)
      } catch {
        return // not empty, or removed by another process
      }
    }
  }

  /** Converts errors of the file system; others, such as those of a source, pass unchanged. */
  #toSyncError(
    code: 'artifact/unwritable' | 'artifact/missing',
    what: string,
    error: unknown,
  ): unknown {
    const errno = findErrno(error)
    if (errno === null || error instanceof SyncError) return error
    const reason = REASONS[errno] ?? 'the system rejected the operation'
    return new SyncError(code, `${what} in ${this.describe()}: ${reason} (${errno})`, {
      cause: error,
      detail: { errno },
    })
  }
}

/** Syncs the parent of each folder that it creates, so that the path survives a power cut. */
async function makeFoldersDurably(folder: string): Promise<void> {
  for (const made of await makeFolder(folder, FOLDER_MODE)) await syncFolder(dirname(made))
}

async function writeDurably(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  await using file = await open(path, 'wx', FILE_MODE)
  await file.writeFile(content)
  await file.sync()
}

/** Refuses symbolic links, and pipes and other files that could block. */
async function readFile(path: string): Promise<Buffer> {
  await using file = await open(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  )
  if ((await file.stat()).isFile()) return await file.readFile()
  throw Object.assign(new Error('not a regular file'), { code: 'EFTYPE' })
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // not supported there; NTFS journals its names
  await using folder = await open(path, 'r')
  await folder.sync()
}

function isMissing(error: unknown): boolean {
  const errno = findErrno(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR'
}

function ignoreMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}
