// Faults of the API. For getItems, a fault's `path` is matched with `/getItems?first=ASIN`.

import type { z } from 'zod'
import { CommonFault } from '../support/faults.ts'

export const AmazonFault = CommonFault
export type AmazonFault = CommonFault
export type AmazonFaultInput = z.input<typeof CommonFault>

const error = (status: number, body: object, headers: Record<string, string> = {}) => ({
  kind: 'status' as const,
  status,
  headers,
  body: JSON.stringify(body),
})

/** Typical responses by name: `faults.set({ ...RESPONSES.broken, path: '/getItems*' })`. */
export const RESPONSES = {
  broken: error(500, { type: 'InternalServerException', message: 'Internal error' }),
  gateway: { kind: 'status', status: 502 },
  maintenance: { kind: 'status', status: 503, headers: { 'retry-after': '60' } },
  throttled: error(429, { type: 'ThrottleException', message: 'Slow down' }),
  throttledInBody: error(429, {
    type: 'ThrottleException',
    message: 'Slow down',
    retryAfterSeconds: 60,
  }),
  quota: error(429, { type: 'ThrottleException', message: 'Daily request quota exceeded' }),
  notEligible: error(403, {
    type: 'AccessDeniedException',
    message: 'Your account is not eligible',
    reason: 'AssociateNotEligible',
  }),
  firewall: { kind: 'status', status: 403 },
  slow: { kind: 'latency', ms: 2_000 },
  hung: { kind: 'stall' },
} as const satisfies Record<string, AmazonFaultInput>
