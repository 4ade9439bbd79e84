// The context of a command: its output, the objects it opens, its stop signal, and its exit code.
// Settings, tools and the log are imported on demand, so that help and usage errors appear at once.

import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import type { Host, SyncTools, Tools } from '../app/compose.ts'
import type { DatabaseOptions } from '../app/open-database.ts'
import { isStop, SyncError } from '../core/errors.ts'
import type { Settings } from '../config/settings.ts'
import { toSyncError } from '../db/errors.ts'
import type { Log } from '../telemetry/log.ts'
import type { Output } from './terminal/output.ts'
import type { Input } from './terminal/prompt.ts'
import type { Env } from './read-settings.ts'

/**
 * 0 succeeded · 1 failed · 2 held, a person must decide · 64 wrong command line · 130 stopped by
 * Ctrl-C.
 */
export const EXIT = { green: 0, failed: 1, held: 2, usage: 64, interrupted: 130 } as const

/**
 * Exit codes in ascending order of severity. A command with several results exits with the most
 * severe one.
 */
const WORST_LAST: readonly number[] = [
  EXIT.green,
  EXIT.held,
  EXIT.failed,
  EXIT.usage,
  EXIT.interrupted,
]

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface StopOptions {
  /** The exit code after a stop. Default 130. */
  readonly code?: number
  /** Time limit of the stop in milliseconds; after it, the process exits. Default: none. */
  readonly withinMs?: number | null
  /** Reports the stop. Default: a note on standard error. */
  readonly say?: (text: string) => void
}

export class Cli {
  readonly output: Output
  readonly env: Env
  readonly #input: Input | null
  exitCode: number = EXIT.green
  /** The log of a service: it contains unexpected errors, with their stacks. */
  serviceLog: Log | null = null
  /** A service replaces it, see `Services`. */
  sendLastErrors: () => Promise<void> = () => Promise.resolve()
  #handlesStop = false
  #isStopped = false

  constructor(output: Output, env: Env, input: Input | null = null) {
    this.output = output
    this.env = env
    this.#input = input
  }

  /** Standard input, unless a test has replaced it. It is opened on demand. */
  get input(): Input {
    return this.#input ?? process.stdin
  }

  /** Reads the settings, and hides their secrets. @throws SyncError `settings/invalid` */
  async readSettings(): Promise<Settings> {
    const { readSettings } = await import('./read-settings.ts')
    return readSettings(this.output, this.env)
  }

  /** Opens everything; close it with `await using`. */
  async open(): Promise<Tools> {
    const { openTools } = await import('../app/compose.ts')
    const settings = await this.readSettings()
    return openTools(settings, await this.createHost(settings))
  }

  /** Opens everything for commands that also work over the Data API. */
  async openSync(options: Pick<DatabaseOptions, 'connections'> = {}): Promise<SyncTools> {
    const { openSyncTools } = await import('../app/compose.ts')
    const settings = await this.readSettings()
    return openSyncTools(settings, await this.createHost(settings), options)
  }

  /** A command prints its own results, so its log contains warnings and errors only. */
  async createHost(settings: Settings): Promise<Host> {
    const { createLog } = await import('../telemetry/log.ts')
    const { output } = this
    const correlationId = randomUUID()
    const quietLevel = settings.logLevel === 'info' ? 'warn' : settings.logLevel
    const log = createLog({
      level: output.verbose ? 'debug' : quietLevel,
      destination: output.logDestination(),
      secrets: settings.secrets,
    }).child({ cid: correlationId })
    return { log, correlationId, notify: (text) => output.note(text) }
  }

  /** Sets the exit code, unless a worse one is set. */
  end(code: number): void {
    if (WORST_LAST.indexOf(code) > WORST_LAST.indexOf(this.exitCode)) this.exitCode = code
  }

  /**
   * Returns a signal that aborts on the first Ctrl-C, SIGTERM or SIGHUP, after reporting `message`.
   * A second one ends the process at once. In commands that do not call this method, the first one
   * does.
   */
  createStopSignal(
    message: string,
    {
      code = EXIT.interrupted,
      withinMs = null,
      say = (text) => this.output.note(text),
    }: StopOptions = {},
  ): AbortSignal {
    const controller = new AbortController()
    this.#handlesStop = true
    const stop = (signal: (typeof STOP_SIGNALS)[number]): void => {
      if (controller.signal.aborted) {
        this.reportStop()
        process.exit(128 + constants.signals[signal])
      }
      say(message)
      this.end(code)
      this.#isStopped = true
      if (withinMs !== null) setTimeout(() => this.#exit(say), withinMs).unref()
      controller.abort()
    }
    for (const signal of STOP_SIGNALS) process.on(signal, stop)
    return controller.signal
  }

  /**
   * With --json, a command that a signal ends prints a line of its results too, as `reportStop` does
   * after other commands. Call it once in a process.
   */
  handleStops(): void {
    for (const signal of STOP_SIGNALS)
      process.on(signal, () => {
        if (this.#handlesStop) return
        this.#isStopped = true
        this.reportStop()
        process.exit(128 + constants.signals[signal])
      })
  }

  /**
   * Prints the error of a command, without a stack unless --verbose is given. Of a service, an
   * unexpected error is a line of its log, with the stack.
   */
  reportError(error: unknown): void {
    const isExpected = isStop(error) || toSyncError(error) instanceof SyncError
    if (this.serviceLog === null || isExpected) this.output.error(error)
    else this.serviceLog.fatal({ err: error }, 'the process ends because of an internal error')
  }

  /** Prints the result of a command that was stopped, unless it has printed a report. */
  reportStop(): void {
    const { output } = this
    if (!this.#isStopped || !output.json || output.isReported) return
    output.result(
      { state: 'stopped', code: 'run/cancelled', reason: 'the command was stopped' },
      '',
    )
    output.isReported = true
  }

  #exit(say: (text: string) => void): void {
    say('a task did not stop in time; exiting without it')
    this.reportStop()
    process.exit(this.exitCode)
  }
}

/** Returns the exit code of a command that ends with this error. */
export function toErrorExitCode(error: unknown): number {
  if (isStop(error)) return EXIT.interrupted
  const isUsage = error instanceof SyncError && error.code === 'usage/invalid'
  return isUsage ? EXIT.usage : EXIT.failed
}

/** Printed in place of an empty list of sources. */
export const NO_SOURCES = 'No sources yet. Add one: shelfsync add https://some-shop.example'

/** Formats the help text with commands to copy, one per line. */
export function formatExamples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
