// deploy/github/sync.mjs as GitHub Actions runs it: a child process with the variables of the
// workflow and a file for the summary.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Lifetime } from '../support/database.ts'
import { cleanEnv, startProcess, type Process } from '../support/processes.ts'

const SCRIPT = fileURLToPath(new URL('../../deploy/github/sync.mjs', import.meta.url))
export const SYNC_KEY = 'a-key-for-syncs-only-0123456789'

export interface SyncJob {
  readonly process: Process
  /** The result, when the process has ended. */
  readonly ended: Promise<EndedJob>
}

export interface EndedJob {
  readonly code: number | null
  readonly output: string
  readonly summary: string
}

export async function startSyncJob(
  t: Lifetime,
  url: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<SyncJob> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-github-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const summary = join(folder, 'summary.md')
  await writeFile(summary, '')
  const env = cleanEnv({
    GITHUB_STEP_SUMMARY: summary,
    SHELFSYNC_URL: url,
    MEDIPIM_ADMIN_KEY: SYNC_KEY,
    SYNC_POLL_SECONDS: '0.05',
    ...variables,
  })
  const process = await startProcess(t, globalThis.process.execPath, [SCRIPT], { env })
  const ended = process.exited.then(async ({ code }) => ({
    code,
    output: process.output(),
    summary: await readFile(summary, 'utf8'),
  }))
  return { process, ended }
}

export async function runSyncJob(...job: Parameters<typeof startSyncJob>): Promise<EndedJob> {
  const { ended } = await startSyncJob(...job)
  return ended
}
