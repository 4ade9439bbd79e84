// The place of a fetch of the public lists, as its cursor stores it.

import { z } from 'zod'

/**
 * `list`: the list of the shop, page by page. `again`: its first pages once more, for products that
 * moved there. `end`: nothing more. `collections`: the lists of the collections. `proof`: only the
 * shop's count.
 */
export const Place = z.object({
  stage: z.enum(['list', 'again', 'end', 'collections', 'proof']).default('list'),
  /** The page to request next. */
  page: z.int().positive(),
  /** Number of products that were read. */
  listed: z.int().nonnegative(),
  /** The ids on the last of these pages. */
  ids: z.array(z.string()).default([]),
  /** All ids, as `SeenIds` logs them. */
  seen: z.string().default(''),
  /** Number of products that a page repeated, because others came before them meanwhile. */
  pushed: z.int().nonnegative().default(0),
  /** The collection that is being read, in the stage `collections`. */
  collection: z.string().nullable().default(null),
  /** Number of requests for collections. */
  requests: z.int().nonnegative().default(0),
})
export type Place = z.infer<typeof Place>
