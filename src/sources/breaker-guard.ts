// The circuit breaker of a supplier around a request: it admits the request and counts its result. The
// state is a row, so that all workers know at once that a supplier is down, and only one of them
// tests it.

import {
  admit,
  afterFailedProbe,
  afterFailure,
  afterLostProbe,
  afterSuccess,
  BREAKER_POLICY,
  CLOSED,
  type Breaker,
  type BreakerPolicy,
} from '../core/breaker.ts'
import { SyncError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'
import type { BreakerRule } from '../core/limits.ts'
import type { Catalog } from '../db/catalog.ts'
import { loadBreaker, saveBreaker, type StoredBreaker } from '../db/write/limits.ts'

export interface BreakerLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export interface BreakerTools {
  readonly db: Catalog
  readonly log: BreakerLog
  /** Called with a sentence when a request has opened the breaker, or closed it. */
  readonly onTransition?: ((message: string) => void) | undefined
}

/** A breaker that has let a request through. */
export interface Admitted {
  readonly rule: BreakerRule
  readonly policy: BreakerPolicy
  /** Null for any other request than the probe. */
  readonly probe: Probe | null
  /** Failures in a row, when it was admitted. */
  readonly failures: number
}

interface Probe {
  /** The version of the row while this request is its probe. */
  readonly version: number
  /** Aborts the request in time. */
  readonly signal: AbortSignal
  /** Called with the result. */
  end(): void
}

/** Only these errors say that a supplier is down; status codes of 500 and more do as well. */
const OUTAGES: ReadonlySet<string> = new Set(['source/unavailable', 'source/too-slow'])
/** The body of a small response that ends too early says so too. */
const BODY_OUTAGES: ReadonlySet<string> = new Set([...OUTAGES, 'source/cut-short'])
/** A probe ends this long before another request may probe. */
const PROBE_MARGIN_MS = 5_000

/** Access to the turn of a request. */
export interface Gate {
  /** Reads the state, and enters the limits of the request if the breaker is closed. */
  read(): Promise<StoredBreaker>
  /** Waits for the turn. Called before a request becomes a probe, so that the probe is sent at once. */
  wait(): Promise<void>
}

/**
 * Lets a request through, or refuses it. Returns null without a rule.
 *
 * @throws SyncError `source/circuit-open`, with the time until the next probe
 */
export async function admitRequest(
  { db, log }: BreakerTools,
  rule: BreakerRule | null,
  gate: Gate,
): Promise<Admitted | null> {
  if (rule === null) return null
  const policy = { ...BREAKER_POLICY, ...rule.policy }
  for (let waited = false; ;) {
    const { breaker, version, nowMs } = await gate.read()
    const admission = admit(breaker, nowMs, policy)
    if (admission.kind === 'pass') return { rule, policy, probe: null, failures: breaker.failures }
    if (admission.kind === 'refuse') throw toRefusal(rule, breaker, admission.retryAfterMs)
    if (!waited) {
      await gate.wait()
      waited = true
      continue
    }
    if (!(await saveBreaker(db, rule, version, admission.next, null))) continue
    const again = breaker.state === 'half-open' ? ' again: the last test had no result' : ''
    log.info(factsOf(rule, admission.next), `${rule.key} is tested with one request${again}`)
    return {
      rule,
      policy,
      probe: startProbe(rule, policy, version + 1),
      failures: breaker.failures,
    }
  }
}

/**
 * Sends the request that was admitted, and records its result, unless `judgesBody` leaves it to
 * `judgeBody`. A probe is aborted before another request may probe.
 */
export async function observeRequest(
  tools: BreakerTools,
  admitted: Admitted | null,
  signal: AbortSignal,
  send: (signal: AbortSignal) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  if (admitted === null) return send(signal)
  const { rule, probe } = admitted
  try {
    const response = await send(probe === null ? signal : AbortSignal.any([signal, probe.signal]))
    if (response.status >= 500) await fail(tools, admitted, `status ${response.status}`)
    else if (rule.judgesBody !== true) await succeed(tools, admitted)
    return response
  } catch (error) {
    await judgeError(tools, admitted, error, OUTAGES)
    throw error
  }
}

/** Records the end of the body of a small response: null, or the error that its reader received. */
export async function judgeBody(
  tools: BreakerTools,
  admitted: Admitted | null,
  { status }: Pick<HttpResponse, 'status'>,
  error: unknown,
): Promise<void> {
  if (admitted?.rule.judgesBody !== true || status >= 500) return
  if (error === null) await succeed(tools, admitted)
  else await judgeError(tools, admitted, error, BODY_OUTAGES)
}

async function judgeError(
  tools: BreakerTools,
  admitted: Admitted,
  error: unknown,
  outages: ReadonlySet<string>,
): Promise<void> {
  if (error instanceof SyncError && outages.has(error.code))
    await fail(tools, admitted, error.message)
  else await giveUp(tools, admitted)
}

function startProbe({ key }: BreakerRule, { probeMs }: BreakerPolicy, version: number): Probe {
  const limit = new AbortController()
  const limitMs = Math.max(probeMs - PROBE_MARGIN_MS, 1)
  const seconds = Math.round(limitMs / 1000)
  const error = new SyncError('source/too-slow', `${key} has not responded within ${seconds} s`)
  const timer = setTimeout(() => limit.abort(error), limitMs)
  return { version, signal: limit.signal, end: () => clearTimeout(timer) }
}

async function fail(tools: BreakerTools, admitted: Admitted, reason: string): Promise<void> {
  const { rule, policy, probe } = admitted
  const next = await change(tools, admitted, reason, ({ breaker, nowMs }) =>
    probe === null
      ? afterFailure(breaker, nowMs, policy)
      : afterFailedProbe(breaker, nowMs, policy),
  )
  if (next?.state !== 'open') return
  const minutes = Math.round(next.cooldownMs / 60_000)
  const message = `${rule.key} has failed ${next.failures} times: no request is sent to it for ${minutes} min`
  tools.log.warn({ ...factsOf(rule, next), reason }, message)
  tools.onTransition?.(message)
}

async function succeed(tools: BreakerTools, admitted: Admitted): Promise<void> {
  const { rule, policy, probe, failures } = admitted
  if (probe === null) {
    // Most requests follow no failure, and need no read of the row.
    if (policy.inARow && failures > 0)
      await change(tools, admitted, null, ({ breaker }) => afterSuccess(breaker, policy))
    return
  }
  const next = await change(tools, admitted, null, () => CLOSED)
  if (next === null) return
  const message = `${rule.key} responds again after ${failures} failures`
  // The same level as the beginning of the outage, so that no log shows only one of them.
  tools.log.warn({ ...factsOf(rule, next), failures }, message)
  tools.onTransition?.(message)
}

/** The request has neither failed nor succeeded: it was stopped, or refused before it was sent. */
async function giveUp(tools: BreakerTools, admitted: Admitted): Promise<void> {
  const { rule, probe } = admitted
  if (probe === null) return
  const next = await change(tools, admitted, null, ({ breaker, nowMs }) =>
    afterLostProbe(breaker, nowMs),
  )
  if (next !== null)
    tools.log.info(factsOf(rule, next), `the test of ${rule.key} was stopped without a result`)
}

/**
 * Writes the next state, computed again when another worker has changed the row. A probe whose row
 * was changed was lost, and its result counts no more. Returns the state that was written, or null.
 */
async function change(
  { db }: BreakerTools,
  { rule, probe }: Admitted,
  reason: string | null,
  compute: (stored: StoredBreaker) => Breaker | null,
): Promise<Breaker | null> {
  probe?.end()
  for (;;) {
    const stored = await loadBreaker(db, rule)
    if (probe !== null && stored.version !== probe.version) return null
    const next = compute(stored)
    if (next === null) return null
    if (await saveBreaker(db, rule, stored.version, next, reason)) return next
  }
}

function toRefusal({ key }: BreakerRule, { failures }: Breaker, retryAfterMs: number): SyncError {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new SyncError(
    'source/circuit-open',
    `${key} has failed ${failures} times and gets no request for the next ${seconds} s`,
    { retryAfterMs },
  )
}

/** `until`: the next test, or the end of the present one. */
function factsOf({ scope, key }: BreakerRule, { state, failures, retryAtMs }: Breaker): object {
  const until = retryAtMs === null ? undefined : new Date(retryAtMs).toISOString()
  return { breaker: `${scope}:${key}`, state, failures, until }
}
