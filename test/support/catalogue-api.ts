// The read API on a test database, and a check of each response against the OpenAPI document.

import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Db } from '../../src/db/pool.ts'
import { addCatalogueRoutes, type CatalogueOptions } from '../../src/http/catalogue/add-routes.ts'
import { describeApi } from '../../src/http/catalogue/openapi.ts'
import { createMetricsApp } from '../../src/http/control/servers.ts'
import { createKeyRedactor } from '../../src/telemetry/redact.ts'
import type { Lifetime } from './database.ts'
import { startServer, type TestServer } from './http-server.ts'

export const SECRET = 'planted-secret-0f8c1f0c9a7b4f5e'

type CatalogueLimits = Partial<Pick<CatalogueOptions, 'stopping' | 'waitsMax'>>

/** Serves the read API without a key: its guard is that of the web server. */
export function serveCatalogue(
  t: Lifetime,
  db: Db,
  { stopping = new AbortController().signal, waitsMax }: CatalogueLimits = {},
): Promise<TestServer> {
  return startServer(t, (options) => {
    const app = createMetricsApp(options)
    addCatalogueRoutes(app, {
      db,
      guard: (_, next) => next(),
      redactKeys: createKeyRedactor([SECRET]),
      stopping,
      ...(waitsMax === undefined ? {} : { waitsMax }),
      orchestratorUrl: 'http://127.0.0.1:3003',
    })
    return app
  })
}

interface Described {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get?: {
          readonly responses: Readonly<
            Record<
              string,
              { readonly content?: Readonly<Record<string, { readonly schema: object }>> }
            >
          >
        }
      }
    >
  >
}

/**
 * Returns a check that a response is what the document says of the route, and has no member that it
 * does not name.
 */
export function createResponseCheck(): (route: string, response: Response) => Promise<unknown> {
  const document = closeObjects(describeApi('http://127.0.0.1:3003')) as Described
  const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }))
  ajv.addSchema({ $id: 'api', ...document })
  const checks = new Map<string, ValidateFunction>()
  return async (route, response) => {
    const path = route.replaceAll(/:(\w+)/g, '{$1}')
    const described = document.paths[path]?.get?.responses[String(response.status)]
    assert.ok(described, `${route} does not describe ${response.status}`)
    const text = await response.text()
    if (!described.content?.['application/json']) return text
    const pointer = ['paths', path, 'get', 'responses', String(response.status)]
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    const reference = `api#/${pointer}/content/application~1json/schema`
    const check = checks.get(reference) ?? ajv.compile({ $ref: reference })
    checks.set(reference, check)
    const body: unknown = JSON.parse(text)
    assert.ok(check(body), `${route}: ${ajv.errorsText(check.errors)}`)
    return body
  }
}

function closeObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closeObjects)
  if (typeof value !== 'object' || value === null) return value
  const closed = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, closeObjects(member)]),
  )
  const isObject = closed['type'] === 'object' && closed['additionalProperties'] === undefined
  return isObject && closed['properties'] !== undefined
    ? { ...closed, additionalProperties: false }
    : closed
}
