// The turns of one request: it waits for each of its limits in order, and keeps the places among the
// requests in progress until its body has ended.

import { randomUUID } from 'node:crypto'
import { SyncError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'
import type { RequestLimit } from '../core/limits.ts'
import type { Catalog } from '../db/catalog.ts'
import {
  admitRequest,
  delayLimit,
  holdLimit,
  leaveLimit,
  type BreakerName,
  type Bucket,
  type Entry,
  type StoredBreaker,
} from '../db/write/limits.ts'
import type { Waiter } from '../lib/back-off.ts'
import { readRetryAfter } from '../lib/http-status.ts'
import { hashText } from '../node/hash.ts'
import { getOwnerName, isOwnerDead } from '../node/process-owner.ts'

/** Time between two requests of each scope, in place of the one that its connector states. */
export type RequestIntervals = ReadonlyMap<string, number>

export interface TurnTools {
  readonly db: Catalog
  readonly options: { readonly wait: Waiter }
  readonly requestIntervals: RequestIntervals
}

/** Called with the reason before a request waits, and with null when it is sent. */
export type ReportWait = (reason: string | null, waitMs: number) => void

/** A request in progress counts for this long; it is renewed three times as often. */
const HOLD_MS = 30_000
/** Longest wait for a turn. */
const WAIT_MS_MAX = 15 * 60_000
/** Interval at which a request that is blocked by another one is tried again. */
const POLL_MS = 250
/** Longest Retry-After that is obeyed, against a wrong header. */
const DELAY_MS_MAX = 15 * 60_000
/** Delay after a status of 429 without Retry-After. */
const DELAY_MS_DEFAULT = 5_000
/** Up to this share of the interval is added to a wait, unless the limit is strict. */
const JITTER = 0.2

interface PacedBucket extends Bucket {
  /** Up to this time is added to a wait. */
  readonly jitterMs: number
}

export class RequestTurns {
  readonly #tools: TurnTools
  readonly #buckets: readonly PacedBucket[]
  readonly #onWait: ReportWait
  readonly #holder = randomUUID()
  readonly #held: Bucket[] = []
  /** Number of buckets that were entered. */
  #entered = 0
  /** The result of the last round trip until its wait is over. */
  #entry: Entry | null = null
  #deadOwner: string | null = null
  #renewal: NodeJS.Timeout | null = null

  constructor(
    tools: TurnTools,
    limits: readonly RequestLimit[],
    onWait: ReportWait,
    urgent: boolean,
  ) {
    this.#tools = tools
    this.#onWait = onWait
    this.#buckets = limits.flatMap((limit) => toBuckets(limit, tools.requestIntervals, urgent))
  }

  /**
   * Reads the circuit breaker of the request and, if it is closed, enters the first limits in the same
   * round trip.
   */
  async begin(breaker: BreakerName | null): Promise<StoredBreaker> {
    return (await this.#enter(breaker)).breaker
  }

  /**
   * Waits until the request may be sent.
   *
   * @throws SyncError `source/rate-limited` when a turn is more than 15 minutes away · `db/…`
   */
  async take(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#entry !== null) await this.#await(this.#entry, signal)
      if (this.#entered === this.#buckets.length) break
      await this.#enter(null)
    }
    this.#onWait(null, 0)
  }

  /** Passes on the wait that a supplier demands to all requests of its limits. */
  async obey({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>): Promise<void> {
    if (status !== 429 && status !== 503) return
    const demanded = readRetryAfter(headers) ?? (status === 429 ? DELAY_MS_DEFAULT : 0)
    await this.delay(demanded)
  }

  /** Delays all requests of its limits, for 15 minutes at most. */
  async delay(waitMs: number): Promise<void> {
    if (waitMs <= 0) return
    const delayMs = Math.min(waitMs, DELAY_MS_MAX)
    for (const bucket of this.#buckets) await delayLimit(this.#tools.db, bucket, delayMs)
  }

  /** Ends the request. A place that cannot be given back is free after half a minute. */
  async leave(): Promise<void> {
    if (this.#renewal !== null) clearInterval(this.#renewal)
    this.#renewal = null
    for (const bucket of this.#held.splice(0))
      await leaveLimit(this.#tools.db, bucket, this.#holder).catch(() => {})
  }

  async #enter(breaker: BreakerName | null): Promise<Entry> {
    const rest = this.#buckets.slice(this.#entered)
    const entry = await admitRequest(this.#tools.db, breaker, rest, {
      holder: this.#holder,
      owner: getOwnerName(),
      deadOwner: this.#deadOwner,
      waitMsMax: WAIT_MS_MAX,
      holdMs: HOLD_MS,
    })
    for (const bucket of rest.slice(0, entry.entered))
      if (bucket.concurrency !== null) this.#keep(bucket)
    this.#entered += entry.entered
    this.#entry = entry
    return entry
  }

  /** Waits as long as the last round trip demands. */
  async #await({ refused, waitMs, blockedBy }: Entry, signal: AbortSignal): Promise<void> {
    this.#entry = null
    const bucket = this.#buckets[refused ? this.#entered : this.#entered - 1]
    if (bucket === undefined) return
    if (blockedBy !== null) {
      const isNew = blockedBy !== this.#deadOwner && isOwnerDead(blockedBy)
      if (isNew) this.#deadOwner = blockedBy
      else await this.#wait(bucket, POLL_MS, signal)
    } else if (refused && waitMs > WAIT_MS_MAX) {
      throw toRefusal(bucket, waitMs)
    } else if (waitMs > 0) {
      await this.#wait(bucket, waitMs + Math.random() * bucket.jitterMs, signal)
    }
  }

  async #wait(bucket: Bucket, waitMs: number, signal: AbortSignal): Promise<void> {
    const seconds = Math.ceil(waitMs / 1000)
    this.#onWait(`the next request to ${nameOf(bucket)} may be sent in ${seconds} s`, waitMs)
    await this.#tools.options.wait(waitMs, signal)
  }

  /** Keeps a place, also while the request waits for the next limit. */
  #keep(bucket: Bucket): void {
    this.#held.push(bucket)
    this.#renewal ??= setInterval(() => this.#renew(), HOLD_MS / 3).unref()
  }

  #renew(): void {
    for (const bucket of this.#held)
      holdLimit(this.#tools.db, bucket, this.#holder, HOLD_MS).catch(() => {})
  }
}

/** A limit with a reserve has a second bucket, which requests that are not urgent enter first. */
export function toBuckets(
  limit: RequestLimit,
  intervals: RequestIntervals,
  urgent: boolean,
): PacedBucket[] {
  const { scope, secretKey = false, burst, concurrency, perDay = null, reserve = 0 } = limit
  const { leastIntervalMs = 0, isStrict = false } = limit
  const intervalMs = Math.max(intervals.get(scope) ?? limit.intervalMs, leastIntervalMs)
  const key = secretKey ? hashText(limit.key) : limit.key
  const jitterMs = isStrict ? 0 : JITTER * intervalMs
  const whole = { scope, key, intervalMs, burst, concurrency, perDay, jitterMs }
  if (urgent || reserve === 0) return [whole]
  const others = {
    ...whole,
    key: `${key} without the reserve`,
    intervalMs: intervalMs / (1 - reserve),
    jitterMs: jitterMs / (1 - reserve),
    burst: Math.max(1, Math.floor(burst * (1 - reserve))),
    concurrency: null,
    perDay: perDay === null ? null : Math.floor(perDay * (1 - reserve)),
  }
  return [others, whole]
}

/** Names what a bucket belongs to: a host, or the supplier of a connector. */
function nameOf({ scope, key }: Bucket): string {
  return scope === 'host' ? key : scope
}

function toRefusal(bucket: Bucket, waitMs: number): SyncError {
  const minutes = Math.ceil(waitMs / 60_000)
  return new SyncError(
    'source/rate-limited',
    `The limit of ${nameOf(bucket)} allows the next request in ${minutes} min`,
    { retryAfterMs: waitMs },
  )
}
