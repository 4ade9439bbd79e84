// The routes of the read API, as its page shows them.

import type { z } from 'zod'
import { CATALOGUE_ROUTES, type CatalogueRoute } from '../../catalogue/routes.ts'

export interface ApiRoute extends Omit<CatalogueRoute, 'path'> {
  /** With parameters as `:name`. */
  readonly path: string
  readonly pathSchema: z.ZodType | undefined
}

export const ROUTES: readonly ApiRoute[] = Object.entries<CatalogueRoute>(CATALOGUE_ROUTES).map(
  ([name, route]) => ({ ...route, path: name.slice('GET '.length), pathSchema: route.path }),
)
