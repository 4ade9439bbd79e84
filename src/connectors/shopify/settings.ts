// The settings of a Shopify shop.

import { z } from 'zod'
import { HOST_INTERVAL_MS } from '../../core/limits.ts'
import { PAGE_SIZE, REACH } from './list.ts'

export const ShopifySettings = z.strictObject({
  /** The shop's origin: `https://shop.example`. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => URL.parse(url)?.origin === url,
      'must be an origin such as https://shop.example',
    ),
  /** ISO 4217. The base currency of the shop, not the one that it shows to a visitor. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters such as AUD'),
  /** Average time between two requests to this shop; the first four may follow at once. */
  minIntervalMs: z.int().nonnegative().default(HOST_INTERVAL_MS),
  /** Default: one more than a shop can serve, so that the shop itself reports the end. */
  maxPages: z
    .int()
    .positive()
    .default(REACH / PAGE_SIZE + 1),
})
export type ShopifySettings = z.infer<typeof ShopifySettings>
