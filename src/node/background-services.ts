// Services that run in the background of a folder, such as those of the demo. A file in the folder
// names the process; removing the file asks the process to stop. No signal is sent, because the pid
// in an old file may belong to another program.

import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const FILE = 'background-services.json'
const POLL_MS = 200
const Background = z.strictObject({ id: z.string(), pid: z.int().positive() })

/**
 * Until `signal` aborts, or until `endBackground` is called for this folder or another process
 * claims it.
 */
export async function claimBackground(home: string, signal: AbortSignal): Promise<void> {
  const file = join(home, FILE)
  const id = randomUUID()
  await writeFile(file, JSON.stringify({ id, pid: process.pid }), { mode: 0o600 })
  while (!signal.aborted && (await readBackground(home))?.id === id)
    await sleep(POLL_MS, null, { signal }).catch(() => undefined)
  if ((await readBackground(home))?.id === id) await rm(file, { force: true })
}

/** Deadline of `endBackground` for the end of the process. */
const END_MS = 30_000

/**
 * Asks the background process of the folder to stop and waits for its end.
 *
 * @returns whether a process was running and has ended
 */
export async function endBackground(home: string): Promise<boolean> {
  const background = await readBackground(home)
  if (background === null) return false
  await rm(join(home, FILE), { force: true })
  if (!isRunning(background.pid)) return false
  for (let waitedMs = 0; waitedMs < END_MS; waitedMs += POLL_MS) {
    if (!isRunning(background.pid)) return true
    await sleep(POLL_MS)
  }
  return false
}

/** Null without a readable file. */
async function readBackground(home: string): Promise<z.infer<typeof Background> | null> {
  try {
    return Background.parse(JSON.parse(await readFile(join(home, FILE), 'utf8')))
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
