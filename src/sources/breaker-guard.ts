// The circuit breaker of a supplier around a request: it admits the request and counts its result. The
// state is a row, so that all workers know at once that a supplier is down, and only one of them
// tests it.

import {
  admit,
  afterFailedProbe,
  afterFailure,
  afterLostProbe,
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

interface BreakerLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export interface BreakerTools {
  readonly db: Catalog
  readonly log: BreakerLog
}

/** A breaker that has let a request through. */
export interface Admitted {
  readonly rule: BreakerRule
  readonly policy: BreakerPolicy
  /** The version of the row while this request is its probe; null for any other request. */
  readonly probe: number | null
}

/** Only these errors say that a supplier is down; status codes of 500 and more do as well. */
const OUTAGES: ReadonlySet<string> = new Set(['source/unavailable', 'source/too-slow'])

/**
 * Lets a request through, or refuses it. Returns null without a rule. `read` reads the state; it enters
 * the limits of the request if the breaker is closed.
 *
 * @throws SyncError `source/circuit-open`, with the time until the next probe
 */
export async function admitRequest(
  { db, log }: BreakerTools,
  rule: BreakerRule | null,
  read: () => Promise<StoredBreaker>,
): Promise<Admitted | null> {
  if (rule === null) return null
  const policy = { ...BREAKER_POLICY, ...rule.policy }
  for (;;) {
    const { breaker, version, nowMs } = await read()
    const admission = admit(breaker, nowMs, policy)
    if (admission.kind === 'pass') return { rule, policy, probe: null }
    if (admission.kind === 'refuse') throw toRefusal(rule, breaker, admission.retryAfterMs)
    if (!(await saveBreaker(db, rule, version, admission.next, null))) continue
    log.info(factsOf(rule, breaker), `${rule.key} is tested with one request`)
    return { rule, policy, probe: version + 1 }
  }
}

/** Sends the request that was admitted, and records its result. */
export async function observeRequest(
  tools: BreakerTools,
  admitted: Admitted | null,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  if (admitted === null) return send()
  try {
    const response = await send()
    if (response.status >= 500) await fail(tools, admitted, `status ${response.status}`)
    else await succeed(tools, admitted)
    return response
  } catch (error) {
    if (error instanceof SyncError && OUTAGES.has(error.code))
      await fail(tools, admitted, error.message)
    else await giveUp(tools, admitted)
    throw error
  }
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
  tools.log.warn(
    { ...factsOf(rule, next), reason },
    `${rule.key} has failed ${next.failures} times: no request is sent to it for ${minutes} min`,
  )
}

async function succeed(tools: BreakerTools, admitted: Admitted): Promise<void> {
  const { rule, probe } = admitted
  if (probe === null) return
  let failures = 0
  const next = await change(tools, admitted, null, ({ breaker }) => {
    failures = breaker.failures
    return CLOSED
  })
  if (next !== null)
    tools.log.info(
      { ...factsOf(rule, next), failures },
      `${rule.key} responds again after ${failures} failures`,
    )
}

/** The request has neither failed nor succeeded: it was stopped, or refused before it was sent. */
async function giveUp(tools: BreakerTools, admitted: Admitted): Promise<void> {
  if (admitted.probe === null) return
  await change(tools, admitted, null, ({ breaker, nowMs }) => afterLostProbe(breaker, nowMs))
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
  for (;;) {
    const stored = await loadBreaker(db, rule)
    if (probe !== null && stored.version !== probe) return null
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

function factsOf({ scope, key }: BreakerRule, { state, failures }: Breaker): object {
  return { breaker: `${scope}:${key}`, state, failures }
}
