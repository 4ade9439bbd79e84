// The output of a command: results to standard output, everything else to standard error. Control
// characters are escaped and secrets redacted. Messages of Shelfsync are redacted only where a
// secret cannot be an ordinary word; unexpected errors are redacted everywhere. With --json,
// standard output contains JSON lines only.

import { isStop, SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import { escapeControls, escapeLines } from '../../lib/escape-controls.ts'
import { cutText } from '../../lib/text.ts'
import type { LogDestination } from '../../telemetry/log.ts'
import { redactJson } from '../../telemetry/redact-json.ts'
import { createKeyRedactor, createRedactor, type Redactor } from '../../telemetry/redact.ts'
import { wrapText } from './wrap.ts'

export interface Stream {
  write(text: string): unknown
  readonly isTTY?: boolean
  /** Height and width of a terminal. */
  readonly rows?: number
  readonly columns?: number
}

export class Output {
  /** Set once, from the options of the command. */
  json = false
  verbose = false
  /** True when standard output is a terminal that shows colours. */
  colours = false
  /** True after the report of a run, which is the last line with --json. */
  isReported = false
  /** The error in that report with --json; it is not printed again. */
  reportedError: Error | null = null
  /** Prints text above the progress bars while they are drawn. */
  aboveBars: ((text: string) => void) | null = null
  #redact: Redactor = createKeyRedactor([])
  #redactForeign: Redactor = createRedactor([])
  readonly stdout: Stream
  readonly stderr: Stream

  constructor(stdout: Stream, stderr: Stream) {
    this.stdout = stdout
    this.stderr = stderr
  }

  /**
   * Redacts these values from now on: everywhere in unexpected errors, elsewhere only values that
   * cannot be an ordinary word.
   */
  hide(secrets: readonly string[]): void {
    this.#redact = createKeyRedactor(secrets)
    this.#redactForeign = createRedactor(secrets)
  }

  /** The columns of the terminal; infinite in a pipe or a file, where lines stay whole. */
  get width(): number {
    return widthOf(this.stdout)
  }

  /**
   * Prints a result: with --json `value` as one line, or each of its items; otherwise `text`. `raw`
   * text is not wrapped.
   */
  result(value: unknown, text: string, { raw = false } = {}): void {
    const lines = Array.isArray(value) ? value : [value]
    if (!this.json) this.stdout.write(`${raw ? this.#clean(text) : this.render(text)}\n`)
    else for (const line of lines) this.stdout.write(`${redactJson(line, this.#redact)}\n`)
  }

  /** Returns the text as `result` prints it: redacted, without control characters, and wrapped. */
  render(text: string): string {
    return wrapText(this.#clean(text), this.width)
  }

  /**
   * Prints text for a person beside the result; `raw` text is not wrapped. Prints nothing with
   * --json.
   */
  say(text: string, { raw = false } = {}): void {
    if (!this.json) this.stdout.write(`${raw ? this.#clean(text) : this.render(text)}\n`)
  }

  /** Returns the text as `note` prints it on standard error. */
  renderMessage(text: string): string {
    return wrapText(this.#clean(text), widthOf(this.stderr))
  }

  /** Prints a message about the work in progress. */
  note(text: string): void {
    if (this.json) this.#writeError(JSON.stringify({ note: this.#redact(text) }))
    else this.#writeError(this.renderMessage(text))
  }

  /** Prints JSON for programs that read standard error. */
  noteJson(value: unknown): void {
    this.#writeError(redactJson(value, this.#redact))
  }

  /**
   * Prints the message, the hint and, with --verbose, the stack. Ignores a cancellation, and without
   * --verbose the error in the report.
   */
  error(error: unknown): void {
    if (isStop(error) || (!this.verbose && this.#isReported(error))) return
    const { code, message, hint } = this.#describe(error)
    const stack =
      this.verbose && error instanceof Error
        ? this.#redactForeign(`${error.stack}${formatCauses(error)}`)
        : null
    if (this.json)
      return this.noteJson({ error: { code, message, hint, ...(stack !== null && { stack }) } })
    this.#writeError(
      this.renderMessage(`error: ${message}${hint === null ? '' : `\n hint: ${hint}`}`),
    )
    if (stack !== null) this.#writeError(stack)
  }

  /** The destination of the command's log. The log redacts its own lines. */
  logDestination(): LogDestination {
    const wrap = (text: string): string => (this.json ? text : wrapText(text, widthOf(this.stderr)))
    return { write: (text) => this.#writeError(wrap(text.trimEnd())), isTTY: !this.json }
  }

  /** Escapes text from a supplier as a part of a line: it cannot start a new line. */
  inLine(text: string): string {
    return escapeControls(this.#redact(text))
  }

  /**
   * Escapes text as `inLine` does, with single spaces, and cuts it after redaction, because a cut
   * secret would not be recognised.
   */
  short(text: string, charsMax: number): string {
    return cutText(escapeControls(this.#redact(text).replaceAll(/\s+/g, ' ')), charsMax)
  }

  #isReported(error: unknown): boolean {
    const { reportedError: reported } = this
    return reported !== null && error instanceof Error && [error, error.cause].includes(reported)
  }

  #clean(text: string): string {
    return escapeLines(this.#redact(text))
  }

  #describe(thrown: unknown): { code: string; message: string; hint: string | null } {
    const error = toSyncError(thrown)
    if (error instanceof SyncError)
      return { code: error.code, message: this.#redact(error.message), hint: error.hint }
    const message = error instanceof Error ? error.message || error.name : String(error)
    const hint =
      'This is a bug. Run the command again with --verbose for a stack trace, and report it.'
    return { code: 'internal', message: `internal error: ${this.#redactForeign(message)}`, hint }
  }

  #writeError(message: string): void {
    const text = escapeLines(message)
    if (this.aboveBars) this.aboveBars(`${text}\n`)
    else this.stderr.write(`${text}\n`)
  }
}

function widthOf({ isTTY, columns }: Stream): number {
  return (isTTY === true && columns) || Infinity
}

function formatCauses(error: Error): string {
  return error.cause instanceof Error
    ? `\ncaused by: ${error.cause.stack}${formatCauses(error.cause)}`
    : ''
}
