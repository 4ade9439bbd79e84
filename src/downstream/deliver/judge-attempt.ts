// Decides what follows an attempt to deliver a message: success, another attempt, or a dead letter.

import type { DeliveryEnd } from '../../db/write/deliveries.ts'
import { chooseDelayMs, parseRetryAfter } from '../../lib/back-off.ts'

/** The last of these attempts follows the first one by a day. */
export const ATTEMPTS_MAX = 14
const BACK_OFF = { baseMs: 30_000, maxMs: 6 * 3_600_000 }
/** Lower bound of the delay before another attempt, which is otherwise random. */
const DELAY_MIN_MS = 5_000
/** Upper bound of the pause that a receiver states. */
const RETRY_AFTER_MAX_MS = 3_600_000

/** A response, or the reason why there is none. */
export type Attempt =
  | { readonly status: number; readonly retryAfter: string | null }
  | { readonly error: string; readonly isFinal?: boolean }

/** `attempts`: failed ones before this one. */
export function judgeAttempt(
  attempt: Attempt,
  attempts: number,
  nowMs: number = Date.now(),
): DeliveryEnd {
  if ('error' in attempt)
    return fail({ status: null, error: attempt.error, attempts, isFinal: attempt.isFinal === true })
  const { status, retryAfter } = attempt
  if (status >= 200 && status < 300)
    return { state: 'delivered', status, error: null, delayMs: 0, pauseMs: 0, disable: null }
  const redirects = status >= 300 && status < 400 ? ': redirects are not followed' : ''
  const pauseMs = Math.min(parseRetryAfter(retryAfter, nowMs) ?? 0, RETRY_AFTER_MAX_MS)
  const end = fail({ status, error: `HTTP ${status}${redirects}`, attempts, pauseMs })
  if (status !== 410) return end
  return { ...end, state: 'waiting', disable: 'the receiver responded with status 410, Gone' }
}

interface Failure {
  readonly status: number | null
  readonly error: string
  readonly attempts: number
  readonly pauseMs?: number
  readonly isFinal?: boolean
}

function fail({ status, error, attempts, pauseMs = 0, isFinal = false }: Failure): DeliveryEnd {
  const delayMs = chooseDelayMs(attempts, {
    ...BACK_OFF,
    retryAfterMs: Math.max(pauseMs, DELAY_MIN_MS),
    retryAfterMaxMs: RETRY_AFTER_MAX_MS,
  })
  const isDead = isFinal || attempts + 1 >= ATTEMPTS_MAX
  return { state: isDead ? 'dead' : 'waiting', status, error, delayMs, pauseMs, disable: null }
}
