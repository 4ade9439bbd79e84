// Sessions, forms and headers of the dashboard, over HTTP and with a login that has only the rights
// of the role `web`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { KEY, openDashboard, READ_KEY } from '../../../test/support/dashboard.ts'
import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { html } from './html.ts'
import { liveRegion } from './live.ts'
import { definePage } from './page.ts'
import { actionForm } from './parts/forms.ts'

const database = await openTestDatabase()
const done: string[] = []

const samplePage = definePage({
  path: '/',
  query: z.object({ level: z.coerce.number().int().default(1) }),
  render: ({ user, query: { level } }) => ({
    title: 'Sample',
    main: html`<h1>Sample</h1>
      ${liveRegion('level', `level ${level} <b>`)}
      ${actionForm({ user, action: '/rename', label: 'Rename' })}
      <input type="hidden" name="csrf" value="${user.csrfToken}" />`,
  }),
  actions: {
    rename: {
      form: z.object({ name: z.string().min(1) }),
      run({ form: { name }, user }) {
        if (name === 'taken') throw new SyncError('usage/invalid', 'The name is taken')
        done.push(`${user.name}: ${name}`)
        return { notice: `Renamed to ${name}` }
      },
    },
  },
})

const open = (t: Parameters<typeof openDashboard>[0], changes = {}) =>
  openDashboard(t, database, { pages: [samplePage], ...changes })

test('without a session a page leads to the sign-in and back, to paths of this site only', async (t) => {
  const { url } = await open(t)
  const anonymous = await fetch(`${url}/?level=2`, { redirect: 'manual' })
  assert.deepEqual(
    [anonymous.status, anonymous.headers.get('Location')],
    [303, '/sign-in?to=%2F%3Flevel%3D2'],
  )
  for (const [to, expected] of [
    ['/?level=2', '/?level=2'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example/', '/'],
  ] as const) {
    const body = new URLSearchParams({ key: KEY, name: 'Ada', to })
    const signed = await fetch(`${url}/sign-in`, { method: 'POST', body, redirect: 'manual' })
    assert.equal(signed.headers.get('Location'), expected, to)
    assert.match(
      signed.headers.get('Set-Cookie') ?? '',
      /^shelfsync_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
  }
  const tls = await fetch(`${url}/sign-in`, {
    method: 'POST',
    headers: { 'X-Forwarded-Proto': 'https' },
    body: new URLSearchParams({ key: KEY, name: 'Ada' }),
    redirect: 'manual',
  })
  assert.match(tls.headers.get('Set-Cookie') ?? '', /^__Host-shelfsync_session=.*; Secure/)
})

test('wrong keys are counted and limited, and the page says so', async (t) => {
  const { url, recorded } = await open(t)
  const attempt = (key: string) =>
    fetch(`${url}/sign-in`, {
      method: 'POST',
      body: new URLSearchParams({ key, name: '<Ada>' }),
      redirect: 'manual',
    })
  for (let i = 0; i < 5; i++) {
    const refused = await attempt('wrong')
    assert.equal(refused.status, 401)
    assert.match(await refused.text(), /The key is wrong\.[^]*value="&lt;Ada&gt;"/)
  }
  const banned = await attempt('wrong')
  assert.deepEqual([banned.status, Number(banned.headers.get('Retry-After')) > 0], [429, true])
  assert.deepEqual(recorded.authFailures, [...Array(5).fill('wrong'), 'banned'])
  assert.equal((await attempt(KEY)).status, 303, 'the right key always passes')
  assert.doesNotMatch(recorded.logged.join(''), new RegExp(KEY))
})

test('a session ends at the sign-out, and when its key is no longer accepted', async (t) => {
  const dashboard = await open(t)
  const ada = await dashboard.signIn()
  const { cookie } = ada
  assert.equal((await ada.get('/')).status, 200)
  const rotated = await open(t, { keys: ['another-key-of-tomorrow'] })
  const elsewhere = await fetch(rotated.url, { headers: { Cookie: cookie }, redirect: 'manual' })
  assert.equal(elsewhere.status, 303, 'another process no longer accepts the key')
  const both = await open(t, { keys: ['another-key-of-tomorrow', KEY] })
  assert.equal((await fetch(both.url, { headers: { Cookie: cookie } })).status, 200)
  const { rows } = await database.pool.query<{ row: string }>(
    `select string_agg(s::text, '') as row from catalog.sessions s`,
  )
  assert.ok(!rows[0]?.row.includes(cookie.split('=')[1] ?? ''), 'the token is not in the database')
  assert.equal((await ada.post('/sign-out')).headers.get('Location'), '/sign-in')
  const after = await fetch(dashboard.url, { headers: { Cookie: cookie }, redirect: 'manual' })
  assert.equal(after.status, 303)
})

test('an action needs the token of the session, a page of this site and a key that may write', async (t) => {
  const { signIn } = await open(t)
  const ada = await signIn()
  assert.match(await ada.act('/rename', { name: 'shelf' }), /Renamed to shelf/)
  assert.doesNotMatch(await ada.read('/'), /Renamed/, 'the notice is shown once')
  assert.match(await ada.act('/rename', { name: 'taken' }), /The name is taken/)
  assert.match(await ada.act('/rename', { name: '' }), /The form is not valid/)
  assert.deepEqual(done, ['Ada Lovelace: shelf'])
  const foreign = await (await signIn({ name: 'Eve' })).read('/')
  const [, token = ''] = /name="csrf" value="([^"]+)"/.exec(foreign) ?? []
  assert.equal((await ada.post('/rename', { csrf: token, name: 'x' })).status, 403)
  assert.equal((await ada.post('/rename', { csrf: '', name: 'x' })).status, 403)
  const own = await ada.read('/')
  const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(own) ?? []
  for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
    const body = new URLSearchParams({ csrf, name: 'x' })
    assert.equal((await ada.get('/rename', { method: 'POST', body, headers })).status, 403)
  }
  const reader = await signIn({ name: 'Grace', key: READ_KEY })
  assert.doesNotMatch(await reader.read('/'), /Rename<|action="\/rename"/)
  const refused = await reader.post('/rename', { name: 'x' })
  assert.deepEqual([refused.status, done.length], [403, 1])
  assert.match(await refused.text(), /READ_KEY, which may only look/)
})

