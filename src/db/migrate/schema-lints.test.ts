// Lints of a migrated database, in the spirit of the advisors of Supabase's dashboard. Each must find
// nothing, and must find each object that is planted for it. The numbers are those of the advisors:
// https://supabase.com/docs/guides/database/database-advisors

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { migrateQueue } from '../../jobs/queues.ts'

interface Lint {
  /** The numbers of the advisors that report the same. */
  readonly advisors: readonly string[]
  /** Statements that each plant one fault. */
  readonly planted: readonly string[]
  /** Returns the faults as `object`. */
  readonly sql: string
}

const { pool: db } = await openTestDatabase()
await migrateQueue(db)

/** The schemas that a project exposes over the Data API. */
const config = readFileSync(new URL('../../../supabase/config.toml', import.meta.url), 'utf8')
const [, exposed = ''] = /^schemas = \[(.*)\]$/m.exec(config) ?? []
const EXPOSED = `(${exposed.replaceAll('"', "'")})`
/** BullMQ's tables have no row security: the schema is not exposed, and no lint allows a grant on it. */
const ALL = `('catalog', 'api', 'pipeline', 'bullmq')`
const WORKERS = `(select oid from pg_roles where rolname = any (catalog.list_worker_roles()))`

/** Every right that is not the owner's, on schemas, relations, columns and functions. */
const RIGHTS = `(
  select n.oid::regnamespace::text as object, n.nspname, a.grantee, a.privilege_type
    from pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a where a.grantee <> nspowner
  union all
  select c.oid::regclass::text, n.nspname, a.grantee, a.privilege_type
    from pg_class c join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) a where a.grantee <> relowner
  union all
  select c.oid::regclass || '.' || attname, n.nspname, a.grantee, a.privilege_type
    from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace,
      aclexplode(attacl) a where a.grantee <> relowner
  union all
  select p.oid::regprocedure::text, n.nspname, a.grantee, a.privilege_type
    from pg_proc p join pg_namespace n on n.oid = pronamespace,
      aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee <> proowner)`

