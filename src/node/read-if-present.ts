// Reads a file that may not exist.

import { readFile } from 'node:fs/promises'
import { findErrno } from './system-errors.ts'

/** Returns null if the file does not exist; any other failure is thrown. */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return null
    throw error
  }
}
