// The page of the read API: every route with its parameters, and a form that tries it with the
// session of the person. Without a script, a form is a GET of this page, which redirects to the API.

import { z } from 'zod'
import { OBJECTS } from '../../catalogue/schemas.ts'
import { toApiAddress } from '../api/address.ts'
import { object, operation } from '../api/operation.ts'
import { ROUTES } from '../api/routes.ts'
import { html, type Html } from '../html.ts'
import { definePage } from '../page.ts'
import { disclosure, pageHeading, panel } from '../parts/blocks.ts'
import { icon } from '../parts/icons.ts'

/** The fields of a form, with the path of its route. */
const Tried = z
  .object({ route: z.enum(ROUTES.map(({ path }) => path)).optional() })
  .catchall(z.union([z.string(), z.array(z.string())]))

export const apiPage = createApiPage()

function createApiPage() {
  // Made on the first request, and again only for another address: the schemas take some milliseconds.
  let shown: { readonly origin: string; readonly main: Html } | null = null
  return definePage({
    path: '/api',
    query: Tried,
    render({ query: { route, ...fields }, services: { settings }, request }) {
      if (route !== undefined)
        return new Response(null, {
          status: 303,
          headers: { Location: toApiAddress(route, fields) },
        })
      const origin = settings.webUrl ?? new URL(request.url).origin
      if (shown?.origin !== origin) shown = { origin, main: showRoutes(origin) }
      return { title: 'API', main: shown.main, assets: ['api.css', 'api.js'] }
    },
  })
}

function showRoutes(origin: string): Html {
  const groups = [...new Set(ROUTES.map(({ group }) => group))]
  return html`${pageHeading({
    title: 'API',
    about: html`Reads the catalogue as JSON under <code>/api/v1</code>. The forms send your session;
      a program sends <code>READ_KEY</code>.`,
    actions: html`<a class="quiet-button" href="/api/v1/openapi.json" download="openapi.json"
      >${icon('download')}openapi.json</a
    >`,
  })}
  ${groups.map((group) =>
    panel(
      { title: group, id: group.toLowerCase() },
      ROUTES.filter((route) => route.group === group).map((route) => operation(route, origin)),
    ),
  )}
  ${panel(
    { title: 'Objects', id: 'objects' },
    Object.entries(OBJECTS).map(([name, schema]) =>
      disclosure(html`<code id="${name}">${name}</code>`, object(name, schema)),
    ),
  )}`
}
