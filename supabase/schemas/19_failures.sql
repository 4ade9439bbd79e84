-- The failures of hosts: how often in a row the runs of a source failed at its host, and when a failing
-- source is tried again. The classes come from src/core/failure-class.ts.

-- record_host_result(source, class): counts the end of a run. A class: the host has failed. Null: it has
-- responded, or the source has new settings, and the failures count from 0.
--   ordering    the source's row is locked before the row of its run, as by start_run
create function catalog.record_host_result(p_source integer, p_class text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_class is not null then
    update catalog.sources
      set failures = failures + 1, failure_class = p_class, failed_at = clock_timestamp(),
          failing_since = coalesce(failing_since, clock_timestamp()), due_at = null
      where id = p_source;
  else
    update catalog.sources
      set failures = 0, failure_class = null, failing_since = null, failed_at = null, due_at = null
      where id = p_source and failures > 0;
  end if;
end $$;

-- record_host_response(source, run): the host of the source has responded, unless the run is a replay or a
-- call, which request nothing.
create function catalog.record_host_response(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
      select from catalog.runs
      where source_id = p_source and id = p_run and kind <> 'replay' and not options ? 'call') then
    perform catalog.record_host_result(p_source, null);
  end if;
end $$;

-- is_flagged(failures) → whether a source is flagged: it is shown first, and its scheduled runs are spaced
-- out.
create function catalog.is_flagged(p_failures integer) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_failures >= 3
$$;

-- find_earliest_run(failures, failed_at) → the instant before which a flagged source has no scheduled run;
-- null for any other source. It is one day after its third failure in a row, then two and four, and at most
-- seven.
create function catalog.find_earliest_run(p_failures integer, p_failed_at timestamptz) returns timestamptz
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when catalog.is_flagged(p_failures)
    then p_failed_at + least(interval '7 days',
      interval '1 day' * 2 ^ least(p_failures - 3, 3)) end
$$;
