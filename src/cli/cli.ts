// What every command is given: where to speak, how to open things, how to be stopped, and the exit
// code it leaves behind.

import { constants } from 'node:os'
import {
  openSyncTools,
  openTools,
  readSettings,
  type Env,
  type SyncTools,
  type Tools,
} from './open.ts'
import type { Output } from './output.ts'

/**
 * 0 green · 2 held: a person must decide · 1 failed · 64 the command line itself is wrong · 130
 * after Ctrl-C.
 */
export const EXIT = { green: 0, failed: 1, held: 2, usage: 64, interrupted: 130 } as const

/** Of several ends the worst is told. */
const WORST_LAST: readonly number[] = [
  EXIT.green,
  EXIT.held,
  EXIT.failed,
  EXIT.usage,
  EXIT.interrupted,
]

export interface StopOptions {
  /** What the process then ends with. Default 130. */
  readonly code?: number
  /** How long whatever holds it up may do so. Default: for ever. */
  readonly withinMs?: number | null
  /** Default: a note on standard error. */
  readonly say?: (text: string) => void
}

export class Cli {
  readonly output: Output
  readonly env: Env
  exitCode: number = EXIT.green

  constructor(output: Output, env: Env) {
    this.output = output
    this.env = env
  }

  /** Opens everything; close it with `await using`. */
  async open(): Promise<Tools> {
    return openTools(this.output, await readSettings(this.output, this.env))
  }

  /** The same for what can do without sessions. */
  async openSync(): Promise<SyncTools> {
    return openSyncTools(this.output, await readSettings(this.output, this.env))
  }

  /** Ends with `code`, unless something worse was told before. */
  end(code: number): void {
    if (WORST_LAST.indexOf(code) > WORST_LAST.indexOf(this.exitCode)) this.exitCode = code
  }

  /**
   * A signal that fires on the first Ctrl-C, SIGTERM or SIGHUP (the terminal is gone), after
   * `words` have been said; the second ends the process at once. A command that does not ask for it
   * is ended by the first.
   */
  stoppable(
    words: string,
    {
      code = EXIT.interrupted,
      withinMs = null,
      say = (text) => this.output.note(text),
    }: StopOptions = {},
  ): AbortSignal {
    const controller = new AbortController()
    const stop = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[signal])
      say(words)
      this.end(code)
      if (withinMs !== null) setTimeout(() => this.#leave(say), withinMs).unref()
      controller.abort()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
    return controller.signal
  }

  #leave(say: (text: string) => void): void {
    say('something does not stop; leaving without it')
    process.exit(this.exitCode)
  }
}

/** What every list of sources says instead of nothing. */
export const NO_SOURCES = 'No sources yet. Add one: shelfsync add https://some-shop.example'

/** Help text with commands to copy, one on each line. */
export function formatExamples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
