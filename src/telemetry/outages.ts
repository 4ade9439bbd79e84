// Outages of what this process depends on: the database, the queue, the artifact store, a supplier.
// The log has one warning when an outage begins and one when it is over, however many tasks retry
// meanwhile; their attempts are logged at level debug. Both have the same level, so that no log
// shows only one of them.

import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { formatDuration } from '../lib/format-duration.ts'

/** A part of the log, so that its owner chooses the bindings. */
interface OutageLog {
  warn(facts: object, message: string): void
  debug(facts: object, message: string): void
}

/** A failed attempt of some work. */
export interface FailedAttempt {
  /** Name of the work. An outage is over when work of this name succeeds again. */
  readonly work: string
  /** Instant of `performance.now()` at which the attempt began. Default: now. */
  readonly startedMs?: number
  /** True to log the error although the outage is known, because it has a new cause. */
  readonly isNews?: boolean
  /** The host of the supplier; needed for errors of suppliers only. */
  readonly host?: string
}

interface Outage {
  readonly code: ErrorCode
  /** `database`, `queue`, `artifact store` or the host of a supplier. */
  readonly component: string
  /** The same as the subject of a sentence. */
  readonly subject: string
  readonly begunMs: number
  /** Names of the work that has failed. */
  readonly works: Set<string>
  /** When work succeeded first after the last failure, or null. */
  workedMs: number | null
}

/** The first and the last message of an outage, by the error. Any other error is not an outage. */
const PHRASES: { readonly [Code in ErrorCode]?: readonly [out: string, back: string] } = {
  'db/unreachable': ['is unreachable', 'is reachable again'],
  'db/full': ['has no disk space', 'has disk space again'],
  'db/read-only': ['is read-only', 'accepts writes again'],
  'db/busy': ['is too busy', 'responds again'],
  'queue/unreachable': ['is unreachable', 'is reachable again'],
  'artifact/unwritable': ['refuses writes', 'accepts writes again'],
  'artifact/unavailable': ['does not respond', 'responds again'],
  'source/unavailable': ['does not respond', 'responds again'],
  'source/rate-limited': ['limits requests', 'accepts requests again'],
  'source/cut-short': ['cuts its responses short', 'sends complete responses again'],
  'source/too-slow': ['sends almost nothing', 'sends responses again'],
}

const ADVICE_FOR_SOURCES =
  'The run waits and tries again. If this lasts, it is interrupted, and the next sync resumes it.'

export interface OutagesOptions {
  /** Advice while the database is unreachable. Default: the hint of the error. */
  readonly databaseAdvice?: string | undefined
  readonly nowMs?: () => number
}

/** All outages of one process. Each task and lane reports its failures and successes here. */
export class Outages {
  readonly #log: OutageLog
  readonly #databaseAdvice: string | undefined
  readonly #nowMs: () => number
  readonly #open = new Map<string, Outage>()
  readonly #endedMs = new Map<string, number>()
  /** Errors that were reported: several layers report the same one, some of them late. */
  readonly #reported = new WeakSet<object>()

  constructor(log: OutageLog, options: OutagesOptions = {}) {
    this.#log = log
    this.#databaseAdvice = options.databaseAdvice
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /**
   * Reports the error of an attempt. Returns false for an error that is not an outage, which the
   * caller then handles. An attempt that began before the end of the last outage belongs to that one.
   */
  failed(error: unknown, attempt: FailedAttempt): boolean {
    const outage = this.#toOutage(error, attempt)
    if (!(error instanceof SyncError) || outage === null) return false
    const { code, component } = outage
    const { work, startedMs = outage.begunMs } = attempt
    const key = toKey(outage)
    const facts = { outage: component, code }
    const root = error.cause instanceof Error ? error.cause : error
    const isOld = this.#reported.has(root) || startedMs < (this.#endedMs.get(key) ?? -Infinity)
    this.#reported.add(root)
    const known = this.#open.get(key)
    if (known === undefined && !isOld) {
      this.#open.set(key, outage)
      this.#log.warn(facts, this.#describeBegin(error, outage.subject))
      return true
    }
    known?.works.add(work)
    if (known && !isOld) known.workedMs = null
    this.#log[attempt.isNews ? 'warn' : 'debug']({ ...facts, work }, error.message)
    return true
  }

  /**
   * Ends the outages in which this work failed. With `calmMs`, only those in which it has succeeded
   * for that long: a supplier that fails at every other page has one outage.
   */
  worked(work: string, calmMs = 0): void {
    if (this.#open.size === 0) return
    for (const outage of this.#open.values()) {
      if (!outage.works.has(work)) continue
      outage.workedMs ??= this.#nowMs()
      if (this.#nowMs() - outage.workedMs >= calmMs) this.#end(outage, outage.workedMs)
    }
  }

  /** Ends an outage because the server has responded to any request. */
  reached(code: 'db/unreachable' | 'queue/unreachable'): void {
    for (const outage of this.#open.values())
      if (outage.code === code) this.#end(outage, this.#nowMs())
  }

  #end(outage: Outage, endedMs: number): void {
    const { code, component, begunMs } = outage
    this.#open.delete(toKey(outage))
    this.#endedMs.set(toKey(outage), this.#nowMs())
    const seconds = Math.round(endedMs - begunMs) / 1000
    const back = PHRASES[code]?.[1] ?? ''
    this.#log.warn(
      { outage: component, code, seconds },
      `${outage.subject} ${back} after ${formatDuration(seconds)}`,
    )
  }

  #toOutage(error: unknown, { work, host }: FailedAttempt): Outage | null {
    if (!(error instanceof SyncError) || PHRASES[error.code] === undefined) return null
    const { code } = error
    const component = toComponent(code, host)
    return {
      code,
      component,
      subject: component === host ? host : `The ${component}`,
      begunMs: this.#nowMs(),
      works: new Set([work]),
      workedMs: null,
    }
  }

  #describeBegin({ code, message, hint }: SyncError, subject: string): string {
    const advice = code.startsWith('source/')
      ? ADVICE_FOR_SOURCES
      : code === 'db/unreachable'
        ? (this.#databaseAdvice ?? hint)
        : hint
    return `${subject} ${PHRASES[code]?.[0]}: ${message}. ${advice}`
  }
}

function toKey({ code, component }: Pick<Outage, 'code' | 'component'>): string {
  return `${code} ${component}`
}

/** Names the component: `database`, `queue`, `artifact store` or the host of a supplier. */
function toComponent(code: ErrorCode, host = 'supplier'): string {
  if (code.startsWith('db/')) return 'database'
  if (code.startsWith('queue/')) return 'queue'
  return code.startsWith('artifact/') ? 'artifact store' : host
}

/** Names it within a sentence: `the database`, `shop.example`. */
export function describeComponent(code: ErrorCode, host?: string): string {
  const component = toComponent(code, host)
  return component === host ? host : `the ${component}`
}
