// Writes docs/api.md from the table of routes of the read API and its schemas.

import type { z } from 'zod'
import { ERRORS } from '../src/core/error-table.ts'
import { listFields, nameResult, type Field } from '../src/http/catalogue/fields.ts'
import { CATALOGUE_ROUTES, type CatalogueRoute } from '../src/http/catalogue/routes.ts'
import { OBJECTS } from '../src/http/catalogue/schemas.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const INTRODUCTION = `# Read API

The web server returns the catalogue as JSON under \`/api/v1\`, on port 3000; change it with \`WEB_PORT\`. All routes only read.
\`scripts/write-api-docs.ts\` writes this page from \`src/http/catalogue/routes.ts\`. The same description as OpenAPI 3.1 is at
\`/api/v1/openapi.json\`. The page \`/api\` of the dashboard shows every route with a form that tries it.

## First calls

\`\`\`sh
read_api() { curl --silent --show-error --fail-with-body --compressed -H "X-ADMIN-KEY: $READ_KEY" "http://localhost:3000/api/v1/$1"; }
read_api 'products?q=9312345678907'                    # a product by its GTIN, SKU, id or words, with variants and prices
read_api 'prices?source=my-shop&limit=200'             # current prices; price-history has all of them
read_api 'changes?source=my-shop&kind=repriced'        # what has changed, from the oldest change on
read_api 'sources'                                     # is every source up to date, and what waits for a person?
read_api 'export/products.csv' > products.csv          # everything, as one file
\`\`\`

## Rules

- **Keys.** Send the value of \`READ_KEY\`, or of \`ADMIN_KEY\`, in the header \`X-ADMIN-KEY\` or as a bearer token. A \`SYNC_KEY\` gets 403.
- **Pages.** A list returns \`{"items","next"}\`. Pass \`next\` as \`after\` to get the next page; it is null on the last one. A page may have
  fewer items than \`limit\`, and stays complete while other rows are written.
- **Changes.** [The change feed](change-feed.md) has no end: \`next\` is always a cursor, and \`more\` is false when nothing follows yet.
- **Caching.** A response has an \`ETag\` of its content. Send it as \`If-None-Match\`: the response is 304 without a body while nothing
  has changed. The tag is weak, because a compressed response has the same one.
- **Amounts.** \`amountMinor\` is in the minor unit of the currency: 1250 EUR is 12.50. It is null above 2^53 - 1; \`amount\` has every digit.
- **Licences.** Content whose licence has ended is in no response.
- **Errors.** \`{"error":{"code","message","hint"}}\`, as [http.md](http.md#errors) describes. In addition to the codes of a route, every route may
  return \`request/invalid\`, \`request/unauthorized\`, \`request/forbidden\`, \`request/too-many-failures\` and \`db/unreachable\`.
- **Exports.** An export is one snapshot of the database, streamed at the speed of its reader. Two may run at once in a process. In CSV,
  text that a spreadsheet would execute begins with an apostrophe. If the connection ends early, the export is not complete.`

function formatRoute([route, details]: [string, CatalogueRoute]): string[] {
  const { summary, path, query, result, errors } = details
  const returns = typeof result === 'string' ? result : `\`${nameResult(result)}\``
  const parameters = [...(path ? listFields(path) : []), ...listFields(query)]
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
            parameters.map((field) => [
              `\`${field.name}\``,
              formatType(field),
              field.default === null ? '' : `\`${field.default}\``,
              field.description,
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
      listFields(schema).map((field) => [
        `\`${field.name}\``,
        formatType(field),
        field.description,
      ]),
    ),
  ]
}

function formatType({ type, options, object, mayBeNull }: Field): string {
  const words = options.map((word) => `\`${word}\``).join(', ')
  const name =
    object === null ? type : type.replace(object, `[${object}](#${object.toLowerCase()})`)
  return `${words || name}${mayBeNull ? ' or null' : ''}`
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
