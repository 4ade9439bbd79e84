// A folder with its parents, made level by level. Node's own `mkdir` with `recursive` never returns
// where the system answers "not there" to making a folder in one that is there, as below /proc.

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './system-errors.ts'

/**
 * Makes `folder` and what is missing above it, and returns what was made, the outermost first.
 * Twice is safe, also at once.
 *
 * @throws the system's error, such as ENOTDIR, EEXIST (a file has the name), EACCES or ENOENT
 * (nothing can be made there)
 */
export async function makeFolder(folder: string, mode?: number): Promise<readonly string[]> {
  if (await isFolder(folder)) return []
  const parent = dirname(folder)
  const made = parent === folder ? [] : await makeFolder(parent, mode)
  try {
    await mkdir(folder, { mode })
  } catch (error) {
    if (await isFolder(folder)) return made // somebody else was faster
    throw error
  }
  return [...made, folder]
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
