// Rules for every function of the schema, checked in a migrated database. An object in a caller's
// temporary schema must never be found by a function, because most functions run as their owner,
// who is a superuser on a plain Postgres.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientBase } from 'pg'
import { migrateQueue } from '../../src/jobs/queues.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { createLogin } from '../support/login.ts'
import { listUnconditional } from '../support/unconditional-writes.ts'

const database = await openTestDatabase()
const { pool: db } = database
const created = await migrateQueue(db)

/** Everything that belongs neither to Postgres nor to the user. */
const OURS = `(select oid from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public'))`

test("every function looks for names in pg_catalog first and in the caller's temporary schema last", async () => {
  // A body in SQL syntax was bound to its objects when it was created. The readers' functions in
  // `api` have such bodies, so that they can be inlined.
  const { rows } =
    await db.query(`select oid::regprocedure::text as function, proconfig from pg_proc
    where pronamespace in ${OURS}
      and not coalesce(proconfig && array['search_path=pg_catalog, pg_temp', 'search_path=bullmq, pg_catalog, pg_temp'], false)
      and (prosecdef or prosqlbody is null or pronamespace <> 'api'::regnamespace)`)
  assert.deepEqual(rows, [])
})

test('several processes can migrate the queue at the same time, and the first creates its tables', async () => {
  assert.equal(created, 'created')
  for (let round = 0; round < 3; round++) {
    const others = await Promise.all(Array.from({ length: 4 }, () => migrateQueue(db)))
    assert.deepEqual([...new Set(others)], ['unchanged'])
  }
})

test("no function updates or deletes without a condition, which Supabase's Data API refuses", async () => {
  const { rows } = await db.query<{
    name: string
    definition: string
  }>(`select oid::regprocedure::text as name, pg_get_functiondef(oid) as definition
    from pg_proc where pronamespace in ${OURS} and pronamespace <> 'bullmq'::regnamespace`)
  assert.ok(rows.length > 80)
  assert.deepEqual(
    rows.flatMap(({ name, definition }) =>
      listUnconditional(definition).map((statement) => `${name}: ${statement}`),
    ),
    [],
  )

  const found = listUnconditional(`create function f() returns void language plpgsql as $$ begin
    with gone as (delete from a), kept as (update b set c = (select 1 from d where e)) select 1;
    perform from a where x for update; insert into a values (1) on conflict do update set b = 1; -- delete from a;
    delete from a where true; update only a as z set b = 'where';
    execute $sql$ delete from %I $sql$; end $$`)
  assert.deepEqual(
    found.map((statement) => statement.trim()),
    [
      'delete from a',
      'update b set c = (select 1 from d where e)',
      "update only a as z set b = ''",
      'delete from %i',
    ],
  )
})

test("an object in a caller's temporary schema never runs in a function, for any role that may call it", async (t) => {
  const { pipeline } = await openMedipim(t, { db })
  await pipeline.sync()
  const source = (await pipeline.source()).id
  const {
    rows: [started],
  } = await db.query<{ run: number; token: number }>(
    `select run_id as run, token from catalog.start_run($1, 'full', null, null,
    false, 1, 'test', null, '1 hour', '1 hour', 'test', false, '{}')`,
    [source],
  )
  assert.ok(started)
  const traps = await listTraps()
  // The effect on a function without the correct path.
  await db.query(`create function public.careless() returns text language plpgsql security definer set search_path = '' as
    $$ declare found text := 'x'; begin return found; end $$`)
  t.after(async () => void (await db.query('drop function public.careless()')))
  await db.query('create role service_role nologin').catch(() => undefined)
  await db.query(`select catalog.allow_data_api('service_role')`)
  await db.query(`select catalog.publish('service_role')`)

  for (const role of [
    'shelfsync_fetcher',
    'shelfsync_maintainer',
    'shelfsync_orchestrator',
    'shelfsync_images',
    'service_role',
  ]) {
    const { name, pool } = await createLogin(t, database, role)
    const session = await pool.connect()
    const ran: string[] = []
    session.on('notice', ({ message = '' }) => {
      if (message.startsWith('sprung as ') && message !== `sprung as ${name}`) ran.push(message)
    })
    try {
      const { rows: calls } = await session.query<{
        call: string
        args: string[]
        names: string[]
      }>(`
        select p.oid::regproc::text as call, array(select format_type(a, null) from unnest(p.proargtypes) a) as args,
          coalesce(p.proargnames[1:p.pronargs], '{}') as names
        from pg_proc p where pronamespace in ${OURS} and pronamespace <> 'bullmq'::regnamespace and prorettype <> 'trigger'::regtype
          and has_function_privilege(oid, 'execute') order by 1`)
      assert.ok(calls.length >= 15, `${role} may call ${calls.length} functions`)
      const may = new Set(calls.map(({ call }) => call))
      for (const opens of ['catalog.open_staging', 'catalog.open_plan'])
        if (may.has(opens)) await session.query(`select ${opens}()`)
      for (const trap of traps) await session.query(trap)
      const facts: Readonly<Record<string, string | number>> = {
        p_source: source,
        p_run: started.run,
        p_artifact_run: started.run,
        p_token: started.token,
        p_name: pipeline.name,
      }
      for (const { call, args, names } of calls) {
        const values = args.map(
          (type, index) =>
            `'${facts[names[index] ?? ''] ?? sampleOf(type)}'::pg_catalog.${qualifiable(type)}`,
        )
        await attempt(
          session,
          `select * from ${call}(${values.join(', ')})`,
          may.has('catalog.open_staging') && !call.endsWith('open_staging'),
        )
        assert.deepEqual(ran, [], `${call} as ${role}`)
      }
      await session.query('select public.careless()')
      assert.equal(ran.length > 0, true, 'the traps work')
    } finally {
      session.release(true)
    }
  }
})

