// Faults of a shop. For lists, a fault's `path` is matched with `/products?offset=N` or
// `/variations?offset=N`, with any permalinks: `{ kind: 'status', status: 503, path:
// '/products?offset=99' }` fails the second page of products.

import { z } from 'zod'
import { CommonFault, When } from '../support/faults.ts'

export const WooFault = z.union([
  CommonFault,
  /** Prints text before and after the JSON, as a theme or a plugin with an error does. */
  z.strictObject({
    kind: z.literal('notice'),
    before: z.string().default('<br />\n<b>Warning</b>: Undefined array key [0] in x.php<br />\n'),
    after: z.string().default(''),
    ...When,
  }),
])
export type WooFault = z.infer<typeof WooFault>
export type WooFaultInput = z.input<typeof WooFault>

const error = (status: number, code: string, headers: Record<string, string> = {}) => ({
  kind: 'status' as const,
  status,
  headers,
  body: JSON.stringify({ code, message: 'Not now.', data: { status } }),
})

/** Typical responses of shops by name: `faults.set({ ...RESPONSES.closed, times: null })`. */
export const RESPONSES = {
  closed: error(401, 'rest_forbidden'),
  disabled: error(404, 'rest_no_route'),
  /** WooCommerce's own limit; versions differ in the status. */
  limited: error(429, 'rate_limit_exceeded', { 'ratelimit-retry-after': '7' }),
  limitedAs400: error(400, 'rate_limit_exceeded', { 'ratelimit-retry-after': '7' }),
  challenge: {
    kind: 'status',
    status: 403,
    headers: { 'cf-ray': '8f2c0a1b2c3d4e5f-SYD', 'cf-mitigated': 'challenge' },
    body: '<!doctype html><title>Just a moment...</title>',
  },
  password: { kind: 'status', status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
  refused: { kind: 'status', status: 403 },
  missing: { kind: 'status', status: 404 },
  removed: { kind: 'status', status: 410 },
  broken: { kind: 'status', status: 500 },
  maintenance: { kind: 'status', status: 503, headers: { 'retry-after': '600' } },
  webPage: { kind: 'status', status: 200, body: '<!doctype html><title>A shop</title>[{"id":1}]' },
  object: { kind: 'status', status: 200, body: '{"products":[]}' },
} as const satisfies Record<string, WooFaultInput>
