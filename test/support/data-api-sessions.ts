// The database side of the Data API's stand-in: calls of functions and reads of views in two shared
// sessions of a login role that can become `service_role` or `anon`, as PostgREST makes them.
// https://docs.postgrest.org/en/stable/references/transactions.html

import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { TestDatabase } from './database.ts'
import { buildRead, loadRelations, ReadRefused } from './data-api-reads.ts'
import { buildSafeupdate, canCheck } from './safeupdate.ts'

export interface DataApiResponse {
  readonly status: number
  readonly result: unknown
}

interface Signature {
  readonly names: readonly string[]
  readonly types: readonly string[]
  readonly defaults: number
  /** It returns a table. */
  readonly set: boolean
  readonly settings: readonly string[]
}

/** The role, the schema and the arguments of a call. */
interface Setting {
  readonly role: string
  readonly schema: string
  readonly settings: readonly string[]
}

/** Creates a login role and its sessions. `close` ends the sessions and drops the role. */
export async function openDataApiSessions(database: TestDatabase): Promise<DataApiSessions> {
  const login = `authenticator_${randomUUID().slice(0, 8)}`
  await createRoles(database.pool, login)
  const address = new URL(database.url)
  address.username = login
  address.password = 'only-a-test'
  const pool = new pg.Pool({ connectionString: address.href, max: 2 })
  pool.on('error', () => undefined)
  // A session may be ended between two statements, and the next one reports it.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new DataApiSessions(login, pool, database.pool)
}

export class DataApiSessions {
  readonly #login: string
  readonly #pool: pg.Pool
  readonly #admin: pg.Pool
  readonly #signatures = new Map<string, Signature>()

  constructor(login: string, pool: pg.Pool, admin: pg.Pool) {
    this.#login = login
    this.#pool = pool
    this.#admin = admin
  }

  async close(): Promise<void> {
    await this.#pool.end()
    await this.#admin.query(`drop role ${this.#login}`)
  }

  /**
   * Calls a function with named arguments, given as JSON. Returns its value, or the rows of a
   * function that returns a table.
   */
  async callFunction(
    role: string,
    { schema, name: fn }: { readonly schema: 'pipeline' | 'api'; readonly name: string },
    body: string,
  ): Promise<DataApiResponse> {
    const id = `${schema}.${fn}`
    const signature = this.#signatures.get(id) ?? (await loadSignature(this.#admin, schema, fn))
    const given = Object.keys(JSON.parse(body) as Record<string, unknown>)
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
          message: `Could not find the function ${id}(${given.sort().join(', ')}) in the schema cache`,
        },
      }
    }
    this.#signatures.set(id, signature)
    return await this.#transact({ role, schema, settings: signature.settings }, async (client) => {
      const columns = given
        .map((name) => `"${name}" ${signature.types[signature.names.indexOf(name)]}`)
        .join(', ')
      const from = given.length === 0 ? '' : `from json_to_record($1::json) as a (${columns})`
      const call = `${schema}."${fn}"(${given.map((name) => `"${name}" := a."${name}"`).join(', ')})`
      const value = signature.set
        ? `coalesce((select json_agg(f) from (select * from ${call}) f), '[]')`
        : call
      const { rows } = await client.query<{ body: string | null }>(
        `select ${value}::text as body ${from}`,
        given.length === 0 ? [] : [body],
      )
      return rows[0]?.body
    })
  }

  /** Reads a view of schema `api`. */
  async readView(role: string, view: string, params: URLSearchParams): Promise<DataApiResponse> {
    try {
      const statement = buildRead(await loadRelations(this.#admin), view, params)
      return await this.#transact(
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
  async #transact(
    { role, schema, settings }: Setting,
    work: (client: pg.PoolClient) => Promise<string | null | undefined>,
  ): Promise<DataApiResponse> {
    const client = await this.#pool.connect()
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
async function createRoles(db: pg.Pool, login: string): Promise<void> {
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
  await db.query(
    `select catalog.allow_data_api('service_role'), catalog.allow_calls('service_role')`,
  )
}

async function loadRoleSettings(db: pg.PoolClient, role: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ settings: string[] | null }>(
    'select rolconfig as settings from pg_roles where rolname = $1',
    [role],
  )
  return rows[0]?.settings ?? []
}

async function loadSignature(
  db: pg.Pool,
  schema: string,
  fn: string,
): Promise<Signature | undefined> {
  const { rows } = await db.query<Signature>(
    `select coalesce(p.proargnames[1:p.pronargs], '{}') as names, array(select format_type(a, null) from unnest(p.proargtypes) a) as types,
       p.pronargdefaults as defaults, p.proretset as set, coalesce(p.proconfig, '{}') as settings
     from pg_proc p where p.pronamespace = $1::regnamespace and p.proname = $2`,
    [schema, fn],
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
  const [, own] = /^PT([1-5]\d\d)$/.exec(code) ?? []
  if (own !== undefined) return Number(own)
  if (code === '42501') return role === 'anon' ? 401 : 403
  // PostgREST reports safeupdate's error as an error of the caller.
  if (code === '21000' && message.endsWith('requires a WHERE clause')) return 400
  return STATUSES.find(([codes]) => codes.test(code))?.[1] ?? 400
}
