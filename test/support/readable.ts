// Searches everything that a database and an artifact store hold, or return, for texts: tables, views,
// functions, files.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import type { Db } from '../../src/db/pool.ts'

/** Values for the parameters of functions, by name and type. Others are null, or have their default. */
export type Arguments = Readonly<Record<string, readonly unknown[]>>

/** Calls of one function, at most. */
const CALLS_MAX = 250

/** Tables of schema `catalog` in which a row contains one of the texts, also in bytes. */
export async function findInTables(db: Db, texts: readonly string[]): Promise<string[]> {
  const { rows: tables } = await db.query<{ name: string; bytes: string[] }>(
    `select c.relname as name, coalesce(array_agg(a.attname::text)
       filter (where a.atttypid = 'bytea'::regtype), '{}') as bytes
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'catalog'::regnamespace and c.relkind in ('r', 'p') group by 1 order by 1`,
  )
  const found: string[] = []
  for (const { name, bytes } of tables) {
    const columns = bytes.map((column) => ` || ' ' || coalesce(encode(t.${column}, 'escape'), '')`)
    // The archive of a call is a data URL in the row of its part.
    if (name === 'parts')
      columns.push(
        ` || case when starts_with(t.key, 'data:') then encode(decode(split_part(t.key, ',', 2), 'base64'), 'escape') else '' end`,
      )
    const { rows } = await db.query<{ n: number }>(
      `select count(*)::integer as n from catalog.${name} t
       where exists (select from unnest($1::text[]) w where position(w in to_jsonb(t)::text${columns.join('')}) > 0)`,
      [texts],
    )
    if ((rows[0]?.n ?? 0) > 0) found.push(name)
  }
  return found
}

/** Views of schema `api` that show one of the texts to this role. */
export async function findInViews(
  db: Db,
  texts: readonly string[],
  role: string | null = null,
): Promise<string[]> {
  const { rows: views } = await db.query<{ name: string; columns: string }>(
    `select v.relname as name, (
       select string_agg(quote_ident(a.attname), ', ') from pg_attribute a
       where a.attrelid = v.oid and a.attnum > 0
         and ($1::text is null or has_column_privilege($1, v.oid, a.attnum, 'select'))
     ) as columns from pg_class v where v.relnamespace = 'api'::regnamespace and v.relkind = 'v' order by 1`,
    [role],
  )
  const found: string[] = []
  await db.transaction(async (client) => {
    if (role !== null) await client.query(`set local role ${role}`)
    for (const { name, columns } of views) {
      if (columns === null) continue
      const { rows } = await client.query(
        `select from (select ${columns} from api.${name}) v
         where exists (select from unnest($1::text[]) w where position(w in to_jsonb(v)::text) > 0) limit 1`,
        [texts],
      )
      if (rows.length > 0) found.push(name)
    }
  })
  return found
}

interface Callable {
  readonly name: string
  readonly schema: string
  readonly parameters: readonly (readonly [name: string, type: string])[]
  /** The view whose rows are its argument. */
  readonly relation: string | null
}

/**
 * Functions that read, of the schemas api, catalog and pipeline, that return one of the texts with some
 * of these arguments. Functions that take rows of tables are left out: they are called by others.
 */
export async function findInFunctions(
  db: Db,
  texts: readonly string[],
  values: Arguments,
): Promise<string[]> {
  const { rows } = await db.query<Callable>(
    `select p.proname as name, n.nspname as schema, (
       select case when t.typtype = 'c' then t.oid::regtype::text end from pg_type t where t.oid = p.proargtypes[0]
     ) as relation, coalesce((
       select jsonb_agg(jsonb_build_array(p.proargnames[i + 1], format_type(t, null)) order by i)
       from unnest(p.proargtypes::oid[]) with ordinality a (t, o) cross join lateral (select o::integer - 1 as i) k
     ), '[]') as parameters
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname in ('api', 'catalog', 'pipeline') and p.provolatile <> 'v'
       and p.prorettype not in ('void'::regtype, 'boolean'::regtype, 'trigger'::regtype)
     order by 1, 2`,
  )
  const found = new Set<string>()
  for (const callable of rows) {
    if (callable.relation !== null && callable.schema !== 'api') continue
    if (await returnsText(db, callable, texts, values)) found.add(callable.name)
  }
  return [...found]
}

async function returnsText(
  db: Db,
  { name, schema, parameters, relation }: Callable,
  texts: readonly string[],
  values: Arguments,
): Promise<boolean> {
  const matches = `exists (select from unnest($1::text[]) w where position(w in to_jsonb(f)::text) > 0)`
  if (relation !== null) {
    const sql = `select from ${relation} r cross join lateral ${schema}.${name}(r) f where ${matches} limit 1`
    return (await db.query(sql, [texts])).rows.length > 0
  }
  const lists = parameters.map(
    ([parameter, type]) => values[`${parameter} ${type}`] ?? values[parameter] ?? [null],
  )
  const types = parameters.map(([, type], at) => `$${at + 2}::${type}`)
  const sql = `select from ${schema}.${name}(${types.join(', ')}) f where ${matches} limit 1`
  for (const call of combine(lists).slice(0, CALLS_MAX)) {
    // A call with other arguments than the function accepts fails.
    const result = await db.query(sql, [texts, ...call]).catch(() => null)
    if (result !== null && result.rows.length > 0) return true
  }
  return false
}

function combine(lists: readonly (readonly unknown[])[]): unknown[][] {
  let calls: unknown[][] = [[]]
  for (const list of lists) {
    if (calls.length * list.length > CALLS_MAX * 4) calls = calls.slice(0, CALLS_MAX)
    calls = calls.flatMap((call) => list.map((value) => [...call, value]))
  }
  return calls
}

/** Files below a folder that contain one of the texts, also compressed. */
export async function findInFiles(folder: string, texts: readonly string[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.filter((one) => one.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name))
    const content = entry.name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes
    if (texts.some((text) => content.includes(text))) found.push(entry.name)
  }
  return found
}

/** Moves every time in the database into the past, as if this long had passed. */
export async function passTime(db: Db, interval: string): Promise<void> {
  const { rows } = await db.query<{ name: string; columns: string[] }>(
    `select c.relname as name, array_agg(a.attname::text) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'catalog'::regnamespace and c.relkind in ('r', 'p')
       and a.atttypid = 'timestamptz'::regtype group by 1`,
  )
  for (const { name, columns } of rows) {
    const moved = columns.map((column) => `${column} = ${column} - $1::interval`)
    await db.query(`update catalog.${name} set ${moved.join(', ')}`, [interval])
  }
}
