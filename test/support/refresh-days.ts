// Days of hourly refreshes on a simulated clock. Real: the SQL that plans a refresh, lists due products,
// counts requests against the limits, and records reads; the connector's limits and batches; the rules for
// failed batches and for the circuit breaker. Simulated: time, Amazon, and the rows of products. Batches that
// fail outside the outage are of a kind that the breaker does not count.

import type { PoolClient } from 'pg'
import { mix } from '../../simulators/support/random.ts'
import {
  admit,
  afterFailedProbe,
  afterFailure,
  CLOSED,
  type Breaker,
} from '../../src/core/breaker.ts'
import { SyncError } from '../../src/core/errors.ts'
import { decideBatch, NO_FAILURES } from '../../src/pipeline/batch-decision.ts'
import {
  addRefreshSource,
  BATCHES,
  IMPORTS,
  POLICY,
  REFRESHES,
  RESPONSE_MS,
  SEND,
} from './refresh-source.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A Thursday at midnight in UTC. */
export const START_MS = Date.UTC(2026, 0, 1)
/** The imports of an hour come before. */
const REFRESH_MINUTE = 17

export interface Days {
  readonly days: number
  readonly products: number
  readonly ageMinutes: number
  /** The share of batches that fail at each attempt of a run. */
  readonly failedShare: number
  /** From then on, no request succeeds for an hour. */
  readonly outageMs: number
  /** Requests for imports in each hour, from the reserve. */
  readonly importsPerHour: number
}

export interface Observed {
  /** The greatest age of content when it was read again, or at the end. */
  readonly oldestHours: number
  /** Reads of content that was older than 24 hours. */
  readonly lateReads: number
  readonly reads: number
  /** Instants of all requests, in order. */
  readonly sentMs: readonly number[]
  /** Those of refreshes. */
  readonly refreshMs: readonly number[]
  readonly failedBatches: number
  /** Hours with a run that the circuit breaker ended. */
  readonly skippedRuns: number
}

/** Runs the hours of the simulation on this session, in which nothing else works. */
export async function simulateDays(client: PoolClient, given: Days): Promise<Observed> {
  await client.query(SEND)
  return new Simulation(client, given, await addRefreshSource(client, given, START_MS)).execute()
}

function listBatches(keys: readonly string[]): (readonly string[])[] {
  return BATCHES.list(keys, null).map((batch) => batch.keys)
}

class Simulation {
  readonly #client: PoolClient
  readonly #given: Days
  readonly #source: number
  readonly #readAtMs: Float64Array
  readonly #sentMs: number[] = []
  readonly #refreshMs: number[] = []
  #breaker: Breaker = CLOSED
  #nowMs = START_MS
  #oldestMs = 0
  #lateReads = 0
  #reads = 0
  #failedBatches = 0
  #skippedRuns = 0

  constructor(client: PoolClient, given: Days, source: number) {
    this.#client = client
    this.#given = given
    this.#source = source
    this.#readAtMs = new Float64Array(given.products).fill(START_MS)
  }

