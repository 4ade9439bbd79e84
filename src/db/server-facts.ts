// Facts about the server, the login and the database, for `doctor`, `/health` and notices.

import type { Db } from './pool.ts'

export interface ServerFacts {
  /** For example `18.4`. */
  readonly version: string
  /** True when the login may create temporary tables and use schema catalog, if that exists. */
  readonly writable: boolean
  /** True when the login may create what a pending migration creates. */
  readonly mayMigrate: boolean
  /** True when the server refuses writes. */
  readonly readOnly: boolean
  /** The owner of the tables: this login or another; `none` before the first migration. */
  readonly tables: 'own' | 'foreign' | 'none'
  /** The server's clock minus the local one. Half of the round trip is subtracted. */
  readonly skewMs: number
}

export async function inspectServer(db: Db): Promise<ServerFacts> {
  const sentMs = Date.now()
  const {
    rows: [clock],
  } = await db.query<{ now: Date }>('select clock_timestamp() as now')
  const middleMs = (sentMs + Date.now()) / 2
  const {
    rows: [facts],
  } = await db.query<Omit<ServerFacts, 'skewMs'>>(`
    select
      split_part(current_setting('server_version'), ' ', 1) as version,
      current_setting('transaction_read_only')::boolean as "readOnly",
      has_database_privilege(current_database(), 'temporary') and coalesce(
        (select has_schema_privilege(oid, 'usage') from pg_namespace where nspname = 'catalog'),
        true
      ) as writable,
      coalesce(
        (select has_schema_privilege(oid, 'create') from pg_namespace where nspname = 'catalog'),
        has_database_privilege(current_database(), 'create')
      ) as "mayMigrate",
      coalesce(
        (select case when pg_has_role(relowner, 'usage') then 'own' else 'foreign' end
         from pg_class where oid = to_regclass('catalog.products')),
        'none'
      ) as tables`)
  if (!clock || !facts) throw new Error('The server returned no row')
  return { ...facts, skewMs: clock.now.getTime() - middleMs }
}

/** Returns the version as the server reports it, which is also a check that it responds. */
export async function loadServerVersion(db: Db): Promise<string> {
  const { rows } = await db.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  )
  return rows[0]?.version ?? ''
}

/** Returns `new` for a database without tables, and `empty` for one without a source. */
export async function findCatalogueState(db: Db): Promise<'new' | 'empty' | 'used'> {
  const { rows } = await db.query<{ isNew: boolean }>(
    `select to_regclass('catalog.sources') is null as "isNew"`,
  )
  if (rows[0]?.isNew === true) return 'new'
  const { rowCount } = await db.query('select from catalog.sources limit 1')
  return rowCount === 0 ? 'empty' : 'used'
}