const LINTS: Readonly<Record<string, Lint>> = {
  'a table of the catalogue without row security': {
    advisors: ['0007', '0013'],
    sql: `select oid::regclass as object from pg_class
      where relnamespace = 'catalog'::regnamespace and relkind in ('r', 'p') and not relrowsecurity`,
    planted: ['alter table catalog.prices disable row level security'],
  },
  'a policy for another role than a reader, or for more than reading': {
    advisors: ['0003', '0006', '0015', '0024'],
    sql: `select schemaname || '.' || tablename as object from pg_policies
      where schemaname in ${ALL} and (cmd <> 'SELECT' or roles && '{public,anon,authenticated}'
        or policyname <> 'published to ' || roles[1])`,
    planted: [
      'create policy planted on catalog.prices for select using (true)',
      'create policy planted on catalog.prices for update to pg_monitor using (true)',
      'create policy planted on catalog.prices for select to pg_monitor using (true)',
    ],
  },
  'an exposed schema with anything but views and functions': {
    advisors: ['0016', '0017', '0019'],
    sql: `select oid::regclass as object from pg_class
      where relnamespace::regnamespace::text in ${EXPOSED} and relkind not in ('v', 'i')`,
    planted: [
      'create table api.planted ()',
      'create materialized view api.planted as select 1 as one',
      'create sequence pipeline.planted',
    ],
  },
  "a view that reads with its owner's rights": {
    advisors: ['0002', '0010'],
    sql: `select oid::regclass as object from pg_class
      where relnamespace::regnamespace::text in ${ALL} and relkind = 'v'
        and not coalesce(reloptions && '{security_invoker=on,security_invoker=true}', false)`,
    planted: [
      'create view api.planted as select 1 as one',
      'create view catalog.planted with (security_invoker = off) as select 1 as one',
    ],
  },
  // A body in SQL syntax was bound to its objects when the function was created, so no path matters.
  'a function whose names depend on the path of its caller': {
    advisors: ['0011'],
    sql: `select oid::regprocedure as object from pg_proc
      where pronamespace::regnamespace::text in ${ALL} and not (prosqlbody is not null and not prosecdef)
        and not exists (select from unnest(proconfig) setting where setting like 'search_path=%')`,
    planted: [
      `create function catalog.planted() returns integer language sql as 'select 1'`,
      'create function api.planted() returns integer language sql security definer begin atomic select 1; end',
    ],
  },
  'a right on an object that is neither for workers nor for secret keys': {
    advisors: ['0023', '0026', '0027', '0028', '0029'],
    sql: `select distinct object from ${RIGHTS} r
      where nspname in ${ALL} and grantee not in (select oid from pg_roles
        where oid in ${WORKERS} or rolname in (select role from catalog.data_api_roles))`,
    planted: [
      'grant select on catalog.runs to pg_monitor',
      'grant select (id) on catalog.runs to public',
      'grant usage on schema catalog to public',
      'grant execute on function catalog.fail to public',
      `create function pipeline.planted() returns integer language sql set search_path = pg_catalog as 'select 1'`,
      'grant select on all tables in schema bullmq to pg_monitor',
    ],
  },
  'a right of a worker other than to call functions': {
    advisors: [],
    sql: `select distinct object from ${RIGHTS} r
      where nspname in ('catalog', 'api', 'pipeline') and grantee in ${WORKERS}
        and privilege_type <> 'EXECUTE' and (nspname, privilege_type) <> ('catalog', 'USAGE')`,
    planted: [
      'grant select on catalog.runs to shelfsync_fetcher',
      'grant insert (id) on catalog.runs to shelfsync_maintainer',
      'grant usage on schema pipeline to shelfsync_fetcher',
    ],
  },
  'a worker role with more than granted rights': {
    advisors: [],
    sql: `select rolname as object from pg_roles where oid in ${WORKERS}
      and (rolsuper or rolcreaterole or rolcreatedb or rolcanlogin or rolreplication or rolbypassrls)`,
    planted: ['alter role shelfsync_fetcher bypassrls'],
  },
  'rights that objects of the future would have': {
    advisors: [],
    sql: `select defaclnamespace::regnamespace as object from pg_default_acl
      where defaclnamespace::regnamespace::text in ${ALL}`,
    planted: ['alter default privileges in schema api grant select on tables to pg_monitor'],
  },
  'a table without a primary key': {
    advisors: ['0004'],
    sql: `select c.oid::regclass as object from pg_class c
      where relnamespace = 'catalog'::regnamespace and relkind in ('r', 'p')
        and not exists (select from pg_index where indrelid = c.oid and indisprimary)`,
    planted: ['create table catalog.planted (id integer)'],
  },
  'a foreign key without an index on its columns': {
    advisors: ['0001'],
    sql: `select conrelid::regclass || '.' || conname as object from pg_constraint
      where contype = 'f' and connamespace::regnamespace::text in ${ALL} and not exists (
        select from pg_index where indrelid = conrelid and indpred is null
          and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey)`,
    planted: [
      'alter table catalog.prices add column planted bigint references catalog.sources (id)',
    ],
  },
  'an index that another one repeats, or that is invalid': {
    advisors: ['0009', '0030'],
    sql: `select i.indexrelid::regclass as object from pg_index i join pg_class c on c.oid = i.indrelid
      where relnamespace = 'catalog'::regnamespace and (not i.indisvalid or exists (
        select from pg_index o where o.indrelid = i.indrelid and o.indexrelid < i.indexrelid
          and o.indkey = i.indkey and o.indclass = i.indclass and o.indoption = i.indoption
          and o.indcollation = i.indcollation and o.indpred is not distinct from i.indpred
          and o.indexprs is not distinct from i.indexprs))`,
    planted: [
      'create index on catalog.products (source_id, external_id)',
      `update pg_index set indisvalid = false where indexrelid = 'catalog.runs_id'::regclass`,
    ],
  },
  'an extension, which the platform may lack or keep in another schema': {
    advisors: ['0014', '0022'],
    sql: `select extname as object from pg_extension where extname <> 'plpgsql'`,
    planted: [`update pg_extension set extname = 'planted' where extname = 'plpgsql'`],
  },
}

for (const [name, { advisors, sql, planted }] of Object.entries(LINTS)) {
  const numbers = advisors.length === 0 ? '' : ` (advisors ${advisors.join(', ')})`
  test(`the schema does not have ${name}${numbers}`, async () => {
    assert.deepEqual((await db.query(sql)).rows, [])
    for (const statement of planted) {
      const found = await db.transaction(async (client) => {
        await client.query(statement)
        const { rowCount } = await client.query(sql)
        await client.query('rollback; begin')
        return rowCount
      })
      assert.notEqual(found, 0, statement)
    }
  })
}
