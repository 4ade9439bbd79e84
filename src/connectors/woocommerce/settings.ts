// The settings of a WooCommerce shop. `add` finds them; a shop in a sub-folder or with plain
// permalinks has another path to the same API.

import { z } from 'zod'
import { HOST_INTERVAL_MS } from '../../core/limits.ts'

/** The namespaces of the Store API, the newest first. */
export const NAMESPACES = ['wc/store/v1', 'wc/store'] as const

export const WoocommerceSettings = z.strictObject({
  /** The shop without a final slash: `https://shop.example` or `https://site.example/shop`. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine(
      isShopAddress,
      'must be an address such as https://shop.example, without a final slash',
    ),
  /** The path of the REST API after `url`: with plain permalinks, `/?rest_route=`. */
  restPath: z
    .string()
    .regex(/^(\/[\w.-]+)*(\/\?rest_route=)?$/, 'must be a path such as /wp-json or /?rest_route=')
    .default('/wp-json'),
  /** `wc/store` for shops before WooCommerce 6. */
  namespace: z.enum(NAMESPACES).default('wc/store/v1'),
  /** `rest`: the REST API, with keys of the owner; `store`: the public Store API. */
  access: z.enum(['store', 'rest']).default('store'),
  /** Sends the keys as parameters, for hosts that remove the header with them. */
  keysInQuery: z.boolean().default(false),
  /** Average time between two requests to this shop; the first four may follow at once. */
  minIntervalMs: z.int().nonnegative().default(HOST_INTERVAL_MS),
})
export type WoocommerceSettings = z.infer<typeof WoocommerceSettings>

/** The address of a route of the REST API; `route` begins without a slash. */
export function toApiUrl(
  { url, restPath }: Pick<WoocommerceSettings, 'url' | 'restPath'>,
  route: string,
  query: string,
): string {
  return `${url}${restPath}/${route}${restPath.includes('?') ? '&' : '?'}${query}`
}

function isShopAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && `${url.origin}${url.pathname.replace(/\/$/, '')}` === text
}
