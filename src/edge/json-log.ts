// A log of JSON lines within the limits of Supabase's edge functions: a line has at most 10,000
// characters, and 100 lines are kept in 10 seconds. Without this, the platform cuts lines in the
// middle and drops the rest silently.
// https://supabase.com/docs/guides/functions/limits

import { cutText } from '../lib/text.ts'
import type { Log } from '../pipeline/context.ts'
import type { Redactor } from '../telemetry/redact.ts'

type LogLevel = 'info' | 'warn' | 'error'

export interface JsonLogOptions {
  readonly write: (line: string) => void
  /** Removes secrets. It receives each text of a line, before the text is cut. */
  readonly redact: Redactor
  readonly budget: LineBudget
  /** Epoch milliseconds. */
  readonly now: () => number
}

export const LINE_CHARS_MAX = 10_000
export const LINES_MAX = 100
export const WINDOW_MS = 10_000
/** Limits of each text in a line, tried in order until the line is short enough. */
const TEXT_CHARS = [8_000, 1_000, 200] as const

/**
 * Counts the lines of a process in windows of ten seconds. One place is kept for the note about the
 * rest.
 */
export class LineBudget {
  readonly #now: () => number
  #windowAtMs = Number.NEGATIVE_INFINITY
  #lines = 0
  #leftOut = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns true if a line may be written now. Otherwise it is counted as left out. */
  take(): boolean {
    if (this.#now() - this.#windowAtMs >= WINDOW_MS) {
      this.#windowAtMs = this.#now()
      this.#lines = 0
    }
    if (this.#lines >= LINES_MAX - 1) {
      this.#leftOut += 1
      return false
    }
    this.#lines += 1
    return true
  }

  /** Returns the number of lines that were left out since the last call. */
  takeLeftOut(): number {
    const count = this.#leftOut
    this.#leftOut = 0
    return count
  }
}

/** Lines of level debug are not written. */
export function createJsonLog(options: JsonLogOptions, bindings: object = {}): Log {
  const log = (level: LogLevel, facts: object, message: string): void => {
    if (!options.budget.take()) return
    writeLeftOut(options, bindings)
    writeLine(options, level, { ...bindings, ...facts }, message)
  }
  return {
    debug: () => undefined,
    info: (facts, message) => log('info', facts, message),
    warn: (facts, message) => log('warn', facts, message),
    error: (facts, message) => log('error', facts, message),
    child: (facts) => createJsonLog(options, { ...bindings, ...facts }),
  }
}

/** Writes how many lines were left out, if any. Call it at the end of an invocation. */
export function writeLeftOut(options: JsonLogOptions, bindings: object = {}): void {
  const count = options.budget.takeLeftOut()
  if (count > 0) writeLine(options, 'warn', bindings, `${count} lines of the log were left out`)
}

function writeLine(
  { write, redact, now }: JsonLogOptions,
  level: LogLevel,
  facts: object,
  message: string,
): void {
  const line = { time: new Date(now()).toISOString(), level, message, ...facts }
  for (const textMax of TEXT_CHARS) {
    const json = JSON.stringify(line, (_, value: unknown) => toLogged(value, redact, textMax))
    if (json.length <= LINE_CHARS_MAX) return write(json)
  }
  const { time } = line
  const short = { time, level, message: cutText(redact(message), 1_000), cut: true }
  write(JSON.stringify({ ...short, ...pickIds(facts, redact) }))
}

/** The facts by which lines are joined stay in a line that is too long. */
function pickIds(facts: object, redact: Redactor): object {
  const kept = Object.entries(facts).filter(([name]) => ['cid', 'function', 'run'].includes(name))
  return Object.fromEntries(
    kept.map(([name, value]) => [name, cutText(redact(String(value)), 200)]),
  )
}

function toLogged(value: unknown, redact: Redactor, textMax: number): unknown {
  if (typeof value === 'string') return cutText(redact(value), textMax)
  if (typeof value === 'bigint') return value.toString()
  if (!(value instanceof Error)) return value
  const { name, message, stack } = value
  return { name, message, stack, ...('code' in value && { code: value.code }) }
}
