// The settings of a Shopify shop.

import { z } from 'zod'
import { HOST_INTERVAL_MS } from '../../core/limits.ts'

/** Maximum size of a page. Shopify reduces a larger limit to 250 without an error. */
export const PAGE_SIZE = 250
/**
 * Shopify responds 400 beyond this:
 * https://shopify.dev/changelog/pagination-limits-for-arrays-of-over-25000-objects
 */
export const REACH = 25_000

/** The lists of all products, the usual one first. */
export const LISTS = ['/products.json', '/collections/all/products.json'] as const
export type ListPath = (typeof LISTS)[number]

const Origin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => URL.parse(url)?.origin === url, 'must be an origin such as https://shop.example')

const Members = z.strictObject({
  /** The shop's origin: `https://shop.example`. */
  url: Origin,
  /** ISO 4217. The base currency of the shop, not the one that it shows to a visitor. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters such as AUD'),
  /** `admin`: the Admin API, with a token of the owner; `public`: what every visitor can read. */
  access: z.enum(['public', 'admin']).default('public'),
  /** The origin of the Admin API: `https://my-shop.myshopify.com`. */
  adminUrl: Origin.nullable().default(null),
  /** The list that is read: that of the collection "all" where the owner has closed the usual one. */
  list: z.enum(LISTS).default('/products.json'),
  /** Average time between two requests to this shop; the first four may follow at once. */
  minIntervalMs: z.int().nonnegative().default(HOST_INTERVAL_MS),
  /** Default: one more than a shop can serve, so that the shop itself reports the end. */
  maxPages: z
    .int()
    .positive()
    .default(REACH / PAGE_SIZE + 1),
})
export const ShopifySettings = Members.refine(
  ({ access, adminUrl }) => access === 'public' || adminUrl !== null,
  {
    path: ['adminUrl'],
    message: 'must be the address of the Admin API, such as https://my-shop.myshopify.com',
  },
)
export type ShopifySettings = z.infer<typeof ShopifySettings>
