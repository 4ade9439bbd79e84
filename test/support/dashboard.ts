// The dashboard on a test database, as a process with the role `web` serves it: with a login that has only
// the rights of that role.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkHealth } from '../../src/app/health.ts'
import { DiskStore } from '../../src/artifacts/stores/disk.ts'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { openPool } from '../../src/db/pool.ts'
import { createWebApp, type WebOptions } from '../../src/http/web.ts'
import { listen } from '../../src/http/server/listen.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA } from '../../src/jobs/queues.ts'
import { requestImport } from '../../src/jobs/request-import.ts'
import { createAddressCheck } from '../../src/node/check-address.ts'
import { cancelRequestedRun, requestRuns } from '../../src/jobs/request-runs.ts'
import { createKeyRedactor } from '../../src/telemetry/redact.ts'
import { Waker } from '../../src/jobs/wake-workers.ts'
import type { Lifetime, TestDatabase } from './database.ts'
import { KEY, serverOptions, type Recorded } from './http-server.ts'
import { createLogin } from './login.ts'

export { KEY }
export const READ_KEY = 'the-key-that-may-look-1'

export interface TestDashboard {
  /** `http://127.0.0.1:…` */
  readonly url: string
  readonly recorded: Recorded
  /** A signed-in person. */
  signIn(person?: { readonly name?: string; readonly key?: string }): Promise<Visitor>
  /** Ends the streams, as SIGTERM would. */
  readonly stop: AbortController
}

export interface Visitor {
  readonly cookie: string
  /** Requests a page; `text` of an HTML response is in `visit`. */
  get(path: string, init?: RequestInit): Promise<Response>
  /** Returns the HTML of a page, which must have the status 200. */
  read(path: string): Promise<string>
  /** Posts the form of an action, with the token of the session. Redirects are not followed. */
  post(path: string, fields?: Fields): Promise<Response>
  /** Posts, follows the redirect, and returns the HTML of the page with its notice. */
  act(path: string, fields?: Fields): Promise<string>
}

type Fields = Readonly<Record<string, string | number | readonly string[]>>

export async function openDashboard(
  t: Lifetime,
  database: Pick<TestDatabase, 'pool' | 'url'>,
  changes: Partial<WebOptions> = {},
): Promise<TestDashboard> {
  await migrateQueue(database.pool)
  const { url: loginUrl } = await createLogin(t, database, 'shelfsync_web')
  const db = await openPool(loginUrl, { applicationName: 'web', searchPath: QUEUE_SCHEMA, max: 6 })
  const queues = await openQueues(db, null, { onError: () => undefined })
  const folder = await mkdtemp(join(tmpdir(), 'dashboard-'))
  const stop = new AbortController()
  const { options, recorded } = serverOptions({ keys: [KEY] })
  const tools = { db, queues, connectors: CONNECTORS, log: options.log, outages: options.outages }
  const waker = new Waker({ queues, urls: { fetch: null, apply: null }, log: options.log })
  const app = createWebApp({
    ...options,
    readKeys: [READ_KEY],
    redactKeys: createKeyRedactor([KEY, READ_KEY]),
    orchestratorUrl: 'http://127.0.0.1:3003',
    db,
    connectors: CONNECTORS,
    queues,
    store: new DiskStore(folder),
    nowMs: () => Date.now(),
    settings: { webUrl: null, publicStatus: false },
    checkAddress: createAddressCheck(['127.0.0.1']),
    stopping: stop.signal,
    operations: {
      requestRuns: (request, correlationId) => requestRuns(tools, request, correlationId),
      requestImport: (request, correlationId) =>
        requestImport({ ...tools, values: {} }, request, correlationId),
      cancelRun: (run) => cancelRequestedRun(tools, run),
      checkHealth: () => checkHealth({ db, queues, store: null, waker }),
    },
    ...changes,
  })
  const listening = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    stop.abort()
    await listening.close()
    await queues.close()
    await db.end()
    await rm(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${listening.port}`
  return { url, recorded, stop, signIn: (person) => signIn(url, person) }
}

async function signIn(
  url: string,
  { name = 'Ada Lovelace', key = KEY }: { readonly name?: string; readonly key?: string } = {},
): Promise<Visitor> {
  const response = await fetch(`${url}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ name, key, to: '/' }),
    redirect: 'manual',
  })
  assert.equal(response.status, 303, await response.text())
  const cookies = new Map<string, string>()
  keepCookies(cookies, response)
  const get = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { ...Object.fromEntries(new Headers(init.headers)), Cookie: toHeader(cookies) }
    const got = await fetch(url + path, { redirect: 'manual', ...init, headers })
    keepCookies(cookies, got)
    return got
  }
  const read = async (path: string): Promise<string> => {
    const got = await get(path)
    const text = await got.text()
    assert.equal(got.status, 200, `${path}: ${text}`)
    return text
  }
  const post = async (path: string, fields: Fields = {}): Promise<Response> => {
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(await read('/')) ?? []
    const body = new URLSearchParams({ csrf, back: '/' })
    for (const [field, value] of Object.entries(fields)) {
      body.delete(field)
      for (const one of Array.isArray(value) ? value : [value]) body.append(field, String(one))
    }
    return get(path, { method: 'POST', body })
  }
  return {
    get cookie() {
      return toHeader(cookies)
    },
    get,
    read,
    post,
    async act(path, fields) {
      const done = await post(path, fields)
      assert.equal(done.status, 303, await done.text())
      return read(done.headers.get('Location') ?? '/')
    },
  }
}

function keepCookies(cookies: Map<string, string>, { headers }: Response): void {
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '') cookies.delete(name)
    else cookies.set(name, value)
  }
}

function toHeader(cookies: ReadonlyMap<string, string>): string {
  return Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ')
}
