-- Sources: found, added and changed.

-- find_source(name) → the source; no row if it does not exist.
create function catalog.find_source(p_name text) returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name = p_name
$$;

-- list_sources(after, limit) → sources by name, after the name `p_after`; all of them without a limit.
create function catalog.list_sources(p_after text default null, p_limit integer default null)
returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name > coalesce(p_after, '') order by name limit p_limit
$$;

-- add_source(name, connector, settings, schedule) → the new source; no row if the name is taken.
create function catalog.add_source(p_name text, p_connector text, p_settings jsonb, p_schedule jsonb)
returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.sources (name, connector, settings, schedule)
    values (p_name, p_connector, p_settings, p_schedule)
    on conflict (name) do nothing returning *
$$;

-- save_source(source, schedule, policy, state) → the source afterwards.
--   null        leaves that member as it is; of the policy, only the given members change
--   schedule    counts from now on if its times change, which `fullOn` does not
create function catalog.save_source(p_source integer, p_schedule jsonb, p_policy jsonb, p_state text)
returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.sources
    set schedule = coalesce(p_schedule, schedule), policy = policy || coalesce(p_policy, '{}'),
        state = coalesce(p_state, state),
        schedule_set_at = case when p_schedule - 'fullOn' <> schedule - 'fullOn' then clock_timestamp()
                               else schedule_set_at end
    where id = p_source returning *
$$;

-- set_settings(source, settings) → the source afterwards. New settings may change the product that an
-- unchanged record becomes, so the next full run normalises every record again, and an interrupted run is
-- superseded.
--   errors      run/active  a running run has read the old settings
create function catalog.set_settings(p_source integer, p_settings jsonb) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  active catalog.runs;
begin
  perform from catalog.sources where id = p_source for update;
  for active in
    select * from catalog.runs r where r.source_id = p_source and r.state in ('running', 'interrupted')
  loop
    if active.state = 'running' and (active.queued or exists (
        select from catalog.leases l
        where l.source_id = p_source and l.run_id = active.id and l.expires_at > clock_timestamp())) then
      perform catalog.fail('run/active',
        format('Run %s of this source is running with the present settings', active.id));
    end if;
    update catalog.runs
      set state = 'superseded', reason = 'the settings of the source were changed',
          finished_at = clock_timestamp()
      where source_id = p_source and id = active.id;
  end loop;
  return query
    update catalog.sources set settings = p_settings, normaliser_version = 0 where id = p_source returning *;
end $$;
