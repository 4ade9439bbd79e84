// Writes docs/http.md from the table of routes, the request schemas and the objects of the API.

import { z } from 'zod'
import { SERVERS, type HttpServer, type Route } from '../src/http/control/routes.ts'
import { formatTable, writeGenerated } from './support/generated.ts'
import { IMPORTED, OBJECTS, REQUESTED_RUNS, type ApiObject } from './support/http-objects.ts'

const INTRODUCTION = `# HTTP API

\`shelfsync serve\` starts one HTTP server for each role of the process. The API accepts and returns JSON. A request never does
the work itself: it starts a run, and the response contains the path at which you can watch the run.
\`scripts/write-http-docs.ts\` writes this page from \`src/http/control/routes.ts\`.

\`\`\`sh
curl --fail-with-body -X POST http://localhost:3003/sync -H "X-ADMIN-KEY: $ADMIN_KEY"
curl --fail-with-body http://localhost:3003/status -H "X-ADMIN-KEY: $ADMIN_KEY" | jq .progress
curl --fail-with-body -X POST http://localhost:3003/sync -H "X-ADMIN-KEY: $ADMIN_KEY" \\
  -H 'Content-Type: application/json' -d '{"source":"my-shop","mode":"full"}'
\`\`\`

## Authentication

Send the value of \`ADMIN_KEY\` in the header \`X-ADMIN-KEY\`, or as a bearer token. A request with a missing or wrong key gets
401. To rotate the key, set \`ADMIN_KEY_NEXT\` on every process, switch the callers to it, and then make it \`ADMIN_KEY\`.

A caller that only starts runs and watches them, such as a cron service, needs no more than the value of \`SYNC_KEY\`, sent in the
same way. It is accepted by ${listSyncRoutes()}. All other routes that need a key respond 403 to it.

A network (an IPv4 address, or an IPv6 /64) is banned at its fifth wrong key. While it is banned, a wrong key gets 429 with
\`Retry-After\`; the right key is accepted after a delay of one second, because callers may share the network. The first ban
lasts 30 seconds. Each further failure doubles it, up to one hour. At 100 failures per minute in total, every network that has
not sent the right key before is banned until the minute ends. Each server counts for itself and resets when it restarts.

Behind your own proxy, set \`TRUST_PROXY\` to its network. Callers are then identified by \`X-Forwarded-For\`, read from its end.
Behind Fly.io's proxy, set \`TRUST_FLY_HEADER\`. Without these settings, all callers share the address of the proxy.

## Requests

Send parameters as JSON, with the header \`Content-Type: application/json\` and at most 64 KiB. An empty body is the same as
\`{}\`. An unknown parameter is an error; the response names every problem at once.

Every response has the header \`X-Correlation-Id\`. Send your own id to use it: 1 to 64 letters, digits and \`. : _ -\`. The log
lines of the request and of the run that it starts contain the id. Responses must not be cached. Input that is not a valid
HTTP request (no host in HTTP/1.1, more than 16 KiB of headers) is refused without these headers.

Each request writes one line of JSON to the access log. Successful requests to \`/healthz\`, \`/metrics\` and \`/status\` are
logged only at \`LOG_LEVEL=debug\`.

## Errors

An error response contains \`{"error":{"code","message","hint"}}\`. [errors.md](errors.md) lists the codes with their status and hint. An error
without a code is a bug. In addition to the errors of each route, every route may return:

| status | code |
| --- | --- |
| 400 | \`request/invalid\` |
| 401 | \`request/unauthorized\` |
| 403 | \`request/forbidden\`: a \`SYNC_KEY\` is not enough |
| 404 | \`request/unknown-path\` |
| 405 | \`request/wrong-method\`, with the header \`Allow\` |
| 413 | \`request/too-large\` |
| 415 | \`request/not-json\` |
| 429 | \`request/too-many-failures\`, with the header \`Retry-After\` |
| 500 | none: \`code\` is null |
| 503 | \`db/unreachable\` |

## Pagination

A list takes \`limit\` and \`after\`, and returns \`{"items","next"}\`. Pass \`next\` as \`after\` to get the next page; it is null on the
last page. Treat it as opaque. A page stays the same while new items are added.`

const REQUESTED_SECTION = `## Requested runs

\`\`\`json
${JSON.stringify(REQUESTED_RUNS, null, 2)}
\`\`\`

| attribute | description |
| --- | --- |
| \`run\` | Number of the first run. |
| \`runs[].started\` | False if the run was already active. |
| \`runs[].error\` | Why no run of this source could be started. The other sources are not affected. |
| \`status\` | Path of the first run on the orchestrator. |

- Repeating a request returns the same run. An active run satisfies a request for the same or less work. A request for other
  work on the same source gets 409 \`run/active\`. \`full\` is not satisfied by an incremental run. A request with \`offset\` or
  \`limit\` is satisfied only by a run with the same ones, and a request with \`artifact\` only by a run of that artifact.
- An active \`fetch-only\` run is also applied if a later request includes applying.
- A run with \`keys\` runs beside any other run of the source, and satisfies only requests with the same keys.
- If no run could be started at all, the response is the error of the first source.
- \`full\` and \`fetch-only\` resume an interrupted fetch. They fetch again if the archived data is complete but not applied.
- \`offset\` and \`limit\` select lines of a complete catalogue. If the newest artifact is incremental, or does not have these
  lines, the request gets 400 unless \`artifact\` names another run.
- The run is stored in the database before the response is sent. If the queue is unavailable, the run starts when it returns.`

