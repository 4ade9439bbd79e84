// A stand-in for Supabase's Data API: the gateway checks the key, then functions are called as
// PostgREST calls them, in real sessions that are shared and kept open. It can fail in the ways in
// which the real one fails. https://docs.postgrest.org/en/stable/references/transactions.html

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import type { Lifetime, TestDatabase } from './database.ts'
import { buildRead, loadRelations, ReadRefused } from './data-api-reads.ts'
import { buildSafeupdate, canCheck } from './safeupdate.ts'

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

interface Signature {
  readonly names: readonly string[]
  readonly types: readonly string[]
  readonly defaults: number
  readonly settings: readonly string[]
}

interface Answered {
  readonly status: number
  readonly result: unknown
}

/** The role, the schema and the arguments of a call. */
interface Setting {
  readonly role: string
  readonly schema: string
  readonly settings: readonly string[]
}

/**
 * Serves the schemas `pipeline` and, to readers, `api` of the database, in two sessions of a
 * separate login role that can become `service_role` or `anon`.
 */
export async function startDataApi(t: Lifetime, database: TestDatabase): Promise<TestDataApi> {
  const login = `authenticator_${randomUUID().slice(0, 8)}`
  await makeRoles(database.pool, login)
  const address = new URL(database.url)
  address.username = login
  address.password = 'only-a-test'
  const pool = new pg.Pool({ connectionString: address.href, max: 2 })
  pool.on('error', () => undefined)
  const calls: Call[] = []
  const keys = {
    secret: 'sb_secret_only-for-tests',
    legacy: `eyJhbGciOiJIUzI1NiJ9.${randomUUID()}.c2lnbmF0dXJl`,
    publishable: 'sb_publishable_only-for-tests',
  }
  const signatures = new Map<string, Signature>()
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) =>
      sendJson(response, 500, { code: 'XX000', message: String(error) }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const api: TestDataApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    calls,
    trouble: () => null,
  }
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await pool.end()
    await database.pool.query(`drop role ${login}`)
  })
  return api

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await buffer(request)).toString()
    const key = request.headers.apikey
    const role =
      key === keys.publishable
        ? 'anon'
        : key === keys.secret || key === keys.legacy
          ? 'service_role'
          : null
    if (role === null || request.headers.authorization !== `Bearer ${String(key)}`)
      return sendJson(response, 401, { message: 'Invalid API key' })
    if (Buffer.byteLength(body) > BODY_MAX)
      return refuse(response, { status: 413, body: '<html>too large</html>' })
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
    const [, view] = /^\/rest\/v1\/(\w+)$/.exec(pathname) ?? []
    if (
      request.method === 'GET' &&
      view !== undefined &&
      request.headers['accept-profile'] === 'api'
    ) {
      const { status, result } = await read(role, view, searchParams)
      return sendJson(response, status, result)
    }
    const [, name] = /^\/rest\/v1\/rpc\/(\w+)$/.exec(request.url ?? '') ?? []
    if (request.method !== 'POST' || name === undefined)
      return sendJson(response, 404, {
        code: 'PGRST125',
        message: 'Invalid path specified in request URL',
      })
    if (request.headers['content-profile'] !== 'pipeline')
      return sendJson(response, 406, { code: 'PGRST106', message: 'Invalid schema' })
    const call = { name, nth: calls.filter((before) => before.name === name).length + 1, body }
    calls.push(call)
    const trouble = await api.trouble(call)
    if (trouble === 'before') return void request.socket.destroy()
    if (trouble !== null && typeof trouble === 'object') return refuse(response, trouble)
    const { status, result } = await run(
      role,
      name,
      JSON.parse(body) as Record<string, unknown>,
      body,
    )
    if (trouble === 'after') return void request.socket.destroy()
    sendJson(response, status, result)
  }

  async function run(
    role: string,
    fn: string,
    args: Record<string, unknown>,
    body: string,
  ): Promise<Answered> {
    const signature = signatures.get(fn) ?? (await loadSignature(database.pool, fn))
    const given = Object.keys(args)
    const required = signature?.names.slice(0, signature.names.length - signature.defaults) ?? []
    if (
      !signature ||
      !given.every((name) => signature.names.includes(name)) ||
      !required.every((name) => given.includes(name))
    ) {
      return {
        status: 404,
        result: {
          code: 'PGRST202',
          message: `Could not find the function pipeline.${fn}(${given.sort().join(', ')}) in the schema cache`,
        },
      }
    }
    signatures.set(fn, signature)
    return await transact(
      { role, schema: 'pipeline', settings: signature.settings },
      async (client) => {
        const columns = given
          .map((name) => `"${name}" ${signature.types[signature.names.indexOf(name)]}`)
          .join(', ')
        const from = given.length === 0 ? '' : `from json_to_record($1::json) as a (${columns})`
        const { rows } = await client.query<{ body: string | null }>(
          `select pipeline."${fn}"(${given.map((name) => `"${name}" := a."${name}"`).join(', ')})::text as body ${from}`,
          given.length === 0 ? [] : [body],
        )
        return rows[0]?.body
      },
    )
  }

  async function read(role: string, view: string, params: URLSearchParams): Promise<Answered> {
    try {
      const statement = buildRead(await loadRelations(database.pool), view, params)
      return await transact(
        { role, schema: 'api', settings: [] },
        async (client) => (await client.query<{ body: string }>(statement)).rows[0]?.body,
      )
    } catch (error) {
      if (!(error instanceof ReadRefused)) throw error
      return {
        status: 400,
        result: { code: error.code, message: error.message, details: null, hint: null },
      }
    }
  }

  /** Returns the rows that `work` selects as JSON, in a transaction that begins as in PostgREST. */
  async function transact(
    { role, schema, settings }: Setting,
    work: (client: pg.PoolClient) => Promise<string | null | undefined>,
  ): Promise<Answered> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query(
        `select set_config('search_path', $1, true), set_config('role', $2, true)`,
        [schema, role],
      )
      // First the role's settings, which only a login would apply; then the settings of the
      // function, because the timeout of a running statement cannot be changed.
      for (const [setting = '', value = ''] of [
        ...(await loadRoleSettings(client, role)),
        ...settings,
      ].map((text) => text.split('='))) {
        if (setting === 'statement_timeout')
          await client.query('select set_config($1, $2, true)', [setting, value])
      }
      const body = await work(client)
      await client.query('commit')
      return { status: 200, result: JSON.parse(body ?? 'null') as unknown }
    } catch (error) {
      await client.query('rollback')
      const { code = 'XX000', message, detail = null, hint = null } = error as pg.DatabaseError
      return {
        status: statusOf(code, message, role),
        result: { code, message, details: detail, hint },
      }
    } finally {
      client.release()
    }
  }
}

