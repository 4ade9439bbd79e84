-- Constants that more than one function uses. src/db/constants.test.ts compares those that TypeScript has
-- too.

-- Largest accepted lead of a supplier's clock over the server's: CLOCK_TOLERANCE_MS in
-- src/core/source-time.ts.
create function catalog.clock_tolerance() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 minutes' $$;

-- Fewer changed prices than this never hold a run as a price shift.
create function catalog.shifted_prices_min() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 5 $$;

-- Time after the expiry of a lease within which another worker of the queue takes over the task.
create function catalog.takeover_grace() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 seconds' $$;

-- First number of an advisory lock on a run.
create function catalog.run_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221287 $$;

-- First number of an advisory lock that marks the session of a lease's token.
create function catalog.token_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221286 $$;

-- First number of an advisory lock on the calls of a source.
create function catalog.call_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221285 $$;

-- Larger than every id: the run of an artifact that is newer than all others, or the start of a list.
create function catalog.max_id() returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 9223372036854775807 $$;
