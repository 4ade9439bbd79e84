// Writes docs/http.md from the table of routes and from what they take.

import { z } from 'zod'
import { SERVERS, type HttpServer, type Route } from '../src/http/control/routes.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const STATUS = {
  state: 'running',
  source: 'my-shop',
  run: 12,
  startedAt: '2026-11-21T16:17:00.000Z',
  progress: {
    phase: 'apply',
    fetched: 108022,
    applied: 54011,
    total: 108022,
    percent: 50,
    perSecond: 5401.1,
    etaSeconds: 10,
    inserted: 12,
    updated: 340,
    skipped: 53650,
    quarantined: 0,
    held: 9,
    removed: 0,
  },
  errors: [],
  sources: [
    {
      source: 'my-shop',
      connector: 'shopify',
      state: 'active',
      lastRun: {
        run: 12,
        kind: 'full',
        state: 'running',
        startedAt: '2026-11-21T16:17:00.000Z',
        finishedAt: null,
      },
      lastGoodAt: '2026-11-20T16:17:00.000Z',
      dueAt: '2026-11-21T16:17:00.000Z',
      late: false,
      heldRuns: [],
      heldPrices: 0,
      latestCopy: { run: 12, error: null },
      removalsOff: null,
    },
  ],
}

const INTRODUCTION = `# HTTP

\`shelfsync serve\` listens on one port for each of its roles. Work never runs inside a request: it is ordered, and the answer says where to look.
This page is written by \`scripts/write-http-docs.ts\` from \`src/http/control/routes.ts\`.

\`\`\`sh
curl --fail-with-body -X POST http://localhost:3003/sync -H "X-ADMIN-KEY: $ADMIN_KEY"
curl --fail-with-body http://localhost:3003/status -H "X-ADMIN-KEY: $ADMIN_KEY" | jq .progress
curl --fail-with-body -X POST http://localhost:3003/sync -H "X-ADMIN-KEY: $ADMIN_KEY" \\
  -H 'Content-Type: application/json' -d '{"source":"my-shop","mode":"full"}'
\`\`\`

## What all have in common

- **The key.** \`ADMIN_KEY\`, in the header \`X-ADMIN-KEY\` or as a bearer token. A missing key and a wrong one are the same 401. To change it, set
  \`ADMIN_KEY_NEXT\` everywhere, move the callers, then make it \`ADMIN_KEY\`.
- **Failed keys.** The fifth failure of a network (an IPv4 address, an IPv6 /64) brings a ban: every wrong key is then 429 with \`Retry-After\`. The right key still passes, a second later, because others may share its
  network. A ban lasts 30 seconds, and twice as long after each further failure, up to an hour. At a hundred failures a minute from everywhere, every network is
  banned until the minute is over, except those that have shown the key before. Each server of each process counts for itself, and begins anew when it starts.
- **Proxies.** Behind a proxy of your own all callers have its address, until \`TRUST_PROXY\` names it: then they are told apart by the \`X-Forwarded-For\` that it
  sends, read from its end. Behind Fly.io's proxy set \`TRUST_FLY_HEADER\`.
- **Bodies.** JSON of at most 64 KiB, said to be \`application/json\`; none at all is the same as \`{}\`. An unknown field is a mistake: the answer names all of them.
- **Errors.** \`{"error":{"code","message","hint"}}\`, with the status and the hint of [the code](errors.md). An error without a code is a bug.
- **Headers.** Every answer has \`X-Correlation-Id\`, the caller's own if it sent one of letters, digits and \`. : _ -\`; the log lines of the request and the run that it
  starts have it too. Nothing may be cached. Only what never becomes a request (no host in HTTP/1.1, headers beyond 16 KiB, broken framing) is refused without them.
- **Access log.** One line of JSON a request; what went well of \`/healthz\`, \`/metrics\` and \`/status\` only with \`LOG_LEVEL=debug\`.

Every route may answer 400 (\`request/invalid\`), 401 (\`request/unauthorized\`), 404 (\`request/unknown-path\`), 405 (\`request/wrong-method\`, with \`Allow\`), 413
(\`request/too-large\`), 415 (\`request/not-json\`), 429 (\`request/too-many-failures\`), 500 and 503 (\`db/unreachable\`).`

const ORDERED = {
  run: 12,
  runs: [
    { source: 'my-shop', run: 12, started: true },
    {
      source: 'my-shop',
      error: {
        code: 'run/no-artifact',
        message: 'my-shop has no artifact to apply: fetch it first',
      },
    },
  ],
  status: '/runs/12',
}

