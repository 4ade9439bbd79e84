// Faults of a shop. For products, a fault's `path` is matched with `/products.json?page=N`, without
// other parameters: `{ kind: 'status', status: 503, path: '/products.json?page=2' }` fails the
// second page only.

import { z } from 'zod'
import { CommonFault, When } from '../support/faults.ts'

export const ShopifyFault = z.union([
  CommonFault,
  /**
   * The page begins `by` products early (they were on the page before) or late (they are on no
   * page), as after a change of the shop between two requests.
   */
  z.strictObject({ kind: z.literal('shift'), by: z.int(), ...When }),
  /** Inserts text before the first product, as a theme with an error does. */
  z.strictObject({
    kind: z.literal('garbage'),
    text: z.string().default('<br /><b>Warning</b>'),
    ...When,
  }),
])
export type ShopifyFault = z.infer<typeof ShopifyFault>
export type ShopifyFaultInput = z.input<typeof ShopifyFault>

/** Header of every response through Cloudflare, which all shops use. */
const cloudflare = { 'cf-ray': '8f2c0a1b2c3d4e5f-SYD' }
const justAMoment = '<!doctype html><html lang="en-US"><head><title>Just a moment...</title>'

/** Typical responses of shops by name: `faults.set({ ...RESPONSES.password, times: null })`. */
export const RESPONSES = {
  password: { kind: 'status', status: 302, headers: { location: '/password' } },
  webPage: { kind: 'status', status: 200, body: '<!doctype html><title>A shop</title>' },
  unauthorized: { kind: 'status', status: 401, body: '{"errors":"Unauthorized"}' },
  frozen: { kind: 'status', status: 402, body: '{"errors":"Unavailable Shop"}' },
  challenge: {
    kind: 'status',
    status: 403,
    headers: { ...cloudflare, 'cf-mitigated': 'challenge' },
    body: justAMoment,
  },
  unmarkedChallenge: { kind: 'status', status: 503, headers: cloudflare, body: justAMoment },
  refused: { kind: 'status', status: 403 },
  missing: { kind: 'status', status: 404 },
  removed: { kind: 'status', status: 410 },
  locked: { kind: 'status', status: 423, body: '{"errors":"Locked"}' },
  limited: { kind: 'status', status: 429 },
  rejected: { kind: 'status', status: 430, body: '{"errors":"Shopify Security Rejection"}' },
  broken: { kind: 'status', status: 500 },
  unavailable: { kind: 'status', status: 503, headers: cloudflare },
} as const satisfies Record<string, ShopifyFaultInput>