test('errors are pages that name the place and the remedy, and no page loads anything inline', async (t) => {
  const { signIn, url } = await open(t)
  const ada = await signIn()
  const unknown = await ada.get('/nowhere')
  assert.equal(unknown.status, 404)
  assert.match(await unknown.text(), /<h1>[^]*does not exist[^]*\/nowhere[^]*request\/unknown-path/)
  const invalid = await ada.get('/?level=high')
  assert.equal(invalid.status, 400)
  assert.match(await invalid.text(), /filters are not valid[^]*level: expected/)
  assert.equal(
    (await fetch(`${url}/api/v1/nothing`)).headers.get('Content-Type'),
    'application/json',
  )
  const page = await ada.get('/')
  const policy = page.headers.get('Content-Security-Policy') ?? ''
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/)
  assert.doesNotMatch(policy, /unsafe/)
  const text = await page.text()
  assert.doesNotMatch(text, /<script>|<style|style="| on\w+="/)
  for (const [, address = ''] of text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
    const asset = await fetch(url + address)
    assert.match(asset.headers.get('Cache-Control') ?? '', /immutable/, address)
  }
})

test('a stream sends a region only when it differs, and ends with the process', async (t) => {
  const { signIn, stop } = await open(t)
  const ada = await signIn()
  const response = await ada.get('/', { headers: { Accept: 'text/event-stream' } })
  assert.match(response.headers.get('Content-Type') ?? '', /^text\/event-stream/)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader?.read()
  assert.match(first?.value ?? '', /^event: regions\ndata: \{"level":.*level 1 &lt;b&gt;/)
  stop.abort()
  let rest = ''
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read())
    rest += next.value
  assert.equal(rest, 'event: end\ndata: stopping\n\n')
})
