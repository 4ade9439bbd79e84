// Decides about an image after a failed attempt: another attempt later, or none.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { IMAGE_METRICS } from '../../telemetry/image-metrics.ts'

/** Delay after the first failed attempt, the second one, and so on; then the image has failed. */
const DELAYS_MS = [60_000, 10 * 60_000, 3_600_000, 6 * 3_600_000, 24 * 3_600_000]

/**
 * Failed attempts after which an image has failed, where these are fewer. A shop may list a picture
 * before its CDN has it, or send its maintenance page with status 200.
 */
const ATTEMPTS_MAX: { readonly [Code in ErrorCode]?: number } = {
  'image/missing': 2,
  'image/wrong-type': 2,
  'image/too-large': 1,
  'image/store-refused': 1,
  'source/too-large': 1,
  'source/address-refused': 1,
}
/** Delay before the last attempt at these. */
const LAST_DELAY_MS = 3_600_000

/** Errors that do not concern the image: its host accepts no request now. */
const PAUSES: ReadonlySet<ErrorCode> = new Set(['source/rate-limited', 'source/circuit-open'])
const PAUSE_MS = { default: 60_000, min: 1_000, max: 3_600_000 }

/** Errors that stop all images: the target, the settings and the database. */
const STOPS = /^(image\/store-unavailable|settings\/|db\/)/

type Reason = (typeof IMAGE_METRICS)['shelfsync_image_failures_total']['labels']['reason'][number]

/** Values of the label `reason`, by code; `other` for those that are not here. */
const REASONS: { readonly [Code in ErrorCode]?: Reason } = {
  'image/missing': 'missing',
  'image/refused': 'refused',
  'image/wrong-type': 'wrong_type',
  'image/too-large': 'too_large',
  'source/too-large': 'too_large',
  'image/store-refused': 'store_refused',
  'source/address-refused': 'address_refused',
  'source/unavailable': 'unavailable',
  'source/cut-short': 'unavailable',
  'source/too-slow': 'unavailable',
}

/** Returns the delay until the next attempt after `attempts` failed ones; null: none follows. */
export function chooseDelay(error: unknown, attempts: number): number | null {
  const most = error instanceof SyncError ? ATTEMPTS_MAX[error.code] : undefined
  if (most !== undefined) return attempts >= most ? null : LAST_DELAY_MS
  return DELAYS_MS[attempts - 1] ?? null
}

/** Returns how long its host gets no request; null for an error of the image itself. */
export function findPause(error: unknown): number | null {
  if (!(error instanceof SyncError) || !PAUSES.has(error.code)) return null
  const { default: usual, min, max } = PAUSE_MS
  return Math.min(Math.max(error.retryAfterMs ?? usual, min), max)
}

export function stopsAll(error: unknown): error is SyncError {
  return error instanceof SyncError && STOPS.test(error.code)
}

export function findReason(error: unknown): Reason {
  return (error instanceof SyncError ? REASONS[error.code] : undefined) ?? 'other'
}
