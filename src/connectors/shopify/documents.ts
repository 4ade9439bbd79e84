// The small documents of a shop besides its list of products. Each is optional: a shop may not have
// it, and another site may respond with anything.

import { z } from 'zod'
import { hasAction } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import type { Ask } from './list.ts'
import { readFacts } from './responses.ts'

/** `/meta.json`. An invalid member counts as absent and does not affect the others. */
export const Meta = z.object({
  name: z.string().nullish().catch(null),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullish()
    .catch(null),
  myshopify_domain: z.string().nullish().catch(null),
  published_products_count: z.int().nonnegative().nullish().catch(null),
})
export type Meta = z.infer<typeof Meta>

/** The cart of a visitor. Its currency depends on the address of the client. */
export const Cart = z.object({ currency: z.string() })

/** The profile for shopping agents: https://ucp.dev. Other platforms may serve one too. */
const AgentProfile = z.looseObject({ ucp: z.looseObject({}) })
/** The path of the endpoint that Shopify serves on the domain of each shop. */
const SHOPIFY_ENDPOINT = /^\/api\/ucp\/mcp\/?$/
/** Maximum depth and number of the values that are searched for the endpoint. */
const DEPTH_MAX = 10
const VALUES_MAX = 10_000

/** GET requests without cookies and Accept-Language, which can change the prices. */
export function asking(http: Http, signal: AbortSignal): Ask {
  return (url) => http({ url, headers: { accept: 'application/json' } }, signal)
}

/**
 * Requests an optional document. Returns null when it is missing or not valid. @throws SyncError
 * with the action `retry`
 */
export async function findDocument<T>(
  ask: Ask,
  url: string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const response = await ask(url)
  try {
    return schema.safeParse(await readFacts(response, url)).data ?? null
  } catch (error) {
    if (hasAction(error, 'stop') && error.code !== 'run/cancelled') return null
    throw error
  }
}

/**
 * Returns the address that the profile for agents names as the endpoint of the shop, or null when
 * the site has no profile of a Shopify shop.
 */
export async function findAgentProfile(ask: Ask, origin: string): Promise<URL | null> {
  const profile = await findDocument(ask, `${origin}/.well-known/ucp`, AgentProfile)
  return profile === null ? null : findEndpoint(profile)
}

/** The versions of the profile have it in different places, so all of them are searched. */
function findEndpoint(profile: unknown): URL | null {
  let level: unknown[] = [profile]
  let left = VALUES_MAX
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0 && left > 0; depth++) {
    const values = level.flatMap((value) => Object.values(Object(value))).slice(0, left)
    left -= values.length
    for (const value of values) {
      const url = typeof value === 'string' ? URL.parse(value) : null
      if (url && /^https?:$/.test(url.protocol) && SHOPIFY_ENDPOINT.test(url.pathname)) return url
    }
    level = values.filter((value) => typeof value === 'object')
  }
  return null
}
