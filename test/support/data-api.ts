// A stand-in for Supabase's Data API: the gateway checks the key, then functions are called as
// PostgREST calls them, in real sessions that are shared and kept open. It can fail in the ways in
// which the real one fails. https://docs.postgrest.org/en/stable/references/transactions.html

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Lifetime, TestDatabase } from './database.ts'
import { openDataApiSessions, type DataApiSessions } from './data-api-sessions.ts'

export interface Call {
  readonly name: string
  /** The number of calls of this function so far, including this one. */
  readonly nth: number
  readonly body: string
}

/**
 * `before` and `after`: the connection breaks before or after the work is done. Otherwise the
 * response that is sent instead of doing the work.
 */
export type Trouble =
  | 'continue'
  | 'before'
  | 'after'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string }

export interface TestDataApi {
  readonly url: string
  /** Both keys work as `service_role`. */
  readonly keys: { readonly secret: string; readonly legacy: string; readonly publishable: string }
  readonly calls: readonly Call[]
  /** Called for each call; the returned trouble then happens. */
  trouble: (call: Call) => Trouble | null | Promise<Trouble>
}

/** The largest request body: the limit that the pipeline observes. */
const BODY_MAX = 1024 * 1024

/**
 * Serves the schemas `pipeline` and, to readers, `api` of the database, in two sessions of a
 * separate login role that can become `service_role` or `anon`.
 */
export async function startDataApi(t: Lifetime, database: TestDatabase): Promise<TestDataApi> {
  const sessions = await openDataApiSessions(database)
  const server = createServer((request, response) => {
    handle(api, sessions, request, response).catch((error: unknown) =>
      sendJson(response, 500, { code: 'XX000', message: String(error) }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await sessions.close()
  })
  const api: RecordingDataApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: {
      secret: 'sb_secret_only-for-tests',
      legacy: `eyJhbGciOiJIUzI1NiJ9.${randomUUID()}.c2lnbmF0dXJl`,
      publishable: 'sb_publishable_only-for-tests',
    },
    calls: [],
    trouble: () => null,
  }
  return api
}

type RecordingDataApi = TestDataApi & { readonly calls: Call[] }

async function handle(
  api: RecordingDataApi,
  sessions: DataApiSessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = (await buffer(request)).toString()
  const role = roleOf(api, request)
  if (role === null) return sendJson(response, 401, { message: 'Invalid API key' })
  if (Buffer.byteLength(body) > BODY_MAX)
    return refuse(response, { status: 413, body: '<html>too large</html>' })
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
  const [, view] = /^\/rest\/v1\/(\w+)$/.exec(pathname) ?? []
  const readsApi = request.method === 'GET' && request.headers['accept-profile'] === 'api'
  if (readsApi && view !== undefined) {
    const { status, result } = await sessions.readView(role, view, searchParams)
    return sendJson(response, status, result)
  }
  const [, name] = /^\/rest\/v1\/rpc\/(\w+)$/.exec(request.url ?? '') ?? []
  if (request.method !== 'POST' || name === undefined)
    return sendJson(response, 404, {
      code: 'PGRST125',
      message: 'Invalid path specified in request URL',
    })
  const schema = request.headers['content-profile']
  if (schema !== 'pipeline' && schema !== 'api')
    return sendJson(response, 406, { code: 'PGRST106', message: 'Invalid schema' })
  const nth = api.calls.filter((before) => before.name === name).length + 1
  const call = { name, nth, body }
  api.calls.push(call)
  const trouble = await api.trouble(call)
  if (trouble === 'before') return void request.socket.destroy()
  if (trouble !== null && typeof trouble === 'object') return refuse(response, trouble)
  const { status, result } = await sessions.callFunction(role, { schema, name }, body)
  if (trouble === 'after') return void request.socket.destroy()
  sendJson(response, status, result)
}

/** The role of the request's key, or null when the gateway refuses it. */
function roleOf({ keys }: TestDataApi, { headers }: IncomingMessage): string | null {
  const key = headers.apikey
  if (headers.authorization !== `Bearer ${String(key)}`) return null
  if (key === keys.publishable) return 'anon'
  return key === keys.secret || key === keys.legacy ? 'service_role' : null
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body))
}

/** The form in which a gateway reports an error: a web page, unless the headers differ. */
function refuse(
  response: ServerResponse,
  { status, headers, body }: Exclude<Trouble, string>,
): void {
  response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body)
}
