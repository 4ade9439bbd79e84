-- Constants that more than one function uses. Those that TypeScript has too are compared by
-- src/db/constants.test.ts.

-- Largest lead of a supplier's clock over ours: CLOCK_TOLERANCE_MS in src/core/source-time.ts.
create function catalog.clock_tolerance() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 minutes' $$;

-- Fewer changed prices than this never hold a run as a price shift.
create function catalog.shifted_prices_min() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 5 $$;

-- Time after a lapsed lease in which another worker of the queue takes the task over.
create function catalog.takeover_grace() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 seconds' $$;

-- First number of an advisory lock on a run.
create function catalog.run_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221287 $$;

-- First number of an advisory lock that marks the session of a lease's token.
create function catalog.token_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221286 $$;

-- Larger than every id: the run of an artifact that is newer than all others, or the start of a list.
create function catalog.max_id() returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 9223372036854775807 $$;
