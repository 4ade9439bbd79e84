// The functions of the npm package's entry, called as a program calls them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { z } from 'zod'
import { plan, sync } from '../../src/app/library.ts'
import { defineConnector, toPage } from '../../src/core/define-connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import { readJson } from '../../src/lib/read-json.ts'
import { openTestDatabase } from '../support/database.ts'

const Feed = z.array(z.json())
const Credentials = z.object({ key: z.string().optional() })

const hardware = defineConnector({
  name: 'hardware',
  settings: z.strictObject({ url: z.url(), currency: z.string().default('EUR') }),
  credentials: {
    variables: {
      key: {
        name: 'HARDWARE_KEY',
        secret: true,
        description: 'The key.',
        default: 'none',
        example: 'a1b2',
      },
    },
    schema: Credentials,
    isComplete: ({ key }) => key !== undefined,
    hint: 'set HARDWARE_KEY',
    spellings: () => [],
    findHostFault: () => null,
  },
  record: z.object({ id: z.string(), cents: z.int() }),
  async *fetch({ settings, credentials, http }, signal) {
    const headers = { 'x-key': credentials.key ?? '' }
    const items = await readJson(await http({ url: settings.url, headers }, signal), Feed)
    yield toPage(items, { complete: true })
  },
  normalise: ({ id, cents }, { currency }) => ({
    externalId: id,
    prices: [{ type: 'public', amountMinor: cents, currency }],
  }),
})

const supplier = { items: [{ id: 'b', cents: 120 }], key: 'a-key-1234567' }
const database = await openTestDatabase()
const home = await mkdtemp(join(tmpdir(), 'shelfsync-library-'))
after(() => rm(home, { recursive: true, force: true }))
const server = createServer(({ headers }, response) => {
  response.statusCode = headers['x-key'] === supplier.key ? 200 : 401
  response.end(JSON.stringify(supplier.items))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => void server.close())
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/products.json`

const options = (source: string, key = supplier.key) => ({
  connector: hardware,
  source,
  settings: { url },
  environment: {
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: home,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    HARDWARE_KEY: key,
  },
})

function hasCode(code: SyncError['code'], message = /./) {
  return (error: unknown) =>
    error instanceof SyncError && error.code === code && message.test(error.message)
}

test('the first sync adds the source, and a plan changes nothing', async () => {
  await assert.rejects(plan(options('first')), hasCode('source/unknown'))
  const { state, ledger, run, kind } = await sync(options('first'))
  assert.deepEqual(
    { state, kind, created: ledger.created },
    { state: 'succeeded', kind: 'full', created: 1 },
  )
  assert.ok(run > 0)

  supplier.items.push({ id: 'n', cents: 80 })
  for (const _ of [1, 2]) {
    const changes: string[] = []
    const planned = await plan({
      ...options('first'),
      onChange: ({ kind: change, externalId }) => changes.push(`${change} ${externalId}`),
    })
    assert.deepEqual(changes, ['created n'])
    assert.equal(planned.ledger.created, 1)
  }
  supplier.items.pop()
})

test('settings that differ from the stored ones replace them', async () => {
  await sync(options('changed'))
  const settings = { url, currency: 'USD' }
  const { ledger } = await sync({ ...options('changed'), settings, mode: 'full' })
  assert.equal(ledger.updated + ledger.held, 1)
  const { rows } = await database.pool.query(
    `select settings from catalog.sources where name = 'changed'`,
  )
  assert.deepEqual(rows, [{ settings }])
})

test('a failed run is thrown, and no key is stored', async () => {
  const quoting = defineConnector({
    ...hardware,
    record: z.object({ id: z.string() }),
    normalise: ({ id }) => ({ externalId: id }),
    fetch({ credentials }) {
      throw new SyncError('source/rejected', `the supplier refuses ${credentials.key}`)
    },
  })
  await assert.rejects(sync(options('failed', 'a-wrong-key-123')), hasCode('source/unauthorized'))
  await assert.rejects(
    sync({ ...options('failed'), connector: quoting }),
    hasCode('source/rejected'),
  )
  const { rows } = await database.pool.query<{ run: string }>(
    `select to_jsonb(runs)::text as run from catalog.runs join catalog.sources on sources.id = source_id
     where name = 'failed' order by runs.id`,
  )
  assert.match(rows.at(-1)?.run ?? '', /the supplier refuses/)
  assert.ok(!rows.some(({ run }) => run.includes(supplier.key)))
})

test('settings, names and connectors that do not fit are refused before a request', async () => {
  await sync(options('mine'))
  const other = { ...hardware, name: 'other' }
  await assert.rejects(
    sync({ ...options('mine'), connector: other }),
    hasCode('usage/invalid', /uses the connector hardware, not other/),
  )
  await assert.rejects(
    sync({ ...options('mine'), connector: { ...hardware, name: 'shopify' } }),
    hasCode('usage/invalid', /has a connector named shopify/),
  )
  await assert.rejects(
    sync({ ...options('mine'), settings: { url: 'nowhere' } }),
    hasCode('settings/invalid', /settings of mine/),
  )
  await assert.rejects(sync(options('Not a name')), hasCode('usage/invalid', /not a valid name/))
})

test('an aborted signal stops a sync', async () => {
  await assert.rejects(
    sync({ ...options('stopped'), signal: AbortSignal.abort() }),
    (error: Error) => error.name === 'AbortError',
  )
})
