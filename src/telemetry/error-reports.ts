// The unexpected errors of this process, from its log: the lines of level error and fatal, which
// are redacted. An error that repeats is kept once an hour, and few are kept at all, so that neither a loop
// nor an outage floods the place that they are sent to.

import { isObject } from '../lib/objects.ts'
import type { Line } from './redact-json.ts'

const REPEATED_AFTER_MS = 3_600_000
/** Different errors in an hour. More have one cause. */
const ERRORS_MAX = 50

export interface ErrorReport {
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly level: 'error' | 'fatal'
  readonly message: string
  /** Null if the line has only a cause. */
  readonly exception: {
    readonly type: string
    readonly value: string
    readonly stack: string
  } | null
  readonly correlationId: string | null
  /** Names of what failed: a source, a run, a task, a step. */
  readonly facts: Readonly<Record<string, string>>
}

const FACTS = ['source', 'run', 'task', 'step', 'tool', 'list'] as const

export class ErrorReports {
  readonly #nowMs: () => number
  readonly #keptMs = new Map<string, number>()
  readonly #waiting: ErrorReport[] = []

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Keeps the error of a line of the log, unless it is known. */
  add(line: Line): void {
    if (isEndOfRun(line)) return
    const report = toReport(line)
    const key = toKey(report)
    const nowMs = this.#nowMs()
    for (const [known, keptMs] of this.#keptMs)
      if (nowMs - keptMs >= REPEATED_AFTER_MS) this.#keptMs.delete(known)
    if (this.#keptMs.has(key) || this.#keptMs.size >= ERRORS_MAX) return
    this.#keptMs.set(key, nowMs)
    this.#waiting.push(report)
  }

  /** The oldest error that was not sent, or undefined. */
  get first(): ErrorReport | undefined {
    return this.#waiting[0]
  }

  /** Forgets `first`, because it was sent. */
  removeFirst(): void {
    this.#waiting.shift()
  }
}

/** A failed run is reported from its row, with the same words, unless its error is a bug. */
function isEndOfRun({ run, state, err }: Line): boolean {
  return run !== undefined && state !== undefined && err === undefined
}

function toReport(line: Line): ErrorReport {
  const { time, level, message, err, cause = isObject(err) ? undefined : err, cid } = line
  const facts = FACTS.flatMap((name) => {
    const value = line[name]
    return value === undefined || value === null ? [] : [[name, toText(value)]]
  })
  return {
    timestamp: Date.parse(toText(time)) / 1000,
    level: level === 'fatal' ? level : 'error',
    message: cause === undefined ? toText(message) : `${toText(message)}: ${toText(cause)}`,
    exception: isObject(err) ? toException(err) : null,
    correlationId: typeof cid === 'string' ? cid : null,
    facts: Object.fromEntries(facts),
  }
}

function toException({ type, message, stack }: Line): ErrorReport['exception'] {
  // pino appends the stacks of the causes.
  const [own = ''] = toText(stack).split('\ncaused by: ')
  return { type: toText(type ?? 'Error'), value: toText(message), stack: own }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

/** The same error may name another number each time. */
function toKey({ message, exception, facts }: ErrorReport): string {
  const place = exception && [
    exception.type,
    exception.value,
    /\n\s+at (.+)/.exec(exception.stack)?.[1],
  ]
  const key = JSON.stringify(place ?? [message, facts['source'], facts['step']])
  return key.replaceAll(/\d+/g, '0')
}
