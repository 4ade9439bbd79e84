// Repeats a task for as long as a process runs.

import { wait } from './back-off.ts'

export interface RepeatOptions {
  /** Milliseconds between the end of a call and the start of the next. */
  readonly pauseMs: number
  /** Ends the repetition. */
  readonly signal: AbortSignal
  /** Receives every error; the task is called again nevertheless. */
  readonly onError: (error: unknown) => void
}

/** Calls `task` at once and after each pause. Resolves when the last call has ended. */
export async function repeat(
  task: () => Promise<void>,
  { pauseMs, signal, onError }: RepeatOptions,
): Promise<void> {
  while (!signal.aborted) {
    await task().catch(onError)
    // An abort ends the wait and then the loop.
    await wait(pauseMs, signal).catch(() => undefined)
  }
}