const ORDERS_SECTION = `## Orders

\`\`\`json
${JSON.stringify(ORDERED, null, 2)}
\`\`\`

- \`run\` is the first run, and \`status\` the path where the orchestrator tells how it goes. \`started\` is false of a run that was under way already; one that was
  only to be fetched is applied too when somebody asks for that meanwhile.
- A run that is under way answers an order when it does what is asked for, or more; one that does something else is in its way: 409 \`run/active\`.
  \`full\` is not answered by a run that asks only for what changed, and a slice (\`offset\`, \`limit\`) only by the same slice; where
  \`artifact\` is named, the run applies that one.
- A source that no run can be started of has an \`error\` in place of it, and keeps no other from its run. Only when there is not one run the whole order is
  refused, with the first error.
- \`full\` and \`fetch-only\` go on with a fetch that was interrupted; what is archived to its end and not applied yet, they fetch anew.
- \`offset\` and \`limit\` choose lines of a whole catalogue. Where the newest artifact is a delta, they are refused (400) unless \`artifact\` names it, or
  an older one; so are lines that the artifact does not have.
- The run is in the database before the answer. While the queue is away, it waits there.`

const STATUS_SECTION = `## Status

\`\`\`json
${JSON.stringify(STATUS, null, 2)}
\`\`\`

- \`state\` is the run's, or \`idle\` before the first one. \`phase\` is \`start\` (nothing is archived yet), \`fetch\`, \`apply\`, \`settle\` or \`done\`; of a run that stopped, where
  it stopped. A run of \`fetch-only\` that did its job is \`fetched\`, and its phase is \`done\`; a run whose worker has been silent for longer than its
  lease is \`interrupted\`, until another worker resumes it. \`inserted\`, \`updated\` and \`skipped\` are the ledger's created, updated and unchanged.
- \`total\` is what the supplier says it has, until all is fetched; then what was. It, \`percent\` and \`etaSeconds\` are null while they are unknown.
- \`perSecond\` is measured over the last half minute when somebody watched, else over the whole run.
- \`errors\` says why a run failed, was interrupted, held or rejected: \`{"code","message","hint"}\`.
- \`latestCopy\`: the run whose artifact \`latest.ndjson\` holds, and why the last attempt to write it failed; null without ARTIFACTS_LATEST.
- \`late\`: the run that was due at \`dueAt\` has not succeeded an hour later, or nobody can read the schedule: then \`dueAt\` is null, and \`shelfsync sources set NAME\` sets another.

\`GET /runs/:id\` answers \`run\`, \`source\`, \`kind\`, \`state\`, \`correlationId\`, \`startedAt\`, \`finishedAt\`, \`removalsOff\`, \`progress\` and \`errors\` of one run.`

interface Field {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Field[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: string | number | boolean | null
  readonly description?: string
}

function section([name, { summary, port, setting, routes }]: [string, HttpServer]): string[] {
  const rows = Object.entries(routes).map(([route, { summary: what, needsKey, responses }]) => [
    `\`${route}\``,
    needsKey ? 'yes' : 'no',
    what,
    Object.entries(responses)
      .map(([status, body]) => `${status} ${body}`)
      .join('<br>'),
  ])
  return [
    `## ${name[0]?.toUpperCase()}${name.slice(1)}`,
    '',
    `${summary} Port ${port}, changed by \`${setting}\`.`,
    '',
    ...markdownTable(['route', 'key', '', 'answers'], rows),
    ...Object.entries(routes).flatMap(fieldTables),
  ]
}

function fieldTables([route, { body, query }]: [string, Route]): string[] {
  return [body, query].flatMap((schema) => {
    const fields = Object.entries(
      schema ? (z.toJSONSchema(schema, { io: 'input' }).properties as Record<string, Field>) : {},
    )
    if (fields.length === 0) return []
    const rows = fields.map(([name, field]) => [
      `\`${name}\``,
      typeOf(field),
      field.default === null ? '' : `\`${String(field.default)}\``,
      field.description ?? '',
    ])
    return [
      '',
      `${schema === query ? 'Query' : 'Body'} of \`${route}\`:`,
      '',
      ...markdownTable(['field', 'type', 'default', ''], rows),
    ]
  })
}

/** Null, which only says that the field was left out, is not spelled out. */
function typeOf(field: Field): string {
  const [only = field] = field.anyOf?.filter(({ type }) => type !== 'null') ?? []
  if (only.enum) return only.enum.map((word) => `\`${word}\``).join(', ')
  const from = only.minimum === undefined ? '' : `, from ${only.minimum}`
  const to =
    only.maximum === undefined || only.maximum === Number.MAX_SAFE_INTEGER
      ? ''
      : ` to ${only.maximum}`
  return `${only.type}${from}${to}`
}

const servers: [string, HttpServer][] = Object.entries(SERVERS)
await writeGenerated({
  'docs/http.md': `${[INTRODUCTION, '', ...servers.flatMap((server) => [...section(server), '']), ORDERS_SECTION, '', STATUS_SECTION].join('\n')}\n`,
})
