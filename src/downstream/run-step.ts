// Runs an open step until the process stops. Errors never end it: an outage is reported once, any
// other error once until it changes, and the step tries again after a pause.

import { toSyncError } from '../db/errors.ts'
import { wait as waitForTime, type Waiter } from '../lib/back-off.ts'
import { toErrorFacts, type Log } from '../telemetry/log.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { OpenStep } from './step.ts'

/** Pause between two searches while nothing is due, and after a failure. */
const PAUSE_MS = 5_000

export interface RunTools {
  readonly log: Log
  readonly outages: Outages
  readonly pauseMs?: number
  /** Default: a timer. */
  readonly wait?: Waiter
}

/** Resolves when `signal` is aborted and the last call has ended. */
export async function runStep(
  { name, step }: { readonly name: string; readonly step: OpenStep },
  tools: RunTools,
  signal: AbortSignal,
): Promise<void> {
  const { log, outages, pauseMs = PAUSE_MS, wait = waitForTime } = tools
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
      const facts = toErrorFacts(error)
      log[facts.cause === reported ? 'debug' : 'error'](
        { step: name, ...facts },
        'a step failed; it will try again',
      )
      reported = facts.cause
      return false
    }
  }
  const idle = new IdleWorkers(() => wait(pauseMs, signal))
  const runWorker = async (): Promise<void> => {
    while (!signal.aborted) {
      if (await attempt()) idle.wakeAll()
      else await idle.rest()
    }
  }
  await Promise.all(Array.from({ length: step.workers }, runWorker))
}

/**
 * Lets one of the idle workers search after each pause. When its search begins, the next one waits: so a
 * search follows also while the first one works for long.
 */
class IdleWorkers {
  readonly #pause: () => Promise<void>
  /** Called with true for work, with false to wait for the next search. */
  readonly #resting: ((isWork: boolean) => void)[] = []
  #isWaiting = false

  constructor(pause: () => Promise<void>) {
    this.#pause = pause
  }

  /** Resolves when the worker shall search. */
  async rest(): Promise<void> {
    if (this.#isWaiting && (await this.#isWoken())) return
    this.#isWaiting = true
    // An abort ends the wait, also that of the next ones, and then the loops.
    await this.#pause().catch(() => undefined)
    const next = this.#resting.shift()
    if (next === undefined) this.#isWaiting = false
    else next(false)
  }

  /** There is work for more than one worker, perhaps. */
  wakeAll(): void {
    for (const wake of this.#resting.splice(0)) wake(true)
  }

  #isWoken(): Promise<boolean> {
    return new Promise((resolve) => void this.#resting.push(resolve))
  }
}