/** Runs in a transaction that is rolled back, with a record in staging. The call may fail. */
async function attempt(session: ClientBase, call: string, staged: boolean): Promise<void> {
  await session.query('begin')
  try {
    if (staged) {
      await session.query(`insert into pg_temp.staged_products (line_no, external_id, status, identifiers, attributes, record_hash, content_hash, raw)
        values (1, 'M0001', 'active', '{}', '{}', '1', '2', '{}'), (2, 'new', 'active', '{}', '{}', '1', '2', '{}')`)
      await session.query(
        `insert into pg_temp.staged_variants (line_no, external_id, position, options) values (1, 'M0001', 1, '{}'), (2, 'new', 1, '{}')`,
      )
      await session.query(`insert into pg_temp.staged_prices (line_no, variant_external_id, price_type, amount_minor, currency)
        values (1, 'M0001', 'public', 1, 'AUD'), (2, 'new', 'public', 1, 'AUD')`)
      await session.query(
        `insert into pg_temp.staged_images (line_no, position, url) values (1, 1, 'u'), (2, 1, 'u')`,
      )
    }
    await session.query(call)
  } catch (error) {
    assert.ok(error instanceof Error && 'severity' in error, String(error))
  } finally {
    await session.query('rollback')
  }
}

function sampleOf(type: string): string {
  if (type.endsWith('[]')) return '{}'
  if (type === 'jsonb') return '{}'
  if (type === 'interval') return '1 hour'
  if (type === 'timestamp with time zone') return '2026-01-01'
  if (type === 'boolean') return 'true'
  return type === 'bytea' ? '' : '1'
}

/** `timestamp with time zone` is syntax, not a name. */
function qualifiable(type: string): string {
  const names: Readonly<Record<string, string>> = {
    'timestamp with time zone': 'timestamptz',
    integer: 'int4',
    bigint: 'int8',
    boolean: 'bool',
    'integer[]': 'int4[]',
    'bigint[]': 'int8[]',
  }
  return names[type] ?? type
}

/**
 * Creates a domain for every type of Postgres, a view for every relation, and namesakes of
 * functions and operators. Each reports the role that runs it.
 */
async function listTraps(): Promise<string[]> {
  const { rows: types } = await db.query<{
    trap: string
  }>(`select format('create domain pg_temp.%1$I as pg_catalog.%1$I check (pg_temp.sprung())', typname) as trap
    from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typcategory <> 'A' and typrelid = 0`)
  const { rows: relations } = await db.query<{
    trap: string
  }>(`select format('create view pg_temp.%I as select %s where pg_temp.sprung()', relname,
      (select string_agg(format('null::%s as %I', case when n.nspname is null then 'pg_catalog.text' else format('%I.%I', n.nspname, ty.typname) end, attname), ', ')
       from pg_attribute a left join pg_type ty on ty.oid = a.atttypid left join pg_namespace n on n.oid = ty.typnamespace and ty.typtype <> 'p'
       where attrelid = c.oid and attnum > 0 and not attisdropped)) as trap
    from pg_class c where relkind in ('r', 'v') and relnamespace in ('pg_catalog'::regnamespace, 'catalog'::regnamespace, 'api'::regnamespace)
      and relname ~ '^(pg_(roles|proc|class|tables|policies|locks|database|namespace|settings|type|attribute|stat_activity)$|[^p]|p[^g])'
      and (relnamespace <> 'api'::regnamespace or relname = 'medipim_products')`)
  const { rows: functions } = await db.query<{
    trap: string
  }>(`select format('create function pg_temp.%I(%s) returns %s language plpgsql as
      $x$ begin perform pg_temp.sprung(); return null; end $x$', proname, pg_get_function_identity_arguments(oid), prorettype::regtype) as trap
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace and not proretset and provariadic = 0 and proname in ('now', 'clock_timestamp', 'length',
      'get_bit', 'md5', 'nextval', 'hashtext', 'jsonb_typeof', 'int4send', 'to_regclass', 'current_setting', 'pg_backend_pid', 'cardinality', 'unnest')
      and prokind = 'f' and prorettype <> 'anyelement'::regtype`)
  return [
    `create function pg_temp.sprung() returns boolean language plpgsql as $$ begin raise warning 'sprung as %', current_user; return true; end $$`,
    `create function pg_temp.sprung_equals(integer, integer) returns boolean language sql as 'select pg_temp.sprung()'`,
    `create operator pg_temp.= (leftarg = integer, rightarg = integer, function = pg_temp.sprung_equals)`,
    `create operator pg_temp.< (leftarg = integer, rightarg = integer, function = pg_temp.sprung_equals)`,
    ...relations.map(({ trap }) => trap),
    ...functions.map(({ trap }) => trap),
    ...types.map(({ trap }) => trap),
  ]
}
