// Notices when a process has no work, so that it can end and its machine stops.

import { repeat } from '../lib/repeat.ts'

const CHECK_MS = 1_000

/** Records when the workers of a process last had a task. */
export class TaskActivity {
  #running = 0
  #sinceMs = performance.now()

  async record<Result>(execute: () => Promise<Result>): Promise<Result> {
    this.#running += 1
    try {
      return await execute()
    } finally {
      this.#running -= 1
      this.#sinceMs = performance.now()
    }
  }

  /** Milliseconds since the last task ended, or since the start. 0 while a task is executed. */
  get idleMs(): number {
    return this.#running > 0 ? 0 : performance.now() - this.#sinceMs
  }
}

export interface IdleOptions {
  /** Milliseconds without a task after which a process may be idle. */
  readonly idleMs: number
  /** Returns true while something is left that the process has to do. */
  hasWork(): Promise<boolean>
  readonly signal: AbortSignal
}

/**
 * Resolves when the process is idle: no worker of it has had a task for `idleMs`, and it has no
 * work. An error of `hasWork` counts as work. Never resolves after an abort.
 */
export async function waitUntilIdle(
  activity: TaskActivity,
  { idleMs, hasWork, signal }: IdleOptions,
): Promise<void> {
  const idle = new AbortController()
  await repeat(
    async () => {
      if (activity.idleMs < idleMs || (await hasWork())) return
      // A task may have started during the check.
      if (activity.idleMs >= idleMs) idle.abort()
    },
    {
      pauseMs: Math.min(CHECK_MS, idleMs),
      signal: AbortSignal.any([signal, idle.signal]),
      onError: () => undefined,
    },
  )
  if (!idle.signal.aborted) await new Promise(() => undefined)
}
