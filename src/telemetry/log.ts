// Logs: pino's JSON lines, or short lines on a terminal. Each line is taken apart again before it
// is written, because only there everything has become text (bindings, nested errors, their causes
// and stacks), and nothing can slip past the redactor. An error may quote anything, so every secret
// is looked for in it; in the rest of a line, which is ours, only what cannot be a word.

import { pino, type Logger } from 'pino'
import { escapeControls, escapeLines } from '../lib/printable.ts'
import { cutText } from '../lib/text.ts'
import { createRedactor, isSecretName, type Redactor } from './redact.ts'

/**
 * Use `log.child({ cid })` for a command or request, `log.child({ run, source })` for a run: each
 * line then carries them.
 */
export type Log = Logger

export interface LogDestination {
  write(line: string): unknown
  readonly isTTY?: boolean
}

export interface LogOptions {
  readonly level: string
  /** Where lines go; standard error by default, so that standard output stays free for results. */
  readonly destination?: LogDestination
  /** Every value that must not appear, see `secretsOf`. */
  readonly secrets: Iterable<string>
  readonly nowMs?: () => number
}

/** No value from outside fills a disk with logs. A stack with its causes is a tenth of it. */
const TEXT_CHARS_MAX = 20_000

type Line = Readonly<Record<string, unknown>>

export function createLog({
  level,
  destination = process.stderr,
  secrets,
  nowMs = Date.now,
}: LogOptions): Log {
  const values = [...secrets]
  const cutting =
    (redact: Redactor) =>
    (text: string): string =>
      cutText(redact(text), TEXT_CHARS_MAX)
  const [own, foreign] = [cutting(createRedactor([], values)), cutting(createRedactor(values))]
  const format =
    destination.isTTY === true ? formatShort : (line: Line) => escapeControls(JSON.stringify(line))
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (text: string) =>
        void destination.write(`${format(redactEntry(JSON.parse(text), own, foreign))}\n`),
    },
  )
}

function redactEntry({ err, ...line }: Line, own: Redactor, foreign: Redactor): Line {
  // Bindings may be named by what came from outside.
  return {
    ...redactLine(line, own, own),
    ...(err !== undefined && { err: redactValue(err, foreign, foreign) }),
  }
}

/**
 * Any value as JSON in which no string or number holds a secret, and nothing that a terminal would
 * obey; `undefined` as null.
 */
export function redactJson(value: unknown, redact: Redactor): string {
  // Dates and the like have become text before anything is looked at.
  return escapeControls(
    JSON.stringify(redactValue(JSON.parse(JSON.stringify(value) ?? 'null'), redact)),
  )
}

function redactValue(value: unknown, redact: Redactor, rename: Redactor = (name) => name): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'number')
    return redact(String(value)) === String(value) ? value : '[redacted]'
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact, rename))
  if (typeof value === 'object' && value !== null) return redactLine(value as Line, redact, rename)
  return value
}

function redactLine(line: Line, redact: Redactor, rename: Redactor): Line {
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      rename(name),
      redactMember(name, value, redact, rename),
    ]),
  )
}

function redactMember(name: string, value: unknown, redact: Redactor, rename: Redactor): unknown {
  return isSecretName(name) && value !== null && value !== ''
    ? '[redacted]'
    : redactValue(value, redact, rename)
}

/** `12:03:04 warn  the message  run=7 source=shop`, and a stack on lines of its own. */
function formatShort({ time, level, message, err, ...rest }: Line): string {
  const fields = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const stack =
    typeof err === 'object' && err !== null && 'stack' in err
      ? `\n${escapeLines(String(err.stack))}`
      : ''
  const line = [
    String(time).slice(11, 19),
    String(level).padEnd(5),
    typeof message === 'string' ? message : '',
    ...fields,
  ].join(' ')
  return escapeControls(line) + stack
}
