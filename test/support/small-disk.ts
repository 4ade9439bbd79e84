// A disk of a few megabytes, to be filled to its last byte.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findErrno } from '../../src/node/system-errors.ts'
import type { Lifetime } from './database.ts'
import { findProgram } from './processes.ts'
import { waitUntil } from './wait-until.ts'

export const NO_DISKS =
  process.getuid?.() === 0 && process.platform === 'linux'
    ? false
    : 'only root may make a small disk'

export interface Disk {
  readonly path: string
  /** Leaves no byte free. Again: takes what has become free since. */
  fill(): Promise<void>
  free(): Promise<void>
  /** Waits for those who still write to it. */
  setReadOnly(readOnly: boolean): Promise<void>
}

/** A small disk that belongs to `user`, ourselves unless told otherwise. */
export async function mountDisk(
  t: Lifetime,
  { megabytes, user = process.getuid?.() ?? 0 }: { megabytes: number; user?: number },
): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), 'shelfsync-disk-'))
  execFileSync(findProgram('mount', 'mount'), [
    '-t',
    'tmpfs',
    '-o',
    `size=${megabytes}m,uid=${user},mode=700`,
    'tmpfs',
    path,
  ])
  t.after(async () => {
    execFileSync(findProgram('umount', 'mount'), [path])
    await rm(path, { recursive: true })
  })
  const ballast = join(path, 'ballast')
  return {
    path,
    async fill() {
      const { bavail, bsize } = await statfs(path)
      await writeFile(ballast, Buffer.alloc(bavail * bsize), { flag: 'a' }).catch(
        (error: unknown) => {
          // Somebody else has taken the last of it meanwhile.
          if (findErrno(error) !== 'ENOSPC') throw error
        },
      )
    },
    free: () => rm(ballast),
    async setReadOnly(readOnly) {
      const options = ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, path]
      await waitUntil(() => spawnSync(findProgram('mount', 'mount'), options).status === 0)
    },
  }
}
