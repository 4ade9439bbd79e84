-- Generated from supabase/schemas/23_sources.sql until the first release: do not edit.

-- Sources: found, added and changed.

create function catalog.find_source(p_name text) returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name = p_name
$$;

-- list_sources(…) → sources by name, after the name `p_after`; all without a limit.
create function catalog.list_sources(p_after text default null, p_limit integer default null) returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name > coalesce(p_after, '') order by name limit p_limit
$$;

-- add_source(…) → the new source; no row when the name is taken.
create function catalog.add_source(p_name text, p_connector text, p_settings jsonb, p_schedule jsonb) returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.sources (name, connector, settings, schedule) values (p_name, p_connector, p_settings, p_schedule)
    on conflict (name) do nothing returning *
$$;

-- save_source(…) → the source as it is then. Null leaves a member as it is; of the policy, what is named is changed. A schedule counts from
-- here on when its times change, which they do not with the day on which the run is full.
create function catalog.save_source(p_source integer, p_schedule jsonb, p_policy jsonb, p_state text) returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.sources
    set schedule = coalesce(p_schedule, schedule), policy = policy || coalesce(p_policy, '{}'),
        state = coalesce(p_state, state),
        schedule_set_at = case when p_schedule - 'fullOn' <> schedule - 'fullOn' then clock_timestamp() else schedule_set_at end
    where id = p_source returning *
$$;

-- set_settings(…) → the source with other settings. They may make another product of a record that has not changed, so the next full run looks
-- at every record again, and a run that was interrupted is given up.
--   run/active  a run is under way, which has read the settings already
create function catalog.set_settings(p_source integer, p_settings jsonb) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  active catalog.runs;
begin
  perform from catalog.sources where id = p_source for update;
  select * into active from catalog.runs r where r.source_id = p_source and r.state in ('running', 'interrupted');
  if active.state = 'running' and (active.queued or exists (
      select from catalog.leases l where l.source_id = p_source and l.run_id = active.id and l.expires_at > clock_timestamp())) then
    perform catalog.fail('run/active', format('Run %s of this source is under way with the settings as they are', active.id));
  end if;
  update catalog.runs set state = 'superseded', reason = 'given up because the settings of the source were changed', finished_at = clock_timestamp()
    where source_id = p_source and id = active.id;
  return query update catalog.sources set settings = p_settings, normaliser_version = 0 where id = p_source returning *;
end $$;
