// Secrets are planted in every secret setting, in what a supplier sends and in texts that are already
// stored. Then everything that the services serve, send and log is read: every page by every link, the
// API, the tools for agents, exports, metrics, messages to Slack and Sentry, and the log.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import pg from 'pg'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { CATALOGUE_ROUTES } from '../../src/http/catalogue/routes.ts'
import { listSpellings } from '../../src/lib/secret-spellings.ts'
import { stockShelves, type Shelves } from '../support/shelves.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openFleet, type Fleet, type Machine } from './fleet.ts'

const KEYS = {
  ADMIN_KEY: 'pl4nted-Adm1n-K3y-<7&x">',
  READ_KEY: 'pl4nted-R3ad-K3y-0123-qZ',
  SYNC_KEY: 'pl4nted-Sync-K3y-0123-wY',
}
const SUPPLIER = { id: 'pl4nted-1d-77', secret: 'pl4nted-Suppl1er/&"s3cret' }
const PASSWORD = 'pl4nted/D4tabase&pw<9'
const HOOK = 'T0PL4NTED/B0/h00k-S3cretXyz'
const DSN_KEY = 'pl4nted0123456789abcdef01234567'
const SETTINGS = {
  S3_ACCESS_KEY_ID: 'PL4NTEDS3KEYID0123',
  S3_SECRET_ACCESS_KEY: 'pl4nted+S3/S3cret0123456789',
  IMAGEKIT_PRIVATE_KEY: 'private_pl4ntedImageK1t0123',
  LLM_KEY: 'sk-pl4nted-Mod3l-0123456789',
  SUPABASE_SECRET_KEY: 'sb_secret_pl4nted0123456789',
}
const SECRETS = [
  ...Object.values(KEYS),
  ...Object.values(SETTINGS),
  SUPPLIER.secret,
  PASSWORD,
  HOOK,
  DSN_KEY,
]
/** Not of the settings: a supplier's, which only their shape gives away. */
const SIGNED = 'pl4ntedSignature0123456789'
const QUOTED = `${SECRETS.join(' ')} at https://cdn.example/a?X-Amz-Signature=${SIGNED} Authorization: Bearer ${SIGNED}`
const SPELLINGS = [...SECRETS, SIGNED].flatMap((secret) => [
  ...listSpellings(secret),
  secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
])
const HOSTILE = `=cmd|'/c x'!A0 <script>alert(1)</script> \u202Eevil\u001B[31mred\u0007`

const ROLE = `planted_${process.pid}`

// The last opened ends first: the processes before their database.
const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

const NOTHING = { leaks: [], broken: [], hostile: [] }

/** The texts that were read, by their place. */
const read = new Map<string, string>()

test('no planted secret is in anything that is served, sent or logged, and every link leads somewhere', async () => {
  const { machine, shelves, sent } = await openStage()
  const web = `http://127.0.0.1:${machine.ports['web']}`
  const links = new Map<string, number>()
  for (const key of [KEYS.ADMIN_KEY, KEYS.READ_KEY]) await crawl(web, key, links)
  await readApi(web, shelves)
  await readTools(web, shelves)
  await readServers(machine)
  await waitUntil(() => sent.some((request) => request.startsWith('/services/')))
  await waitUntil(() => sent.some((request) => request.startsWith('/api/')))
  for (const [nth, request] of sent.entries()) read.set(`message ${nth}`, contentOf(request))
  read.set('log', machine.process.output())
  const broken = [...links].filter(([, status]) => status >= 400)
  assert.deepEqual({ leaks: listLeaks(), broken, hostile: listHostile() }, NOTHING)
  assert.ok(links.size > 60, `only ${links.size} links`)
})

