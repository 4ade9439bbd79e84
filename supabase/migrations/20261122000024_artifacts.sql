-- Generated from supabase/schemas/24_artifacts.sql until the first release: do not edit.

-- Artifacts and their parts: archived by fetch, read by apply, removed by retention.

-- add_part(source, run, token, …) → when the part was archived. The caller has made its bytes durable.
--   age         time since the part was requested; `p_arrived_age` since its first page had arrived
--   waited      see the table
--   note        {complete, expected, watermark, warnings, facts}: the part is the last one, and closes the
--               artifact, see update_artifact
--   idempotent  the same part a second time changes nothing
--   errors      see raise_lease_error
create function catalog.add_part(
  p_source integer, p_run bigint, p_token bigint, p_no integer, p_key text, p_codec text, p_sha256 bytea,
  p_line_count bigint, p_raw_bytes bigint, p_stored_bytes bigint, p_cursor_after jsonb, p_age interval,
  p_note jsonb default null, p_arrived_age interval default '0', p_waited interval default '0'
) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.parts
      (source_id, run_id, no, key, codec, sha256, line_count, raw_bytes, stored_bytes, cursor_after,
        requested_at, arrived_at, waited)
    values (p_source, p_run, p_no, p_key, p_codec, p_sha256, p_line_count, p_raw_bytes, p_stored_bytes,
      p_cursor_after, clock_timestamp() - p_age, clock_timestamp() - p_arrived_age, p_waited)
    on conflict do nothing;
  if p_note is not null then
    perform catalog.update_artifact(p_source, p_run, p_token, true, (p_note ->> 'complete')::boolean,
      (p_note ->> 'expected')::bigint, (p_note ->> 'watermark')::timestamptz, p_note -> 'warnings',
      p_note -> 'facts');
  end if;
  return (select created_at from catalog.parts where source_id = p_source and run_id = p_run and no = p_no);
end $$;

-- update_artifact(source, run, token, …): records the progress or the end of the fetch.
--   closed      nothing more will be fetched; `p_complete` is then the connector's proof that nothing is
--               missing
--   watermark   ignored if it is ahead by more than the clock tolerance: incremental runs would request no
--               changes until that time
--   facts       {error_code, requests, failed_requests}: see the table; without it, they stay
--   errors      see raise_lease_error
create function catalog.update_artifact(
  p_source integer, p_run bigint, p_token bigint, p_closed boolean, p_complete boolean, p_expected bigint,
  p_watermark timestamptz, p_warnings jsonb, p_facts jsonb default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  update catalog.artifacts
    set state = case when p_closed then 'closed' else state end,
        closed_at = case when p_closed then coalesce(closed_at, clock_timestamp()) end,
        complete = p_complete,
        expected = coalesce(p_expected, expected),
        watermark = greatest(
          case when p_watermark <= clock_timestamp() + catalog.clock_tolerance() then p_watermark end,
          watermark),
        warnings = p_warnings,
        error_code = case when p_facts is null then error_code else p_facts ->> 'error_code' end,
        requests = coalesce((p_facts ->> 'requests')::integer, requests),
        failed_requests = coalesce((p_facts ->> 'failed_requests')::integer, failed_requests)
    where source_id = p_source and run_id = p_run;
end $$;

-- find_artifact(source, run) → the artifact, `purged` once its licence has ended; no row if the run has none.
create function catalog.find_artifact(p_source integer, p_run bigint) returns setof catalog.artifacts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
    select shown.* from catalog.artifacts a cross join lateral catalog.show_artifact(a) shown
    where a.source_id = p_source and a.run_id = p_run;
end $$;

-- find_newest_artifact(source) → the run of the newest closed artifact whose licence has not ended; null
-- without one.
create function catalog.find_newest_artifact(p_source integer) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select a.run_id from catalog.artifacts a
    join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
    where a.source_id = p_source and a.state = 'closed' and a.purge_began_at is null and r.keys is null
      and not catalog.is_expired_artifact(a)
    order by a.run_id desc limit 1);
end $$;

-- find_newest_full_artifact(source) → the newest full run, in any state, whose artifact is complete and has
-- all its bytes, and whose licence has not ended; null without one.
create function catalog.find_newest_full_artifact(p_source integer) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select a.run_id
    from catalog.artifacts a join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
    where a.source_id = p_source and a.state = 'closed' and a.complete and a.purge_began_at is null
      and r.kind = 'full' and not catalog.is_expired_artifact(a)
    order by a.run_id desc limit 1);
end $$;

-- measure_part(source, run, no) → seconds since the first page of the part had arrived; null without the
-- part.
create function catalog.measure_part(p_source integer, p_run bigint, p_no integer) returns double precision
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from clock_timestamp() - arrived_at)
  from catalog.parts where source_id = p_source and run_id = p_run and no = p_no
$$;

-- list_parts(source, run) → the parts of the artifact, in order, see show_part.
create function catalog.list_parts(p_source integer, p_run bigint) returns setof catalog.parts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
    select shown.* from catalog.parts p cross join lateral catalog.show_part(p) shown
    where p.source_id = p_source and p.run_id = p_run order by p.no;
