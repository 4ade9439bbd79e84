// The code and the message of each refusal of the Data API.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { DataApi } from './data-api.ts'

interface GivenResponse {
  readonly status: number
  readonly body: unknown
  readonly type?: string
}

async function callAgainst(
  t: TestContext,
  secretKey: string,
  { status, body, type = 'application/json' }: GivenResponse,
  secrets: readonly string[] = [],
): Promise<never> {
  const server = createServer(
    (_, response) =>
      void response
        .writeHead(status, { 'content-type': type })
        .end(typeof body === 'string' ? body : JSON.stringify(body)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  await new DataApi({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secretKey,
    secrets,
  }).call('list_sources', {})
  throw new Error('The call succeeded')
}

const REFUSALS: readonly (readonly [
  what: string,
  response: GivenResponse,
  code: string,
  message: RegExp,
])[] = [
  [
    'a restart of Postgres',
    {
      status: 400,
      body: {
        code: '',
        details: null,
        hint: null,
        message: 'server closed the connection unexpectedly',
      },
    },
    'db/unreachable',
    /responds 400: server closed the connection unexpectedly: its connection to Postgres broke$/,
  ],
  [
    'a missing schema cache',
    {
      status: 503,
      body: {
        code: 'PGRST002',
        message: 'Could not query the database for the schema cache. Retrying.',
      },
    },
    'db/unreachable',
    /If this lasts, an exposed schema does not exist: check that pipeline and /,
  ],
  [
    'a schema that is not exposed',
    { status: 406, body: { code: 'PGRST106', message: 'Invalid schema: pipeline' } },
    'db/not-exposed',
    /schema pipeline is not exposed$/,
  ],
  [
    'a token of another project',
    { status: 401, body: { code: 'PGRST301', message: 'No suitable key or wrong key type' } },
    'settings/invalid',
    /: take SUPABASE_SECRET_KEY from the settings of the project/,
  ],
  [
    'a path in SUPABASE_URL',
    { status: 404, body: { code: 'PGRST125', message: 'Invalid path specified in request URL' } },
    'settings/invalid',
    /without a path$/,
  ],
  [
    'a gateway without this path',
    { status: 404, body: { error: 'requested path is invalid' } },
    'settings/invalid',
    /responds 404: requested path is invalid$/,
  ],
  [
    'a redirect',
    { status: 301, body: '', type: 'text/html' },
    'settings/invalid',
    /a redirect, so SUPABASE_URL is not the address itself$/,
  ],
  [
    'a truncated response',
    { status: 200, body: '[{"name": "sh' },
    'db/unreachable',
    /responds 200: invalid JSON$/,
  ],
  [
    'a response without a list of rows',
    { status: 200, body: { status: 'ok' } },
    'db/unreachable',
    /responds 200: no reason given$/,
  ],
  [
    'a refusal of a function with unreadable facts',
    {
      status: 400,
      body: { code: 'SHELF', hint: 'run/fenced', message: 'Taken over', details: '{"run":' },
    },
    'run/fenced',
    /^Taken over$/,
  ],
  [
    'a code that is a number',
    { status: 500, body: { code: 42, message: { deep: true } } },
    'db/unreachable',
    /responds 500: no reason given$/,
  ],
]

for (const [what, response, code, message] of REFUSALS) {
  test(`${what} is ${code}`, async (t) => {
    await assert.rejects(callAgainst(t, 'sb_secret_planted', response), isSyncError(code, message))
  })
}

test('a token that is refused for its time is retried, unless it is the key itself and expired', async (t) => {
  const refusal = (message: string): GivenResponse => ({
    status: 401,
    body: { code: 'PGRST303', message },
  })
  for (const message of ['JWT issued at future', 'JWT not yet valid', 'JWT expired']) {
    await assert.rejects(
      callAgainst(t, 'sb_secret_planted', refusal(message)),
      isSyncError('db/unreachable', /the clocks of its servers differ/),
    )
  }
  await assert.rejects(
    callAgainst(t, 'eyJplanted', refusal('JWT issued at future')),
    isSyncError('db/unreachable', /the clocks/),
  )
  await assert.rejects(
    callAgainst(t, 'eyJplanted', refusal('JWT expired')),
    isSyncError('settings/invalid', /expired token: take a secret key/),
  )
})

test('a key that the Data API quotes is redacted before the message is cut', async (t) => {
  const secretKey = 'planted-key-of-a-project'
  const body = { message: `${'x'.repeat(285)} ${secretKey}${'y'.repeat(500)}` }
  await assert.rejects(
    callAgainst(t, secretKey, { status: 400, body }),
    isSyncError('db/unsuitable', /x{285} \[redacted\]y*…$/),
  )
})

test('another secret that it quotes, for example from a record, is redacted too', async (t) => {
  const secret = 'planted-key-0f-a-supplier'
  const body = { message: `${'x'.repeat(285)} ${secret}` }
  await assert.rejects(
    callAgainst(t, 'sb_secret_planted', { status: 400, body }, [secret]),
    isSyncError('db/unsuitable', /x{285} \[redacted\]$/),
  )
})