/**
 * The roles as Supabase creates them: https://supabase.com/docs/guides/database/postgres/timeouts,
 * with safeupdate for the login where it can be built. `service_role` and `anon` belong to the
 * whole server, so another test file may be creating them at the same time.
 */
async function makeRoles(db: pg.Pool, login: string): Promise<void> {
  for (const role of ['service_role', 'anon'])
    await db.query(`create role ${role} nologin`).catch(() => undefined)
  await db.query(`alter role anon set statement_timeout = '3s'`).catch(() => undefined)
  await db.query(`create role ${login} login noinherit password 'only-a-test'`)
  await db.query(
    `alter role ${login} set statement_timeout = '8s'; alter role ${login} set lock_timeout = '8s'`,
  )
  const {
    rows: [server],
  } = await db.query<{ major: number }>(
    `select current_setting('server_version_num')::integer / 10000 as major`,
  )
  if (canCheck && server?.major === 15)
    await db.query(
      `alter role ${login} set session_preload_libraries = '${await buildSafeupdate()}'`,
    )
  await db.query(`grant service_role, anon to ${login}`)
  await db.query(`select catalog.allow_data_api('service_role')`)
}

async function loadRoleSettings(db: pg.PoolClient, role: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ settings: string[] | null }>(
    'select rolconfig as settings from pg_roles where rolname = $1',
    [role],
  )
  return rows[0]?.settings ?? []
}

async function loadSignature(db: pg.Pool, fn: string): Promise<Signature | undefined> {
  const { rows } = await db.query<Signature>(
    `select coalesce(p.proargnames[1:p.pronargs], '{}') as names, array(select format_type(a, null) from unnest(p.proargtypes) a) as types,
       p.pronargdefaults as defaults, coalesce(p.proconfig, '{}') as settings
     from pg_proc p where p.pronamespace = 'pipeline'::regnamespace and p.proname = $1`,
    [fn],
  )
  return rows[0]
}

/**
 * The first match wins.
 * https://docs.postgrest.org/en/stable/references/errors.html#http-status-codes
 */
const STATUSES: readonly (readonly [codes: RegExp, status: number])[] = [
  [/^(08|53(?!400)|57P01)/, 503],
  [/^(0L|0P|28)/, 403],
  [/^2350[35]$/, 409],
  [/^25006$/, 405],
  [/^(09|2[5D]|3[89B]|40|5[3-8]|F0|HV|XX|21000$|42P17$|P0(?!001))/, 500],
  [/^(42883|42P01)$/, 404],
]

export function statusOf(code: string, message: string, role: string): number {
  if (code === '42501') return role === 'anon' ? 401 : 403
  // PostgREST treats safeupdate's error as the caller's.
  if (code === '21000' && message.endsWith('requires a WHERE clause')) return 400
  return STATUSES.find(([codes]) => codes.test(code))?.[1] ?? 400
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