async function openStage() {
  const simulator = await startMedipim({ products: 20, rateLimit: null })
  lifetime.after(simulator.close)
  let url = ''
  ends.defer(() => (url === '' ? Promise.resolve() : dropLogin(url)))
  const fleet = await openFleet(lifetime, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: false,
  })
  const { pool: db } = fleet.database
  url = fleet.database.url
  const { storeRoot } = fleet.pipeline
  const shelves = await stockShelves(lifetime, { db, storeRoot, title: HOSTILE })
  await plant(fleet, shelves)
  const { url: messages, sent } = await startStandIn()
  const body = JSON.stringify({ error: { status: 500, code: 'internal', message: QUOTED } })
  const headers = { location: `/x?key=${encodeURIComponent(SUPPLIER.secret)}`, 'x-id': SIGNED }
  simulator.faults.set({ kind: 'status', status: 422, headers, body, times: null })
  const machine = await fleet.serve([], {
    DATABASE_URL: await createLogin(fleet),
    MEDIPIM_API_KEY: `${SUPPLIER.id}:${SUPPLIER.secret}`,
    ...KEYS,
    ...SETTINGS,
    SUPABASE_URL: 'http://127.0.0.1:9',
    SLACK_WEBHOOK_URL: `${messages}/services/${HOOK}`,
    SENTRY_DSN: `${messages.replace('//', `//${DSN_KEY}@`)}/42`,
    PUBLIC_STATUS: 'true',
    LOG_LEVEL: 'debug',
  })
  const requested = await fetch(`http://127.0.0.1:${machine.ports['orchestrator']}/sync`, {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': KEYS.SYNC_KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ source: fleet.pipeline.name }),
  })
  const { run } = (await requested.json()) as { run: number }
  assert.equal((await fleet.waitForEnd(run)).state, 'failed')
  return { machine, shelves, sent }
}

/** Writes secrets where an older version may have stored them, or a supplier may write them. */
async function plant({ database: { pool: db } }: Fleet, { failedRun, heldRun }: Shelves) {
  for (const [text, values] of [
    ['update catalog.runs set reason = $1 where id in ($2, $3)', [QUOTED, failedRun, heldRun]],
    ['update catalog.quarantine set message = $1 where source_id > 0', [QUOTED]],
    ['update catalog.reviews set reason = $1 where source_id > 0', [QUOTED]],
    [
      `update catalog.products set description = $1, brand = $1
       where source_id = (select id from catalog.sources where name = 'roastery')`,
      [`${SECRETS.join(' ')} ${HOSTILE}`],
    ],
  ] as const)
    assert.ok(((await db.query(text, [...values])).rowCount ?? 0) > 0, text)
}

/** A separate login, because that of the tests has no password. */
async function createLogin({ database }: Fleet): Promise<string> {
  const quoted = `'${PASSWORD.replaceAll("'", "''")}'`
  await database.pool.query(`create role ${ROLE} login superuser password ${quoted}`)
  return Object.assign(new URL(database.url), {
    username: ROLE,
    password: encodeURIComponent(PASSWORD),
  }).href
}

/** After the database, whose objects it uses. */
async function dropLogin(url: string): Promise<void> {
  const address = Object.assign(new URL(url), { pathname: '/postgres' }).href
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  await client.query(`drop role ${ROLE}`)
  await client.end()
}

/** Slack and Sentry as one server, which records the path and the content of each request. */
async function startStandIn() {
  const sent: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      sent.push(`${request.url}\n${Buffer.concat(chunks).toString()}`)
      response.end('ok')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  lifetime.after(async () => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent }
}

/** Without what each receiver knows: Slack the path of its webhook, and Sentry its own key. */
function contentOf(request: string): string {
  const content = request.slice(request.indexOf('\n'))
  return request.startsWith('/api/') ? content.replaceAll(`"public_key":"${DSN_KEY}"`, '') : content
}

