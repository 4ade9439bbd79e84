// A disk of a few megabytes that a test can fill completely.

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
  /** Fills the disk. Called again, it takes the space that was freed in between. */
  fill(): Promise<void>
  free(): Promise<void>
  /** Waits for processes that still write to the disk. */
  setReadOnly(readOnly: boolean): Promise<void>
}

/** Mounts a small disk that belongs to `user`, by default the current one. */
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
          // Another process has taken the last space in the meantime.
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
