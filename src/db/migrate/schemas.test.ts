// People read supabase/schemas, and databases run supabase/migrations. Each is loaded into an empty
// database here, and their definitions are compared.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import type { Db } from '../pool.ts'
import { listMigrations, MIGRATIONS_DIRECTORY, SCHEMAS_DIRECTORY } from './migration-files.ts'

const SCHEMAS = `('catalog'::regnamespace, 'api'::regnamespace, 'pipeline'::regnamespace)`
const RELATIONS = `(select oid from pg_class where relnamespace in ${SCHEMAS} and relname <> 'migrations')`

/** Each lists `name` and `definition` of one kind of object; names are unique within a kind. */
const KINDS: Readonly<Record<string, string>> = {
  schema: `select nspname as name, concat_ws(' ', nspowner::regrole, nspacl, obj_description(oid)) as definition
    from pg_namespace where oid in ${SCHEMAS}`,
  relation: `select oid::regclass::text as name, concat_ws(' ', relkind, relowner::regrole, relacl, reloptions, relrowsecurity,
      relforcerowsecurity, obj_description(oid), case relkind when 'v' then pg_get_viewdef(oid) end) as definition
    from pg_class where oid in ${RELATIONS} and relkind <> 'i'`,
  column: `select format('%s.%s', attrelid::regclass, attname) as name, concat_ws(' ', attnum, format_type(atttypid, atttypmod), attnotnull,
      attidentity, attcollation::regcollation, attcompression, attstorage, attacl, pg_get_expr(adbin, adrelid),
      col_description(attrelid, attnum)) as definition
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid in ${RELATIONS} and attnum > 0 and not attisdropped`,
  constraint: `select format('%s of %s', conname, conrelid::regclass) as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where conrelid in ${RELATIONS}`,
  index: `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index where indrelid in ${RELATIONS}`,
  trigger: `select format('%s of %s', tgname, tgrelid::regclass) as name, pg_get_triggerdef(oid) as definition
    from pg_trigger where tgrelid in ${RELATIONS} and not tgisinternal`,
  policy: `select format('%s of %s', polname, polrelid::regclass) as name, concat_ws(' ', polcmd, polpermissive, polroles,
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) as definition from pg_policy where polrelid in ${RELATIONS}`,
  function: `select oid::regprocedure::text as name, concat_ws(' ', proowner::regrole, proacl, obj_description(oid), pg_get_functiondef(oid)) as definition
    from pg_proc where pronamespace in ${SCHEMAS} and prokind in ('f', 'p')`,
}

test('the migrations create exactly the objects of the schema files', async (t) => {
  const schemas = await listDefinitions(await load(t, SCHEMAS_DIRECTORY))
  const migrations = await listDefinitions(await load(t, MIGRATIONS_DIRECTORY))
  assert.ok(schemas.size > 500)
  assert.deepEqual([...migrations], [...schemas])
})

test('the comparison detects a changed function, grant, comment, column, policy and view', async (t) => {
  const db = await load(t, SCHEMAS_DIRECTORY)
  const before = await listDefinitions(db)
  const changes = {
    'function catalog.list_sources(text,integer)':
      'alter function catalog.list_sources(text, integer) rows 7',
    'function catalog.fail(text,text)': 'grant execute on function catalog.fail to public',
    'schema api': `comment on schema api is 'other words'`,
    'column catalog.prices.currency': 'alter table catalog.prices alter currency drop not null',
    'policy all of catalog.runs': 'create policy "all" on catalog.runs using (true)',
    'relation api.brands': 'alter view api.brands reset (security_invoker)',
  }
  for (const [name, statement] of Object.entries(changes)) {
    await db.query(statement)
    const after = await listDefinitions(db)
    assert.notEqual(after.get(name), before.get(name), name)
  }
})

async function load(t: TestContext, directory: string): Promise<Db> {
  return (await openTestDatabase(t, { migrations: await listMigrations(directory) })).pool
}

/** Maps each object, such as `function catalog.fail(text,text)`, to its definition. */
async function listDefinitions(db: Db): Promise<Map<string, string>> {
  const definitions = new Map<string, string>()
  for (const [kind, sql] of Object.entries(KINDS)) {
    const { rows } = await db.query<{ name: string; definition: string }>(`${sql} order by 1`)
    for (const { name, definition } of rows) definitions.set(`${kind} ${name}`, definition)
  }
  return definitions
}
