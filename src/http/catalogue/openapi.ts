// The OpenAPI document: the routes of the read API, and those of the orchestrator at its own
// address.

import { VERSION } from '../../core/version.ts'
import { SERVERS, type Route } from '../control/routes.ts'
import {
  createOpenApi,
  describeErrors,
  type ApiOperation,
  type ApiResponse,
} from '../server/openapi.ts'
import { CATALOGUE_ROUTES, type CatalogueRoute } from './routes.ts'
import { Failure, OBJECTS } from './schemas.ts'

const EVERY_ROUTE = [
  'request/invalid',
  'request/unauthorized',
  'request/forbidden',
  'request/too-many-failures',
  'db/unreachable',
] as const

const DESCRIPTION =
  'Reads the catalogue: products, variants, prices, changes, sources and runs. Amounts are integers in the ' +
  'minor unit of their currency, and decimals as text. Lists continue with `after`.'

/** Builds the document. `orchestratorUrl`: the address of the routes that start runs. */
export function describeApi(orchestratorUrl: string) {
  return createOpenApi({
    title: 'Shelfsync',
    version: VERSION,
    description: DESCRIPTION,
    operations: [
      ...Object.entries<CatalogueRoute>(CATALOGUE_ROUTES).map(toOperation),
      ...Object.entries<Route>(SERVERS.orchestrator.routes).map((route) =>
        toControlOperation(route, orchestratorUrl),
      ),
    ],
    objects: OBJECTS,
  })
}

function toOperation([route, details]: readonly [string, CatalogueRoute]): ApiOperation {
  const { group, summary, path: pathSchema, query, result, errors } = details
  const isDocument = typeof result !== 'string'
  return {
    method: 'get',
    path: route.slice('GET '.length),
    group,
    summary,
    pathSchema,
    query,
    needsKey: true,
    responses: [
      {
        status: 200,
        description: isDocument ? 'The object or the page.' : 'The export.',
        content: result,
        headers: isDocument
          ? { ETag: 'Send it as `If-None-Match` to get 304 while nothing changes.' }
          : {},
      },
      ...(isDocument ? [{ status: 304, description: 'Not changed since the ETag.' }] : []),
      ...describeErrors([...EVERY_ROUTE, ...errors], Failure),
    ],
  }
}

/** The responses of these routes are described in docs/http.md, not by schemas. */
function toControlOperation(
  [route, { summary, needsKey, body, query, responses }]: readonly [string, Route],
  server: string,
): ApiOperation {
  const [method, path = ''] = route.split(' ')
  return {
    method: method === 'POST' ? 'post' : 'get',
    path,
    group: 'Orchestrator',
    summary,
    query,
    body,
    needsKey,
    server,
    responses: Object.entries(responses).map(([status, description]): ApiResponse => ({
      status: Number(status),
      description,
      ...(Number(status) >= 400 && { content: Failure }),
    })),
  }
}
