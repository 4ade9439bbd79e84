// The parts that all edge functions share, called in this process. test/functions has real Deno
// processes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { amazon } from '../connectors/amazon/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { EdgeFunction, EdgeTools } from './function.ts'
import { serveFunction } from './serve-function.ts'

const SECRET = 'sb_secret_0123456789abcdef'
const OTHER = 'sb_secret_fedcba9876543210'
const PUBLISHABLE = 'sb_publishable_0123456789'
const TOKEN = '0123456789abcdef0123456789abcdef'
const ENV: Readonly<Record<string, string>> = {
  SUPABASE_URL: 'https://project.supabase.co',
  SUPABASE_SECRET_KEYS: JSON.stringify({ workers: OTHER, default: SECRET }),
  SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE }),
  CRON_TOKEN: TOKEN,
  AMAZON_CREDENTIAL_SECRET: 'the-secret-of-amazon',
}
const Body = z.strictObject({ asin: z.string().optional() })

interface Setup extends Partial<Omit<EdgeFunction<z.infer<typeof Body>>, 'body' | 'connector'>> {
  readonly env?: Readonly<Record<string, string | undefined>>
}

function open({ env = {}, ...given }: Setup = {}) {
  const lines: string[] = []
  const calls: EdgeTools[] = []
  const all: Readonly<Record<string, string | undefined>> = { ...ENV, ...env }
  const fn: EdgeFunction<z.infer<typeof Body>> = {
    name: 'import-product',
    method: 'POST',
    allowsCron: false,
    body: Body,
    connector: amazon,
    handle: (body, tools) => {
      calls.push(tools)
      return Promise.resolve({ status: 200, body })
    },
    ...given,
  }
  const serve = serveFunction(fn, { read: (name) => all[name], write: (line) => lines.push(line) })
  const call = async (init: RequestInit = {}) => {
    const response = await serve(
      new Request('https://edge/import-product', {
        method: 'POST',
        headers: { apikey: SECRET },
        ...init,
      }),
    )
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  return { call, lines, calls }
}

test('every secret key of the project in the header apikey is accepted', async () => {
  const { call, calls } = open()
  for (const apikey of [SECRET, OTHER])
    assert.equal((await call({ headers: { apikey } })).status, 200)
  assert.equal(calls[0]?.environment.secretKeys[0], SECRET)
  const local = open({ env: { SUPABASE_SECRET_KEYS: '', SUPABASE_SECRET_KEY: OTHER } })
  assert.equal((await local.call({ headers: { apikey: OTHER } })).status, 200)
})

test('a request without a key, with a wrong one or with it in another header is refused with the way to send it', async () => {
  const { call, calls } = open()
  for (const headers of [
    {},
    { apikey: 'sb_secret_wrong' },
    { authorization: `Bearer ${SECRET}` },
    { apikey: '' },
    { 'x-cron-token': TOKEN },
  ] as const) {
    const { status, body } = await call({ headers })
    assert.equal(status, 401)
    assert.equal(body.error.code, 'request/unauthorized')
    assert.match(body.error.hint, /header apikey/)
  }
  assert.equal(calls.length, 0)
})

test('a publishable key is refused with a message about secret keys', async () => {
  const { call } = open()
  for (const apikey of [PUBLISHABLE, 'sb_publishable_of-another-project']) {
    const { status, body } = await call({ headers: { apikey } })
    assert.equal(status, 403)
    assert.match(body.error.message, /publishable key may not/)
    assert.match(body.error.hint, /sb_secret_/)
  }
})

test('the token of the schedule is accepted by the function that the schedule calls', async () => {
  const { call } = open({ allowsCron: true })
  assert.equal((await call({ headers: { 'x-cron-token': TOKEN } })).status, 200)
  assert.equal((await call({ headers: { 'x-cron-token': `${TOKEN}0` } })).status, 401)
  const token = `ü${TOKEN}`
  const other = open({ allowsCron: true, env: { CRON_TOKEN: token } })
  const sent = Buffer.from(token).toString('latin1')
  assert.equal((await other.call({ headers: { 'x-cron-token': sent } })).status, 200)
  const without = open({ allowsCron: true, env: { CRON_TOKEN: undefined } })
  assert.equal((await without.call({ headers: { 'x-cron-token': '' } })).status, 401)
})

test('another method, a body that is not JSON, is too large or has another form is refused', async () => {
  const { call } = open()
  for (const [init, status, code] of [
    [{ method: 'GET' }, 405, 'request/wrong-method'],
    [{ body: '{' }, 415, 'request/not-json'],
    [{ body: JSON.stringify({ asin: 'x'.repeat(20_000) }) }, 413, 'request/too-large'],
    [{ body: JSON.stringify({ asin: 1 }) }, 400, 'request/invalid'],
    [{ body: JSON.stringify({ other: 1 }) }, 400, 'request/invalid'],
    [{ body: Buffer.from('{"asin":"é"}', 'latin1') }, 400, 'request/invalid'],
  ] as const) {
    const response = await call({ headers: { apikey: SECRET }, ...init })
    assert.deepEqual([response.status, response.body.error.code], [status, code])
  }
  const body = new ReadableStream({ start: (controller) => controller.error(new Error('left')) })
  const left = await call({ body, duplex: 'half' } as RequestInit)
  assert.deepEqual([left.status, left.body.error.code], [400, 'request/invalid'])
  assert.equal((await call({ body: '' })).status, 200)
})

test('the correlation id of the caller is in the response and in each line; an invalid one is replaced', async () => {
  const { call, lines } = open()
  const given = { apikey: SECRET, 'x-correlation-id': 'mine-1' }
  const { headers } = await call({ headers: given })
  assert.deepEqual(
    [headers.get('x-correlation-id'), headers.get('cache-control')],
    ['mine-1', 'no-store'],
  )
  assert.ok(lines.every((line) => JSON.parse(line).cid === 'mine-1'))
  const other = await call({ headers: { apikey: SECRET, 'x-correlation-id': 'a b' } })
  assert.match(other.headers.get('x-correlation-id') ?? '', /^[0-9a-f-]{36}$/)
})

test('a named error has its status and hint, and a bug reveals nothing but the correlation id', async () => {
  const named = open({ handle: () => Promise.reject(new SyncError('run/active', 'It runs')) })
  const { status, body } = await named.call()
  assert.deepEqual([status, body.error.code, body.error.message], [409, 'run/active', 'It runs'])
  const unavailable = new SyncError('source/circuit-open', 'It is open', { retryAfterMs: 1_500 })
  const later = await open({ handle: () => Promise.reject(unavailable) }).call()
  assert.deepEqual([later.status, later.headers.get('retry-after')], [503, '2'])
  const bug = open({ handle: () => Promise.reject(new TypeError('the-secret-of-amazon broke')) })
  const failed = await bug.call()
  assert.deepEqual([failed.status, failed.body.error.message], [500, 'internal error'])
  assert.match(failed.body.error.hint, /correlation id/)
  assert.match(bug.lines[0] ?? '', /TypeError/)
})

test('no secret reaches a response or the log', async () => {
  const { call, lines } = open({
    handle: () =>
      Promise.resolve({ status: 200, body: { text: `${SECRET} the-secret-of-amazon ${TOKEN}` } }),
  })
  const { body } = await call()
  const failing = open({
    handle: () => Promise.reject(new SyncError('source/rejected', `${TOKEN} ${SECRET}`)),
  })
  const failed = await failing.call()
  const text = [JSON.stringify([body, failed.body]), ...lines, ...failing.lines].join('\n')
  for (const secret of [SECRET, TOKEN, 'the-secret-of-amazon']) assert.ok(!text.includes(secret))
})

test('a wrong environment is named without its value', async () => {
  for (const [env, expected] of [
    [{ SUPABASE_URL: 'project' }, /SUPABASE_URL is not an address/],
    [{ SUPABASE_SECRET_KEYS: '{}' }, /SUPABASE_SECRET_KEYS has no key/],
    [{ SUPABASE_SECRET_KEYS: 'sb_secret_alone' }, /SUPABASE_SECRET_KEYS is not a JSON object/],
    [{ CRON_TOKEN: 'short' }, /CRON_TOKEN has fewer than 32 characters/],
    [{ ALLOW_PRIVATE_HOSTS: 'true' }, /ALLOW_PRIVATE_HOSTS: expected a list of host/],
    [{ USER_AGENT: 'Café/1.0' }, /USER_AGENT: expected plain ASCII text/],
    [{ FUNCTION_SECONDS: '1000' }, /FUNCTION_SECONDS is not a number from 1 to 380/],
  ] as const) {
    const { status, body } = await open({ env }).call()
    assert.equal(status, 500)
    assert.equal(body.error.code, 'settings/invalid')
    assert.match(body.error.message, expected)
  }
})
