// The log: JSON lines from pino, or short lines on a terminal. Each line is parsed again before it
// is written, because bindings, nested errors, causes and stacks are text only then, and the
// redactor sees all of it. Errors may quote anything, so every secret is redacted in them. In the
// rest of a line, which Shelfsync writes, only secrets that cannot be a word are redacted.

import { pino, type Logger } from 'pino'
import { SyncError } from '../core/errors.ts'
import { escapeControls, escapeLines } from '../lib/escape-controls.ts'
import { isObject } from '../lib/objects.ts'
import { cutText } from '../lib/text.ts'
import { type Line, redactLine, redactValue } from './redact-json.ts'
import { createRedactor, type Redactor } from './redact.ts'

/** `log.child({ cid })` is the log of a command or request, `log.child({ run, source })` of a run. */
export type Log = Logger

export interface LogDestination {
  write(line: string): unknown
  readonly isTTY?: boolean
}

export interface LogOptions {
  readonly level: string
  /** Default: standard error, because standard output is for results. */
  readonly destination?: LogDestination
  /** Values that are redacted. */
  readonly secrets: Iterable<string>
  /** Receives each line of level error or fatal, without secrets. */
  readonly onError?: (line: Line) => void
  readonly nowMs?: () => number
}

/** The fields of a line about an error: its text and, without a code, the error with its stack. */
export function toErrorFacts(error: unknown): { readonly cause: string; readonly err: unknown } {
  return { cause: String(error), err: error instanceof SyncError ? undefined : error }
}

/** Fields by which programs join and filter lines; the message says the same to a person. */
const PROGRAM_FIELDS: readonly string[] = ['cid', 'outage', 'code']

/**
 * Maximum length of a logged value from outside. A stack with its causes has about a tenth of it.
 */
const TEXT_CHARS_MAX = 20_000

export function createLog({
  level,
  destination = process.stderr,
  secrets,
  onError = () => undefined,
  nowMs = Date.now,
}: LogOptions): Log {
  const values = [...secrets]
  const cutting =
    (redact: Redactor) =>
    (text: string): string =>
      cutText(redact(text), TEXT_CHARS_MAX)
  const [own, foreign] = [cutting(createRedactor([], values)), cutting(createRedactor(values))]
  const format =
    destination.isTTY === true
      ? (line: Line) => formatShort(line, level === 'debug' || level === 'trace')
      : (line: Line) => escapeControls(JSON.stringify(line))
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(text: string) {
        const line = redactEntry(JSON.parse(text), own, foreign)
        destination.write(`${format(line)}\n`)
        if (line['level'] === 'error' || line['level'] === 'fatal') onError(line)
      },
    },
  )
}

function redactEntry({ err, ...line }: Line, own: Redactor, foreign: Redactor): Line {
  // The names of bindings may come from outside.
  return {
    ...redactLine(line, own, own),
    ...(err !== undefined && { err: redactValue(err, foreign, foreign) }),
  }
}

/**
 * `12:03:04 warn  the message  run=7 source=shop`, followed by the lines of a stack. Without
 * `isWhole`, fields that only programs use are left out.
 */
function formatShort({ time, level, message, err, ...rest }: Line, isWhole: boolean): string {
  const fields = Object.entries(rest)
    .filter(([name]) => isWhole || !PROGRAM_FIELDS.includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const stack = isObject(err) && 'stack' in err ? `\n${escapeLines(String(err.stack))}` : ''
  const line = [
    String(time).slice(11, 19),
    String(level).padEnd(5),
    typeof message === 'string' ? message : '',
    ...fields,
  ].join(' ')
  return escapeControls(line) + stack
}
