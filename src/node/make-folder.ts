// Creates a folder and its parents level by level. Node's recursive `mkdir` never returns where the
// system reports ENOENT for a folder whose parent exists, as below /proc.

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { findErrno } from './system-errors.ts'

/**
 * Returns the folders that it created, the outermost first. Safe to repeat and to run concurrently.
 *
 * @throws the system's error, such as ENOTDIR, EEXIST (a file has the name), EACCES or ENOENT (no
 * folder can be created there)
 */
export async function makeFolder(folder: string, mode?: number): Promise<readonly string[]> {
  if (await isFolder(folder)) return []
  const parent = dirname(folder)
  const made = parent === folder ? [] : await makeFolder(parent, mode)
  try {
    await mkdir(folder, { mode })
  } catch (error) {
    if (await isFolder(folder)) return made // another process was faster
    throw error
  }
  return [...made, folder]
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return false
    throw error
  }
}
