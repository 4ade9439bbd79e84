// Writes docs/api.md from the table of routes of the read API and its schemas.

import { z } from 'zod'
import { ERRORS } from '../src/core/error-table.ts'
import { CATALOGUE_ROUTES, type CatalogueRoute } from '../src/http/catalogue/routes.ts'
import { OBJECTS } from '../src/http/catalogue/schemas.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const INTRODUCTION = `# Read API

The web server returns the catalogue as JSON under \`/api/v1\`, on port 3000; change it with \`WEB_PORT\`. All routes only read.
\`scripts/write-api-docs.ts\` writes this page from \`src/http/catalogue/routes.ts\`. The same description as OpenAPI 3.1 is at
\`/api/v1/openapi.json\`.

\`\`\`sh
curl --fail-with-body --compressed 'http://localhost:3000/api/v1/products?limit=2' -H "X-ADMIN-KEY: $READ_KEY"
curl --fail-with-body 'http://localhost:3000/api/v1/products?q=9312345678907' -H "X-ADMIN-KEY: $READ_KEY"
curl --fail-with-body http://localhost:3000/api/v1/export/products.csv -H "X-ADMIN-KEY: $READ_KEY" -o products.csv
\`\`\`

- **Keys.** Send the value of \`READ_KEY\`, or of \`ADMIN_KEY\`, in the header \`X-ADMIN-KEY\` or as a bearer token. A \`SYNC_KEY\` gets 403.
- **Pages.** A list returns \`{"items","next"}\`. Pass \`next\` as \`after\` to get the next page; it is null on the last one. A page may have
  fewer items than \`limit\`, and stays complete while other rows are written.
- **Caching.** A response has an \`ETag\` of its content. Send it as \`If-None-Match\`: the response is 304 without a body while nothing
  has changed. The tag is weak, because a compressed response has the same one.
- **Amounts.** \`amountMinor\` is in the minor unit of the currency: 1250 EUR is 12.50. It is null above 2^53 - 1; \`amount\` has every digit.
- **Licences.** Content whose licence has ended is in no response.
- **Errors.** \`{"error":{"code","message","hint"}}\`, as [http.md](http.md#errors) describes. In addition to the codes of a route, every route may
  return \`request/invalid\`, \`request/unauthorized\`, \`request/forbidden\`, \`request/too-many-failures\` and \`db/unreachable\`.
- **Exports.** An export is one snapshot of the database, streamed at the speed of its reader. Two may run at once in a process. In CSV,
  text that a spreadsheet would execute begins with an apostrophe. If the connection ends early, the export is not complete.`

interface Field {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Field[]
  readonly $ref?: string
  readonly items?: Field
  readonly minimum?: number
  readonly maximum?: number
  readonly format?: string
  readonly default?: string | number | boolean | null
  readonly description?: string
}

function formatRoute([route, details]: [string, CatalogueRoute]): string[] {
  const { summary, query, result, errors } = details
  const returns =
    typeof result === 'string' ? result : `\`${nameOf(result) ?? listedIn(result) ?? 'JSON'}\``
  const parameters = Object.entries(readFields(query))
  return [
    '',
    `### ${route}`,
    '',
    `${summary} Returns ${returns}.`,
    ...(parameters.length === 0
      ? []
      : [
          '',
          ...formatTable(
            ['parameter', 'type', 'default', 'description'],
            parameters.map(([name, field]) => [
              `\`${name}\``,
              formatType(field),
              field.default == null ? '' : `\`${String(field.default)}\``,
              field.description ?? '',
            ]),
          ),
        ]),
    ...(errors.length === 0
      ? []
      : [
          '',
          `Errors: ${errors.map((code) => `\`${code}\` (${ERRORS[code].status})`).join(', ')}.`,
        ]),
  ]
}

function formatObject([name, schema]: [string, z.ZodType]): string[] {
  return [
    '',
    `### ${name}`,
    '',
    ...formatTable(
      ['member', 'type', 'description'],
      Object.entries(readFields(schema)).map(([member, field]) => [
        `\`${member}\``,
        formatType(field),
        field.description ?? '',
      ]),
    ),
  ]
}

function readFields(schema: z.ZodType): Readonly<Record<string, Field>> {
  const all = z.registry<{ id: string }>()
  for (const [id, one] of Object.entries(OBJECTS)) if (one !== schema) all.add(one, { id })
  all.add(schema, { id: 'this' })
  const { schemas } = z.toJSONSchema(all, { io: 'input', uri: (id) => id, unrepresentable: 'any' })
  return (schemas['this']?.properties ?? {}) as Record<string, Field>
}

function formatType(field: Field): string {
  const options = field.anyOf?.filter(({ type }) => type !== 'null') ?? []
  const [only = field] = options
  if (only.$ref !== undefined) return `[${only.$ref}](#${only.$ref.toLowerCase()})`
  if (only.type === 'array' && only.items) return `list of ${formatType(only.items)}`
  if (only.enum) return only.enum.map((word) => `\`${word}\``).join(', ')
  const from = only.minimum === undefined ? '' : `, from ${only.minimum}`
  const isBounded = only.maximum !== undefined && only.maximum < Number.MAX_SAFE_INTEGER
  const to = isBounded ? ` to ${only.maximum}` : ''
  if (only.format === 'date-time') return 'instant'
  const known = (only.minimum ?? 0) < 0 ? '' : from
  return `${only.type ?? 'any'}${known}${to}`
}

function nameOf(schema: z.ZodType): string | undefined {
  return Object.entries(OBJECTS).find(([, one]) => one === schema)?.[0]
}

/** The name of the items of a page. */
function listedIn(schema: z.ZodType): string | undefined {
  const { $ref } = readFields(schema)['items']?.items ?? {}
  return $ref === undefined ? undefined : `{"items":[${$ref}],"next"}`
}

const routes = Object.entries<CatalogueRoute>(CATALOGUE_ROUTES)
const groups = [...new Set(routes.map(([, { group }]) => group))]
const lines = [
  INTRODUCTION,
  ...groups.flatMap((group) => [
    '',
    `## ${group}`,
    ...routes.filter(([, route]) => route.group === group).flatMap(formatRoute),
  ]),
  '',
  '## Objects',
  ...Object.entries(OBJECTS).flatMap(formatObject),
]
await writeGenerated({ 'docs/api.md': `${lines.join('\n')}\n` })
