// The objects of the schema in a database, compared with those that the migrations create.
// scripts/write-schema-objects.ts records them in supabase/db/objects.json, for all versions of
// Postgres and any owner; schemas.test.ts compares more, but only on one server.

import { readFile } from 'node:fs/promises'
import { WORKER_ROLES } from '../rights.ts'

/** A database or one of its connections. */
interface Queryable {
  query<Row extends object>(sql: string): Promise<{ readonly rows: Row[] }>
}

/** Maps the file of a migration to the objects that it creates or changes last: name → hash. */
export type SchemaObjects = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface SchemaDamage {
  /** For example `function catalog.fail(text,text)`. */
  readonly object: string
  readonly state: 'missing' | 'changed'
  /** The migration that creates it. */
  readonly file: string
}

const OBJECTS_FILE = new URL('../../../supabase/db/objects.json', import.meta.url)

/** Schemas, without an error when one does not exist. */
const SCHEMAS = `(select oid from pg_namespace where nspname in ('catalog', 'api', 'pipeline'))`
const RELATIONS = `(select oid from pg_class where relnamespace in ${SCHEMAS} and relname <> 'migrations')`
const WORKERS = `(${WORKER_ROLES.map((role) => `'${role}'`).join(', ')})`
const TO_WORKERS = `join pg_roles r on r.oid = acl.grantee where rolname in ${WORKERS}`

/** Grants to other roles, and policies of `publish`, are the operator's. */
const OBJECTS = `
  select case relkind when 'v' then 'view ' else 'table ' end || oid::regclass as name,
    concat_ws(' ', relkind, reloptions) as definition
    from pg_class where oid in ${RELATIONS} and relkind in ('r', 'p', 'v')
  union all
  select 'row security of ' || oid::regclass, concat_ws(' ', relrowsecurity, relforcerowsecurity)
    from pg_class where oid in ${RELATIONS} and relkind in ('r', 'p')
  union all
  select format('column %s.%s', attrelid::regclass, attname),
    concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated)
    from pg_attribute join pg_class c on c.oid = attrelid
    where attrelid in ${RELATIONS} and relkind in ('r', 'p', 'v') and attnum > 0 and not attisdropped
  union all
  select format('constraint %s of %s', conname, conrelid::regclass), concat_ws(' ', contype, convalidated)
    from pg_constraint where conrelid in ${RELATIONS} and contype in ('p', 'u', 'f', 'c', 'x')
  union all
  select 'index ' || indexrelid::regclass, concat_ws(' ', indisvalid, indisunique, pg_get_indexdef(indexrelid))
    from pg_index where indrelid in ${RELATIONS}
  union all
  select format('trigger %s of %s', tgname, tgrelid::regclass), concat_ws(' ', tgenabled, tgtype, tgfoid::regproc)
    from pg_trigger where tgrelid in ${RELATIONS} and not tgisinternal
  union all
  select format('policy %s of %s', polname, polrelid::regclass), concat_ws(' ', polcmd, polpermissive)
    from pg_policy where polrelid in ${RELATIONS} and polname not like 'published to %'
  union all
  select 'function ' || oid::regprocedure, concat_ws(' ', prosrc, prosecdef, provolatile, proisstrict, proretset,
      prorettype::regtype, proconfig, proargnames, proargmodes, pronargdefaults)
    from pg_proc where pronamespace in ${SCHEMAS} and prokind in ('f', 'p')
  union all
  select format('grant %s on function %s to %s', lower(privilege_type), p.oid::regprocedure, rolname), ''
    from pg_proc p, aclexplode(proacl) acl ${TO_WORKERS} and pronamespace in ${SCHEMAS}
  union all
  select format('grant %s on table %s to %s', lower(privilege_type), c.oid::regclass, rolname), ''
    from pg_class c, aclexplode(relacl) acl ${TO_WORKERS} and c.oid in ${RELATIONS}
  union all
  select format('grant %s on schema %s to %s', lower(privilege_type), nspname, rolname), ''
    from pg_namespace n, aclexplode(nspacl) acl ${TO_WORKERS} and n.oid in ${SCHEMAS}`

/** Maps the name of each object in the database to a hash of its definition. */
export async function listObjects(db: Queryable): Promise<Map<string, string>> {
  const { rows } = await db.query<{ name: string; hash: string }>(
    `select name, left(md5(definition), 12) as hash from (${OBJECTS}) o order by name collate "C"`,
  )
  return new Map(rows.map(({ name, hash }) => [name, hash]))
}

/** Lists the objects that are missing or differ, in the order of the migrations. */
export async function listSchemaDamage(db: Queryable): Promise<SchemaDamage[]> {
  const found = await listObjects(db)
  const expected = JSON.parse(await readFile(OBJECTS_FILE, 'utf8')) as SchemaObjects
  return Object.entries(expected).flatMap(([file, objects]) =>
    Object.entries(objects).flatMap(([object, hash]): SchemaDamage[] => {
      const own = found.get(object)
      return own === hash
        ? []
        : [{ object, state: own === undefined ? 'missing' : 'changed', file }]
    }),
  )
}

/**
 * For a database whose migrations were applied without a record, for example by psql: lists what is
 * missing or differs, or returns null when it has no table of Shelfsync.
 */
export async function findUnrecordedSet(db: Queryable): Promise<SchemaDamage[] | null> {
  const { rows } = await db.query<{ found: boolean }>(
    "select to_regclass('catalog.sources') is not null as found",
  )
  return rows[0]?.found === true ? listSchemaDamage(db) : null
}

/** Says what is missing in a database of `findUnrecordedSet`, and how to complete it. */
export function describePartialSet(damage: readonly SchemaDamage[]): string {
  const files = [...new Set(damage.map(({ file }) => file))]
  const [{ object, state } = { object: '', state: '' }] = summarizeDamage(damage)
  return (
    `The database has tables of Shelfsync without a record of their migrations, and ${files.length} ` +
    `${files.length === 1 ? 'file is' : 'files are'} not wholly applied: ${files.slice(0, 3).join(', ')}` +
    `${files.length > 3 ? ', …' : ''} (${object} is ${state}). Apply each of them in this order with ` +
    '`psql "$DATABASE_URL" -v ON_ERROR_STOP=1 --single-transaction -f supabase/migrations/FILE`, then run `shelfsync migrate`. ' +
    'A file that was applied in part cannot be applied again: without data to keep, drop the schemas ' +
    'catalog, api and pipeline, and run `shelfsync migrate`'
  )
}

/**
 * Describes damage by its objects, without the parts of a missing table or view and without the
 * grants on a missing function.
 */
export function summarizeDamage(damage: readonly SchemaDamage[]): SchemaDamage[] {
  const gone = damage
    .filter(({ object, state }) => state === 'missing' && /^(table|view|function) /.test(object))
    .map(({ object }) => object)
  const isPart = ({ object }: SchemaDamage): boolean =>
    gone.some((whole) => {
      const name = whole.slice(whole.indexOf(' ') + 1)
      return (
        object.endsWith(` of ${name}`) ||
        object.startsWith(`column ${name}.`) ||
        (object.startsWith('grant ') &&
          / on (?:table|function) /.test(object) &&
          object.includes(` ${name} to `))
      )
    })
  return damage.filter((one) => !isPart(one))
}
