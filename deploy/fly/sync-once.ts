// Starts a sync on the deployed service and watches its runs, with the script of the workflow.

import { Problem, sync } from '../github/sync.mjs'
import { DeployError } from './deploy-error.ts'

const MINUTE_MS = 60_000
/** A new address takes some minutes to be known everywhere. */
const RETRY_MS = 10 * MINUTE_MS
const TIMEOUT_MS = 330 * MINUTE_MS
const POLL_MS = 2_000

/** @throws DeployError when a run does not succeed */
export async function syncOnce(url: string, key: string): Promise<void> {
  const service = {
    url: url.replace(/\/+$/, ''),
    key,
    timeoutMs: TIMEOUT_MS,
    retryMs: RETRY_MS,
    pollMs: POLL_MS,
    names: { url: '--url', key: 'ADMIN_KEY' },
  }
  const results = await sync(service, { mode: 'auto' }).catch((error: unknown) => {
    if (error instanceof Problem) throw new DeployError(error.message)
    throw error
  })
  const failed = results.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  const lines = failed.map(
    ({ source, run, state, reason }) => `${source}, run ${run ?? 'none'}: ${state}. ${reason}`,
  )
  throw new DeployError(
    ['The apps are deployed, but the sync did not succeed:', ...lines].join('\n  '),
  )
}
