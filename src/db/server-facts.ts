// Facts about the server and the login for `shelfsync doctor`.

import type { Db } from './pool.ts'

export interface ServerFacts {
  /** `18.4`. */
  readonly version: string
  /** True when the login may create temporary tables and use schema catalog, if that exists. */
  readonly writable: boolean
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
        (select case when pg_has_role(relowner, 'usage') then 'own' else 'foreign' end
         from pg_class where oid = to_regclass('catalog.products')),
        'none'
      ) as tables`)
  if (!clock || !facts) throw new Error('The server returned no row')
  return { ...facts, skewMs: clock.now.getTime() - middleMs }
}
