// Runs an open step until the process stops. Errors never end it: an outage is reported once, any
// other error once until it changes, and the step tries again after a pause.

import { toSyncError } from '../db/errors.ts'
import { wait } from '../lib/back-off.ts'
import type { Log } from '../telemetry/log.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { OpenStep } from './step.ts'

/** Pause of a worker for which nothing was due, or whose last call failed. */
const PAUSE_MS = 5_000

export interface RunTools {
  readonly log: Log
  readonly outages: Outages
  readonly pauseMs?: number
}

/** Resolves when `signal` is aborted and the last call has ended. */
export async function runStep(
  { name, step }: { readonly name: string; readonly step: OpenStep },
  tools: RunTools,
  signal: AbortSignal,
): Promise<void> {
  const { log, outages, pauseMs = PAUSE_MS } = tools
  let reported: string | null = null
  const attempt = async (): Promise<boolean> => {
    const startedMs = performance.now()
    try {
      const worked = await step.work(signal)
      reported = null
      outages.worked(name)
      outages.reached('db/unreachable')
      return worked
    } catch (error) {
      if (signal.aborted || outages.failed(toSyncError(error), { work: name, startedMs }))
        return false
      const cause = String(error)
      log[cause === reported ? 'debug' : 'error'](
        { step: name, cause },
        'a step failed; it will try again',
      )
      reported = cause
      return false
    }
  }
  const runWorker = async (): Promise<void> => {
    while (!signal.aborted) {
      // An abort ends the wait and then the loop.
      if (!(await attempt())) await wait(pauseMs, signal).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: step.workers }, runWorker))
}