/** Reads every page that a chain of links leads to, one of each form with filters. */
async function crawl(web: string, key: string, links: Map<string, number>): Promise<void> {
  const signedIn = await fetch(`${web}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'Ada', key, to: '/' }),
    redirect: 'manual',
  })
  assert.equal(signedIn.status, 303)
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const waiting = ['/', '/status-page', '/sign-in']
  const seen = new Set(waiting)
  const counts = new Map<string, number>()
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const response = await fetch(web + path, { headers: { cookie } })
    const text = await response.text()
    links.set(path, response.status)
    // The archive holds the supplier's bytes, and only a person with a key downloads them.
    if (!/\/(?:artifact|parts\/\d+)$/.test(path)) read.set(`${path} as ${key.slice(8, 13)}`, text)
    if (!response.headers.get('Content-Type')?.startsWith('text/html')) continue
    for (const [, href = ''] of text.matchAll(/\shref="(\/[^"#]*)/g)) {
      const next = href.replaceAll('&amp;', '&')
      // Pages of the same form: a few of each are enough.
      const form = next
        .replaceAll(/=[^&]*/g, '=')
        .replaceAll(/[^/?]*\d[^/?]*|(?<=\/products\/).*/g, ':')
      const count = counts.get(form) ?? 0
      if (seen.has(next) || count >= 8) continue
      seen.add(next)
      counts.set(form, count + 1)
      waiting.push(next)
    }
  }
}

async function readApi(web: string, { failedRun, roastery }: Shelves): Promise<void> {
  const headers = { 'X-ADMIN-KEY': KEYS.READ_KEY }
  const get = async (path: string): Promise<string> => {
    const response = await fetch(web + path, { headers })
    const text = await response.text()
    assert.equal(response.status, 200, `${path}: ${text}`)
    read.set(path, text)
    return text
  }
  const list = await get(`/api/v1/products?source=${roastery.name}&limit=200`)
  const { items } = JSON.parse(list) as { items: { id: string }[] }
  for (const route of Object.keys(CATALOGUE_ROUTES))
    await get(
      route
        .slice('GET '.length)
        .replace('runs/:id', `runs/${failedRun}`)
        .replace(':id', items[0]?.id ?? '')
        .replace(':name', roastery.name),
    )
  for (const path of [`/api/v1/${KEYS.ADMIN_KEY}`, `/api/v1/products?q=${KEYS.ADMIN_KEY}&x=1`])
    read.set(`error of ${path.slice(0, 16)}`, await (await fetch(web + path, { headers })).text())
}

async function readTools(web: string, { failedRun }: Shelves): Promise<void> {
  for (const [name, given] of [
    ['search_catalog', { catalog: { query: 'coffee' } }],
    ['list_sources', {}],
    ['get_run', { run: failedRun }],
    ['list_reviews', {}],
    ['get_run', { run: 999_999 }],
  ] as const) {
    const response = await fetch(`${web}/mcp`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${KEYS.READ_KEY}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: given },
      }),
    })
    assert.equal(response.status, 200)
    read.set(`tool ${name} ${JSON.stringify(given)}`, await response.text())
  }
}

async function readServers({ ports }: Machine): Promise<void> {
  for (const [name, port] of Object.entries(ports))
    for (const path of ['/healthz', '/health', '/metrics', '/status', '/late', '/dead-letters'])
      read.set(
        `${name} ${path}`,
        await (
          await fetch(`http://127.0.0.1:${port}${path}`, {
            headers: { 'X-ADMIN-KEY': KEYS.ADMIN_KEY },
          })
        ).text(),
      )
}

/** The first leak of each place, with the text around it. */
function listLeaks(): string[] {
  return [...read].flatMap(([place, text]) => {
    const at = SPELLINGS.map((spelling) => text.indexOf(spelling)).find((found) => found >= 0)
    return at === undefined ? [] : [`${place}: ${text.slice(Math.max(0, at - 120), at + 80)}`]
  })
}

/** Where the text of a product could act: as markup, on a terminal, or in a spreadsheet. */
function listHostile(): string[] {
  return [...read].flatMap(([place, text]) => [
    ...(text.includes('<script>alert') && text.startsWith('<!') ? [`${place}: markup`] : []),
    // oxlint-disable-next-line no-control-regex -- the bytes that a terminal obeys
    ...(/[\u0007\u001B\u202E]/.test(text) && !place.includes('.csv') ? [`${place}: control`] : []),
    ...(place.includes('.csv') && /(?:^|,|\n)"?=cmd/.test(text) ? [`${place}: formula`] : []),
  ])
}