  async execute(): Promise<Observed> {
    const { days, importsPerHour } = this.#given
    for (let hour = 1; hour < days * 24; hour++) {
      const hourMs = START_MS + hour * HOUR_MS
      this.#nowMs = Math.max(this.#nowMs, hourMs)
      if (importsPerHour > 0) await this.#send(IMPORTS, importsPerHour)
      this.#nowMs = Math.max(this.#nowMs, hourMs + REFRESH_MINUTE * 60_000)
      await this.#refresh(hour)
    }
    const endMs = START_MS + days * DAY_MS
    for (const readAtMs of this.#readAtMs) this.#note(endMs - readAtMs)
    return {
      oldestHours: this.#oldestMs / HOUR_MS,
      lateReads: this.#lateReads,
      reads: this.#reads,
      sentMs: this.#sentMs,
      refreshMs: this.#refreshMs,
      failedBatches: this.#failedBatches,
      skippedRuns: this.#skippedRuns,
    }
  }

  /** One scheduled refresh: plan, list, request in batches, settle. */
  async #refresh(hour: number): Promise<void> {
    const startMs = this.#nowMs
    const { rows } = await this.#client.query<{ keys: string[] }>(
      `select array(select d.external_id from catalog.list_due_products($1,
         catalog.plan_refresh($1, interval '1 hour', 10000, $2), $2) d) as keys`,
      [this.#source, new Date(startMs)],
    )
    const lists = listBatches((rows[0]?.keys ?? []).toSorted())
    const { read, left, isStopped } = await this.#requestAll(hour, lists)
    const failed: string[] = []
    for (const at of isStopped ? [] : left) {
      const keys = lists[at] ?? []
      if (this.#isFailing(hour, at, 8)) {
        failed.push(...keys)
        if ((await this.#fail(true)) === null) break
      } else
        for (const sentMs of await this.#send(IMPORTS, 1)) read.push(...this.#read(keys, sentMs))
    }
    const settle = (name: string, keys: readonly string[], at: number) =>
      this.#client.query(`select catalog.${name}($1, $2, $3)`, [this.#source, keys, new Date(at)])
    await settle('record_reads', read, startMs)
    await settle('record_failed_reads', failed, this.#nowMs)
  }

  /** Requests the batches of a run in order. `left`: those that failed at each attempt. */
  async #requestAll(hour: number, lists: readonly (readonly string[])[]) {
    const [read, left]: [string[], number[]] = [[], []]
    let leftInRow = 0
    for (let at = 0; at < lists.length;) {
      if (this.#isFailing(hour, at)) {
        if ((await this.#tryFailing(leftInRow)) === 'stop') return { read, left, isStopped: true }
        left.push(at)
        leftInRow += 1
        at += 1
        continue
      }
      leftInRow = 0
      let end = at + 1
      while (end < lists.length && !this.#isFailing(hour, end)) end += 1
      const sent = this.#breaker.state === 'closed' ? await this.#send(REFRESHES, end - at) : []
      for (const [index, sentMs] of sent.entries())
        read.push(...this.#read(lists[at + index] ?? [], sentMs))
      if (sent.length < end - at && !this.#probe()) return { read, left, isStopped: true }
      at += sent.length
    }
    return { read, left, isStopped: false }
  }

  /** With a closed breaker, the quota is used up. An open one may admit one request. */
  #probe(): boolean {
    const admission = admit(this.#breaker, this.#nowMs, POLICY)
    if (admission.kind === 'refuse') this.#skippedRuns += 1
    if (admission.kind !== 'probe') return false
    // The supplier responds again, because this batch is not failing.
    this.#breaker = CLOSED
    return true
  }

  /** Requests a batch that fails as often as the rules allow. */
  async #tryFailing(leftInRow: number): Promise<'left' | 'stop'> {
    this.#failedBatches += 1
    let failures = { ...NO_FAILURES, leftInRow }
    for (;;) {
      const error = await this.#fail(failures.attempts > 0)
      if (error === null) return 'stop'
      const decision = decideBatch(error, failures, BATCHES.delaysMs)
      if (decision.kind === 'leave') return 'left'
      if (decision.kind !== 'retry') return 'stop'
      failures = decision.failures
      this.#nowMs += decision.leastMs
    }
  }

  /** Null: the quota is used up. A retry uses the reserve. In an outage, the failure counts for the circuit breaker. */
  async #fail(isRetry: boolean): Promise<SyncError | null> {
    const admission = admit(this.#breaker, this.#nowMs, POLICY)
    if (admission.kind === 'refuse') {
      this.#skippedRuns += 1
      return new SyncError('source/circuit-open', 'refused', { retryAfterMs: 1 })
    }
    const buckets = isRetry ? IMPORTS : REFRESHES
    if ((await this.#send(buckets, 1)).length === 0) return null
    if (!this.#isDown()) return new SyncError('source/cut-short', 'cut short')
    this.#breaker =
      admission.kind === 'probe'
        ? afterFailedProbe(admission.next, this.#nowMs, POLICY)
        : (afterFailure(this.#breaker, this.#nowMs, POLICY) ?? this.#breaker)
    return new SyncError('source/unavailable', 'down')
  }

  /** Returns the instants of the requests that the limits allow, and waits for their responses. */
  async #send(buckets: typeof REFRESHES, count: number): Promise<number[]> {
    const limits = buckets.map(({ scope, key, intervalMs, burst, concurrency, perDay }) => ({
      scope,
      key,
      burst,
      concurrency,
      interval: intervalMs,
      per_day: perDay,
    }))
    const { rows } = await this.#client.query<{ sent: Date[] }>(
      'select sent from pg_temp.send($1, $2, $3)',
      [JSON.stringify(limits), count, new Date(this.#nowMs)],
    )
    const sent = (rows[0]?.sent ?? []).map((at) => at.getTime())
    this.#nowMs = (sent.at(-1) ?? this.#nowMs - RESPONSE_MS) + RESPONSE_MS
    this.#sentMs.push(...sent)
    if (buckets === REFRESHES) this.#refreshMs.push(...sent)
    return sent
  }

  #isDown(): boolean {
    const sinceMs = this.#nowMs - this.#given.outageMs
    return sinceMs >= 0 && sinceMs < HOUR_MS
  }

  /** Seeded, so that each test has the same failures. */
  #isFailing(hour: number, batch: number, seed = 7): boolean {
    return this.#isDown() || mix(hour, batch, seed) / 2 ** 32 < this.#given.failedShare
  }

  #read(ids: readonly string[], atMs: number): readonly string[] {
    for (const id of ids) {
      const index = Number(id.slice(1))
      this.#note(atMs - (this.#readAtMs[index] ?? 0))
      this.#readAtMs[index] = atMs
    }
    this.#reads += ids.length
    return ids
  }

  #note(ageMs: number): void {
    this.#oldestMs = Math.max(this.#oldestMs, ageMs)
    if (ageMs > DAY_MS) this.#lateReads += 1
  }
}