const IMPORTS_SECTION = `
## Imports

\`\`\`sh
curl --fail-with-body -X POST 'http://localhost:3003/import?wait=20' -H "X-ADMIN-KEY: $ADMIN_KEY" \\
  -H 'Content-Type: application/json' -d '{"asin":"B08DQQ8CBP","marketplace":"www.amazon.com"}'
\`\`\`

One result of \`imports\`:

\`\`\`json
${JSON.stringify(IMPORTED, null, 2)}
\`\`\`

| attribute | description |
| --- | --- |
| \`productId\` | Id of the product in \`api.products\`; null if the catalogue does not have it. |
| \`externalId\` | The id that the supplier gives the product. |
| \`asin\`, \`marketplace\` | For Amazon; null for any other connector. |
| \`state\` | \`created\`, \`updated\`, \`unchanged\` or \`failed\`. |
| \`imported\` | Columns of \`api.amazon_products\` for which the supplier has stated a value. |
| \`missing\` | The other columns. Both lists are empty for a product that failed. |
| \`error\` | Only with \`failed\`: \`code\` and \`message\`, such as \`source/no-product\` with the reason that Amazon gives. |`

interface Field {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Field[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: string | number | boolean | null
  readonly description?: string
}

/** The routes that accept a SYNC_KEY, each once. */
function listSyncRoutes(): string {
  const routes = Object.values<HttpServer>(SERVERS).flatMap((server) =>
    Object.entries<Route>(server.routes).filter(([, { allowsSyncKey }]) => allowsSyncKey),
  )
  const names = [...new Set(routes.map(([route]) => `\`${route}\``))]
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function formatServer([name, { summary, port, setting, routes }]: [string, HttpServer]): string[] {
  return [
    `## ${name[0]?.toUpperCase()}${name.slice(1)}`,
    '',
    `${summary} Default port ${port}; change it with \`${setting}\`.`,
    ...Object.entries(routes).flatMap(formatRoute),
  ]
}

function formatRoute([route, details]: [string, Route]): string[] {
  const { summary, needsKey, body, query, responses } = details
  const rows = Object.entries(responses).map(([status, text]) => [status, text])
  return [
    '',
    `### ${route}`,
    '',
    `${summary}${needsKey ? '' : ' Needs no key.'}`,
    ...formatParameters(body),
    ...formatParameters(query, body === undefined ? 'parameter' : 'parameter of the query'),
    '',
    ...formatTable(['status', 'response'], rows),
  ]
}

function formatParameters(schema: z.ZodType | undefined, heading = 'parameter'): string[] {
  const fields = Object.entries(
    schema ? (z.toJSONSchema(schema, { io: 'input' }).properties as Record<string, Field>) : {},
  )
  if (fields.length === 0) return []
  const rows = fields.map(([name, field]) => [
    `\`${name}\``,
    formatType(field),
    field.default == null ? '' : `\`${String(field.default)}\``,
    field.description ?? '',
  ])
  return ['', ...formatTable([heading, 'type', 'default', 'description'], rows)]
}

/** Omits null, which only means that the parameter may be omitted. */
function formatType(field: Field): string {
  const [only = field] = field.anyOf?.filter(({ type }) => type !== 'null') ?? []
  if (only.enum) return only.enum.map((word) => `\`${word}\``).join(', ')
  const from = only.minimum === undefined ? '' : `, from ${only.minimum}`
  const to =
    only.maximum === undefined || only.maximum === Number.MAX_SAFE_INTEGER
      ? ''
      : ` to ${only.maximum}`
  return `${only.type}${from}${to}`
}

function formatObject({ name, introduction, example, attributes }: ApiObject): string[] {
  return [
    '',
    `## ${name}`,
    '',
    introduction,
    '',
    '```json',
    JSON.stringify(example, null, 2),
    '```',
    ...attributes.flatMap(({ of, members }) => [
      '',
      ...formatTable(
        ['attribute', 'description'],
        Object.entries(members).map(([member, text]) => [
          `\`${of === null ? '' : `${of}.`}${member}\``,
          text,
        ]),
      ),
    ]),
  ]
}

const servers: [string, HttpServer][] = Object.entries(SERVERS)
const lines = [
  INTRODUCTION,
  '',
  ...servers.flatMap((server) => [...formatServer(server), '']),
  REQUESTED_SECTION,
  IMPORTS_SECTION,
  ...OBJECTS.flatMap(formatObject),
]
await writeGenerated({ 'docs/http.md': `${lines.join('\n')}\n` })
