// Where a command's words go: results to standard output, everything else to standard error,
// without anything that a terminal would obey. They are ours, so only secrets that cannot be a word
// are taken out of them; an error that we did not name may quote any. With --json standard output
// holds JSON lines only, so that it can be piped into anything.

import { isAbort, SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import { escapeControls, escapeLines } from '../lib/printable.ts'
import { cutText } from '../lib/text.ts'
import { redactJson, type LogDestination } from '../telemetry/log.ts'
import { createKeyRedactor, createRedactor, type Redactor } from '../telemetry/redact.ts'
import { formatTable } from './format.ts'

/** A supplier's id may have megabytes; as JSON it is whole. */
const CELL_CHARS_MAX = 1000

export interface Stream {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export class Output {
  /** Set once, from the flags of the command. */
  json = false
  verbose = false
  /** While bars are drawn, what is said on standard error has to go above them. */
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
   * From now on these values are hidden too: in errors that are not ours wherever they stand,
   * elsewhere when they cannot be a word.
   */
  hide(secrets: readonly string[]): void {
    this.#redact = createKeyRedactor(secrets)
    this.#redactForeign = createRedactor(secrets)
  }

  /** The result: `value` as one line with --json, else `text`. */
  result(value: unknown, text: string): void {
    this.stdout.write(
      `${this.json ? redactJson(value, this.#redact) : escapeLines(this.#redact(text))}\n`,
    )
  }

  /** A result that is a list: a table, or `empty` when there is nothing. */
  list(
    value: readonly unknown[],
    headings: readonly string[],
    rows: Parameters<typeof formatTable>[1],
    empty: string,
  ): void {
    const cells = rows.map((row) =>
      row.map((cell) =>
        typeof cell === 'string' ? cutText(this.inLine(cell), CELL_CHARS_MAX) : cell,
      ),
    )
    this.result(value, formatTable(headings, cells) || empty)
  }

  /** For a person beside the result; not said with --json. */
  say(text: string): void {
    if (!this.json) this.stdout.write(`${escapeLines(this.#redact(text))}\n`)
  }

  /** What goes on meanwhile. */
  note(text: string): void {
    this.#writeError(this.json ? JSON.stringify({ note: this.#redact(text) }) : this.#redact(text))
  }

  /** Facts for machines that watch standard error. */
  noteJson(value: unknown): void {
    this.#writeError(redactJson(value, this.#redact))
  }

  /**
   * Says what went wrong and what to do about it; a stack only with --verbose. A cancellation is no
   * error.
   */
  error(error: unknown): void {
    if (isAbort(error)) return
    const { code, message, hint } = this.#describe(error)
    if (this.json) this.noteJson({ error: { code, message, hint } })
    else this.#writeError(`error: ${message}${hint === null ? '' : `\n hint: ${hint}`}`)
    if (this.verbose && error instanceof Error)
      this.#writeError(this.#redactForeign(`${error.stack}${causesOf(error)}`))
  }

  /**
   * For the log of a command: short lines among what it says, above the bars as well, redacted by
   * the log itself.
   */
  logDestination(): LogDestination {
    return { write: (text) => this.#writeError(text.trimEnd()), isTTY: !this.json }
  }

  /**
   * Text from outside as a part of a line: it cannot begin a line of its own. What it could quote
   * was taken out where it entered.
   */
  inLine(text: string): string {
    return escapeControls(this.#redact(text))
  }

  /**
   * The same with single spaces, cut to `charsMax`: only here, because half a secret is not
   * recognised any more.
   */
  short(text: string, charsMax: number): string {
    return cutText(escapeControls(this.#redact(text).replaceAll(/\s+/g, ' ')), charsMax)
  }

  #describe(thrown: unknown): { code: string; message: string; hint: string | null } {
    const error = toSyncError(thrown)
    if (error instanceof SyncError)
      return { code: error.code, message: this.#redact(error.message), hint: error.hint }
    const message = error instanceof Error ? error.message || error.name : String(error)
    const hint = 'This should not happen. Run it again with --verbose to see where.'
    return { code: 'internal', message: `internal error: ${this.#redactForeign(message)}`, hint }
  }

  #writeError(said: string): void {
    const text = escapeLines(said)
    if (this.aboveBars) this.aboveBars(`${text}\n`)
    else this.stderr.write(`${text}\n`)
  }
}

function causesOf(error: Error): string {
  return error.cause instanceof Error
    ? `\ncaused by: ${error.cause.stack}${causesOf(error.cause)}`
    : ''
}
