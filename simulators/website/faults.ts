// Faults of a site. A fault's `path` is matched with the path of the request.

import type { z } from 'zod'
import { CommonFault } from '../support/faults.ts'

export const SiteFault = CommonFault
export type SiteFault = CommonFault
export type SiteFaultInput = z.input<typeof CommonFault>

const page = (title: string): string =>
  `<!doctype html><html><head><title>${title}</title></head><body>${title}</body></html>`

/** Typical responses of sites by name: `faults.set({ ...RESPONSES.challenge, times: null })`. */
export const RESPONSES = {
  challenge: {
    kind: 'status',
    status: 403,
    headers: { 'cf-ray': '8f2c0a1b2c3d4e5f-SYD', 'cf-mitigated': 'challenge' },
    body: page('Just a moment...'),
  },
  challenge429: {
    kind: 'status',
    status: 429,
    headers: { 'cf-ray': '8f2c0a1b2c3d4e5f-SYD' },
    body: page('Just a moment...'),
  },
  challenge503: {
    kind: 'status',
    status: 503,
    body: page('Checking your browser'),
  },
  challenge200: { kind: 'status', status: 200, body: page('Pardon Our Interruption') },
  refused: { kind: 'status', status: 403, body: page('Forbidden by policy 7') },
  password: { kind: 'status', status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
  login: { kind: 'status', status: 302, headers: { location: '/account/login' } },
  loop: { kind: 'status', status: 302, headers: { location: '/loop' } },
  elsewhere: { kind: 'status', status: 302, headers: { location: 'http://localhost:1/' } },
  limited: { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
  missing: { kind: 'status', status: 404 },
  removed: { kind: 'status', status: 410 },
  broken: { kind: 'status', status: 500 },
  maintenance: { kind: 'status', status: 503, headers: { 'retry-after': '600' } },
} as const satisfies Record<string, SiteFaultInput>
