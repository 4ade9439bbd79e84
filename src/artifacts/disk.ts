// Artifacts in a folder. A file appears under its name only when its bytes are on the disk: it is
// written beside its place, synced, renamed, and then the folders that name it are synced too,
// since a rename alone may not outlive a power cut. Below the root no symbolic link is followed: a
// part is a file, and its folders are folders. The root itself may be one.

import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { access, constants, lstat, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SyncError } from '../core/errors.ts'
import { makeFolder } from '../node/make-folder.ts'
import { errnoOf } from '../node/system-errors.ts'
import {
  checkKey,
  folderOf,
  proveWritable,
  UNFINISHED,
  type ArtifactStore,
  type StoredObject,
} from './store.ts'

/** Only the owner may read what a supplier sent. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file stands where a folder should be',
  EEXIST: 'a file stands where a folder should be',
  EISDIR: 'a folder stands where a file should be',
  ENOENT: 'it is not there',
  EFBIG: 'the file is larger than the system allows',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
  ELOOP: 'a symbolic link stands on its way, and none is followed',
  EFTYPE: 'it is no file',
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
      await makeSynced(this.#root)
      await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK)
      // A disk that is full, or that has become read-only, grants the same rights as before.
      await proveWritable(this)
    } catch (error) {
      throw this.#named(
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
      await makeSynced(dirname(path))
      await writeSynced(unfinished, content)
      await rename(unfinished, path)
      await syncFolder(dirname(path))
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined)
      throw this.#named('artifact/unwritable', `Cannot write ${key}`, error)
    }
  }

  async get(key: string): Promise<Uint8Array> {
    const path = this.#pathOf(key)
    try {
      await this.#refuseLinks(key)
      return await readWhole(path)
    } catch (error) {
      throw this.#named('artifact/missing', `Cannot read ${key}`, error)
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = folderOf(prefix)
    await this.#refuseLinks(folder).catch((error: unknown) => {
      throw this.#named('artifact/missing', `Cannot list ${folder}`, error)
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
        if (!isGone(error)) throw this.#named('artifact/unwritable', `Cannot remove ${key}`, error)
      }
      await this.#prune(dirname(path))
    }
  }

  async sweep(before: Date): Promise<number> {
    let count = 0
    for await (const { key, modifiedAt } of this.#walk('', '')) {
      if (!key.endsWith(UNFINISHED) || modifiedAt >= before) continue
      const path = join(this.#root, key)
      await rm(path, { force: true })
      await this.#prune(dirname(path))
      count += 1
    }
    return count
  }

  #pathOf(key: string): string {
    return join(this.#root, checkKey(key))
  }

  /**
   * Every file under `folder` ('' or ended by a slash) whose key begins with `prefix`, finished or
   * not.
   */
  async *#walk(folder: string, prefix: string): AsyncIterable<StoredObject> {
    for (const { name, isFolder } of await this.#entries(folder)) {
      const key = folder + name
      if (isFolder) {
        if (key.startsWith(prefix)) yield* this.#walk(key, prefix)
      } else if (key.startsWith(prefix)) {
        const found = await lstat(join(this.#root, key)).catch(ignoreGone)
        if (found?.isFile()) yield { key, bytes: found.size, modifiedAt: found.mtime }
      }
    }
  }

  /** @throws an errno ELOOP when a folder between the root and `key` is a symbolic link */
  async #refuseLinks(key: string): Promise<void> {
    const folders = key.split('/').slice(0, -1)
    for (const [depth] of folders.entries()) {
      const found = await lstat(join(this.#root, ...folders.slice(0, depth + 1))).catch(ignoreGone)
      if (found === null) return
      if (found.isSymbolicLink())
        throw Object.assign(new Error('a symbolic link'), { code: 'ELOOP' })
    }
  }

  /**
   * Folders keep their slash, so that sorting names sorts keys: `a.b` comes before `a/`, as in any
   * object store.
   */
  async #entries(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
    let entries: Dirent[]
    try {
      entries = await readdir(join(this.#root, folder), { withFileTypes: true })
    } catch (error) {
      if (isGone(error)) return []
      throw this.#named('artifact/missing', `Cannot list ${folder || 'the store'}`, error)
    }
    return entries
      .map((entry) => ({
        name: entry.isDirectory() ? `${entry.name}/` : entry.name,
        isFolder: entry.isDirectory(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Removes `folder` and the ones above it for as long as they are empty, never the root. */
  async #prune(folder: string): Promise<void> {
    for (
      let path = folder;
      path.startsWith(this.#root) && path !== this.#root;
      path = dirname(path)
    ) {
      try {
        await rmdir(path)
      } catch {
        return // not empty, or another process was faster: an empty folder does no harm
      }
    }
  }

  /**
   * Turns a file system's error into ours; anything else, such as what a source threw, stays what
   * it is.
   */
  #named(code: 'artifact/unwritable' | 'artifact/missing', what: string, error: unknown): unknown {
    const errno = errnoOf(error)
    if (errno === null || error instanceof SyncError) return error
    const reason = REASONS[errno] ?? 'the system refused'
    return new SyncError(code, `${what} in ${this.describe()}: ${reason} (${errno})`, {
      cause: error,
      detail: { errno },
    })
  }
}

/**
 * Makes `folder` and its parents, and syncs each folder that got a new name, so that the path
 * outlives a power cut.
 */
async function makeSynced(folder: string): Promise<void> {
  for (const made of await makeFolder(folder, FOLDER_MODE)) await syncFolder(dirname(made))
}

async function writeSynced(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  await using file = await open(path, 'wx', FILE_MODE)
  await file.writeFile(content)
  await file.sync()
}

/** Never through a link, and never what only waits, such as a pipe. */
async function readWhole(path: string): Promise<Buffer> {
  await using file = await open(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  )
  if ((await file.stat()).isFile()) return await file.readFile()
  throw Object.assign(new Error('no file'), { code: 'EFTYPE' })
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // has no such call; NTFS journals its names
  await using folder = await open(path, 'r')
  await folder.sync()
}

function isGone(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR'
}

function ignoreGone(error: unknown): null {
  if (isGone(error)) return null
  throw error
}