end $$;

-- record_copy(source, run, error, age): records that `latest.ndjson` contains the artifact of `p_run`, or
-- that writing it failed with `p_error`. Both null: the source has no copy.
--   age         how long it took; with it, the copy is an event of the run
create function catalog.record_copy(
  p_source integer, p_run bigint, p_error text, p_age interval default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.run_events (source_id, run_id, event, detail)
    select source_id, id, 'copied', jsonb_strip_nulls(jsonb_build_object(
      'seconds', extract(epoch from p_age), 'failed', case when p_error is not null then true end))
    from catalog.runs where source_id = p_source and id = p_run and p_age is not null;
  update catalog.sources
    set copied_run = case when p_error is null then p_run else copied_run end,
        copy_error = p_error,
        copy_failures = copy_failures + case when p_error is null then 0 else 1 end
    where id = p_source
$$;

-- list_retained_artifacts(source) → every artifact that is not purged, by run.
--   finished_at null while a run that applies the artifact, its own or a replay, is active
--   good        its run succeeded
--   whole       its run was a full one that succeeded, and it is complete with all its bytes
--   closed      nothing more will be fetched, and it has all its bytes
--   held        a run that applies it is held
--   latest      `replay` applies it by default
--   archived    it has parts in the store, not only in their rows, and no purge has started to remove them
--   expired     its licence has ended, and no worker has a lease for a run that applies it
create function catalog.list_retained_artifacts(p_source integer) returns table (
  run bigint, keyed boolean, started_at timestamptz, finished_at timestamptz, good boolean, whole boolean,
  closed boolean, held boolean, latest boolean, archived boolean, stored_bytes bigint, expired boolean
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select r.id, r.keys is not null, r.started_at,
    case when u.active then null else coalesce(r.finished_at, r.started_at) end, r.state = 'succeeded',
    r.kind = 'full' and r.state = 'succeeded' and a.state = 'closed' and a.complete
      and a.purge_began_at is null,
    a.state = 'closed' and a.purge_began_at is null, coalesce(u.held, false),
    s.latest_run is not distinct from r.id, p.in_store and a.purge_began_at is null,
    p.stored_bytes::bigint, catalog.is_expired_artifact(a) and not exists (
      select from catalog.runs u
      join catalog.leases l on l.source_id = u.source_id and l.run_id = u.id
      where u.source_id = a.source_id and u.artifact_run = a.run_id and l.expires_at > clock_timestamp())
  from catalog.artifacts a
  join catalog.sources s on s.id = a.source_id
  join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
  cross join lateral (
    select bool_or(u.state in ('running', 'interrupted', 'fetched')) as active,
      bool_or(u.state = 'held') as held
    from catalog.runs u where u.source_id = a.source_id and u.artifact_run = a.run_id
  ) u
  cross join lateral (
    select coalesce(sum(stored_bytes), 0) as stored_bytes,
      coalesce(bool_or(not starts_with(key, 'data:')), false) as in_store
    from catalog.parts p
    where p.source_id = r.source_id and p.run_id = r.id
  ) p
  where a.source_id = p_source and a.state <> 'purged' order by r.id;
end $$;

-- begin_purge(source, run): records that bytes of this artifact may be missing from now on.
--   idempotent  the first instant stays
create function catalog.begin_purge(p_source integer, p_run bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set purge_began_at = now()
    where source_id = p_source and run_id = p_run and purge_began_at is null;
$$;

-- mark_purged(source, runs): records that the bytes of these artifacts have been removed, and deletes the
-- checkpoints and the claims of the runs that applied them. Those of calls are removed here: see
-- archive_call. A run that is interrupted, or fetched and not applied, cannot resume without its artifact: it
-- is superseded.
create function catalog.mark_purged(p_source integer, p_runs bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set state = 'purged'
    where source_id = p_source and run_id = any (p_runs) and state <> 'purged';
  update catalog.runs r
    set state = 'superseded', reason = 'its archive has expired', finished_at = clock_timestamp()
    where r.source_id = p_source and r.artifact_run = any (p_runs)
      and (r.state in ('interrupted', 'fetched') or r.state = 'running' and not exists (
        select from catalog.leases l
        where l.source_id = p_source and l.run_id = r.id and l.expires_at > clock_timestamp()));
  update catalog.parts set cursor_after = null
    where source_id = p_source and run_id = any (p_runs) and cursor_after is not null;
  update catalog.parts set key = 'data:application/x-ndjson;base64,'
    where source_id = p_source and run_id = any (p_runs) and starts_with(key, 'data:');
  delete from catalog.checkpoints
    where source_id = p_source and run_id in (
      select id from catalog.runs where source_id = p_source and artifact_run = any (p_runs));
  delete from catalog.run_events
    where source_id = p_source and event = 'claimed' and run_id in (
      select id from catalog.runs where source_id = p_source and artifact_run = any (p_runs));
$$;
