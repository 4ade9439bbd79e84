// Builds an OpenAPI 3.1 document from tables of routes and their zod schemas. A generator of this
// size replaces @hono/zod-openapi, which would define each route beside its handler: the tables
// also generate the documentation and the page that tries the routes.

import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../../core/error-table.ts'

export interface ApiOperation {
  readonly method: 'get' | 'post'
  /** With parameters as `:name`. */
  readonly path: string
  readonly group: string
  readonly summary: string
  readonly pathSchema?: z.ZodType | undefined
  readonly query?: z.ZodType | undefined
  readonly body?: z.ZodType | undefined
  readonly responses: readonly ApiResponse[]
  /** The address of another server than that of the document. */
  readonly server?: string
  readonly needsKey: boolean
}

export interface ApiResponse {
  readonly status: number
  readonly description: string
  /** The schema of the JSON, or the media type of other content. */
  readonly content?: z.ZodType | string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApiDescription {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly operations: readonly ApiOperation[]
  /** The named schemas. */
  readonly objects: Readonly<Record<string, z.ZodType>>
}

type JsonSchema = Readonly<Record<string, unknown>>

/** The schema of the parameters of a request. */
interface InputSchema extends JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
}

/** @throws Error if two operations have the same method and path */
export function createOpenApi({
  title,
  version,
  description,
  operations,
  objects,
}: ApiDescription) {
  const results = createResults(objects, operations)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    const methods = (paths[path] ??= {})
    if (operation.method in methods) throw new Error(`${path} is described twice`)
    methods[operation.method] = describeOperation(operation, results)
  }
  return {
    openapi: '3.1.0',
    info: { title, version, description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    security: [{ header: [] }, { bearer: [] }],
    tags: [...new Set(operations.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(results.named),
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'X-ADMIN-KEY' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  }
}

interface Results {
  readonly named: readonly (readonly [string, JsonSchema])[]
  readonly schemaOf: (content: z.ZodType) => JsonSchema
}

const toReference = (id: string): string => `#/components/schemas/${id}`

/**
 * Describes all schemas of responses at once, so that a named one is a reference inside the others.
 */
function createResults(
  objects: ApiDescription['objects'],
  operations: readonly ApiOperation[],
): Results {
  const all = z.registry<{ id: string }>()
  const names = new Map<z.ZodType, string>()
  const contents = operations.flatMap(({ responses }) =>
    responses.flatMap(({ content }) => (content instanceof z.ZodType ? [content] : [])),
  )
  const add = (schema: z.ZodType, id: string): void => {
    names.set(schema, id)
    all.add(schema, { id })
  }
  for (const [id, schema] of Object.entries(objects)) add(schema, id)
  for (const content of contents) if (!names.has(content)) add(content, `result ${names.size}`)
  const { schemas } = z.toJSONSchema(all, { io: 'output', uri: toReference, override: open })
  const bare = new Map(
    Object.entries(schemas).map(([id, { $id: _, $schema: __, ...schema }]) => [id, schema]),
  )
  return {
    named: [...bare].filter(([id]) => id in objects),
    schemaOf(content) {
      const id = names.get(content) ?? ''
      return id in objects ? { $ref: toReference(id) } : (bare.get(id) ?? {})
    },
  }
}

/** A later version may add members to an object. */
function open({ jsonSchema }: { readonly jsonSchema: { additionalProperties?: unknown } }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
}

function describeOperation(operation: ApiOperation, results: Results) {
  const { method, path, group, summary, body, needsKey, server, responses } = operation
  return {
    operationId: toOperationId(method, path),
    tags: [group],
    summary,
    ...(needsKey ? {} : { security: [] }),
    ...(server === undefined ? {} : { servers: [{ url: server }] }),
    parameters: [...listPathParameters(operation), ...listQueryParameters(operation)],
    ...(body && { requestBody: { content: { 'application/json': { schema: toInput(body) } } } }),
    responses: Object.fromEntries(
      responses.map((response) => [String(response.status), describeResponse(response, results)]),
    ),
  }
}

/** `get /api/v1/runs/:id` → `getRunsId`. */
function toOperationId(method: string, path: string): string {
  const words = path.replace('/api/v1/', '').split(/[^a-zA-Z0-9]+/)
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}

function describeResponse({ description, content, headers = {} }: ApiResponse, results: Results) {
  const described = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(described.length > 0 && { headers: Object.fromEntries(described) }),
    ...(content !== undefined && { content: describeContent(content, results) }),
  }
}

function describeContent(content: z.ZodType | string, { schemaOf }: Results) {
  if (typeof content !== 'string') return { 'application/json': { schema: schemaOf(content) } }
  const [type = content] = content.split(';')
  return { [type]: { schema: { type: 'string' } } }
}

function listPathParameters({ path, pathSchema }: ApiOperation) {
  const known = pathSchema === undefined ? {} : (toInput(pathSchema).properties ?? {})
  return Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) =>
    describeParameter(name, known[name] ?? { type: 'string' }, { in: 'path', required: true }),
  )
}

/** A parameter with a default may be omitted. */
function listQueryParameters({ query }: ApiOperation) {
  const { properties = {}, required = [] } = query === undefined ? {} : toInput(query)
  return Object.entries(properties).map(([name, schema]) =>
    describeParameter(name, schema, { in: 'query', required: required.includes(name) }),
  )
}

function describeParameter(
  name: string,
  { description, ...schema }: JsonSchema,
  place: { readonly in: 'path' | 'query'; readonly required: boolean },
) {
  return { name, ...place, ...(description !== undefined && { description }), schema }
}

/** The errors with these codes, by status: every error has the same form. */
export function describeErrors(codes: readonly ErrorCode[], failure: z.ZodType): ApiResponse[] {
  const statuses = new Set(codes.map((code) => ERRORS[code].status))
  return Array.from(statuses, (status) => {
    const own = codes.filter((code) => ERRORS[code].status === status)
    return { status, description: own.map((code) => `\`${code}\``).join(' · '), content: failure }
  })
}

function toInput(schema: z.ZodType): InputSchema {
  const { $schema: _, ...found } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return found as InputSchema
}
