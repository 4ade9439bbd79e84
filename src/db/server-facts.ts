// What the doctor asks the server about itself and about us.

import type { Db } from './pool.ts'

export interface ServerFacts {
  /** `18.4`. */
  readonly version: string
  /** Whether this role may make temporary tables and use schema catalog, as far as that exists. */
  readonly writable: boolean
  /** Whether it takes no writes from us. */
  readonly readOnly: boolean
  /** Whose the tables are; `none` before the first migration. */
  readonly tables: 'own' | 'foreign' | 'none'
  /** The server's clock minus ours, in milliseconds; half of the round trip is taken off. */
  readonly skewMs: number
}

export async function inspectServer(db: Db): Promise<ServerFacts> {
  const askedMs = Date.now()
  const {
    rows: [clock],
  } = await db.query<{ now: Date }>('select clock_timestamp() as now')
  const middleMs = (askedMs + Date.now()) / 2
  const {
    rows: [facts],
  } = await db.query<Omit<ServerFacts, 'skewMs'>>(`
    select split_part(current_setting('server_version'), ' ', 1) as version, current_setting('transaction_read_only')::boolean as "readOnly",
      has_database_privilege(current_database(), 'temporary')
        and coalesce((select has_schema_privilege(oid, 'usage') from pg_namespace where nspname = 'catalog'), true) as writable,
      coalesce((select case when pg_has_role(relowner, 'usage') then 'own' else 'foreign' end from pg_class where oid = to_regclass('catalog.products')), 'none') as tables`)
  if (!clock || !facts) throw new Error('The server answered without a row')
  return { ...facts, skewMs: clock.now.getTime() - middleMs }
}
