-- Generated from supabase/schemas/23_sources.sql until the first release: do not edit.

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

-- add_source(name, connector, settings, schedule, predecessor, options, policy) → the new source; no row if
-- the name is taken.
--   p_predecessor  the source that it continues, see begin_succession
--   p_policy       where it differs from the defaults, such as what the licence of the supplier allows
create function catalog.add_source(
  p_name text, p_connector text, p_settings jsonb, p_schedule jsonb, p_predecessor integer default null,
  p_options jsonb default '{}', p_policy jsonb default '{}'
) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  added catalog.sources;
begin
  insert into catalog.sources (name, connector, settings, schedule, options, policy)
    values (p_name, p_connector, p_settings, p_schedule, p_options, p_policy)
    on conflict (name) do nothing returning * into added;
  if added.id is not null then
    perform catalog.begin_succession(added.id, p_predecessor);
    return next added;
  end if;
end $$;

-- assert_idle(source): fails with `run/active` if a worker has a run of this source, or may take one.
create function catalog.assert_idle(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  active bigint := (
    select max(r.id) from catalog.runs r
    where r.source_id = p_source and r.state = 'running' and (r.queued or exists (
      select from catalog.leases l
      where l.source_id = p_source and l.run_id = r.id and l.expires_at > clock_timestamp())));
begin
  if active is not null then
    perform catalog.fail('run/active', format('Run %s of this source is running', active));
  end if;
end $$;

-- save_source(source, schedule, policy, state, settings, options) → the source afterwards.
--   null        leaves that member as it is; of the policy, only the given members change, see apply_licence
--   schedule    counts from now on if its times change, which `fullOn` does not; refreshes likewise
--   settings, options   may change what is fetched, and the product that an unchanged record becomes: an
--               interrupted or fetched run is superseded, and the next full run normalises every record
--               again. After new settings, the failures of the host count from 0
--   errors      run/active  a running run has read the old settings; nothing is changed
create function catalog.save_source(
  p_source integer, p_schedule jsonb, p_policy jsonb, p_state text, p_settings jsonb,
  p_options jsonb default null
) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before jsonb;
begin
  select schedule into before from catalog.sources where id = p_source for update;
  perform catalog.apply_licence(p_source, p_policy);
  if coalesce(p_settings, p_options) is not null then
    perform catalog.assert_idle(p_source);
    update catalog.runs
      set state = 'superseded', reason = 'the settings of the source were changed',
          finished_at = clock_timestamp()
      where source_id = p_source and state in ('running', 'interrupted', 'fetched');
  end if;
  if p_settings is not null then
    perform catalog.record_host_result(p_source, null);
  end if;
  update catalog.sources
    set due_at = null, schedule = coalesce(p_schedule, schedule),
        policy = policy || coalesce(p_policy, '{}'),
        state = coalesce(p_state, state), settings = coalesce(p_settings, settings),
        options = coalesce(p_options, options),
        normaliser_version = case when coalesce(p_settings, p_options) is null then normaliser_version
                                  else 0 end,
        schedule_set_at = case
          when p_schedule - 'fullOn' - 'refresh' <> schedule - 'fullOn' - 'refresh' then clock_timestamp()
          else schedule_set_at end,
        refresh_set_at = case
          when p_schedule -> 'refresh' is distinct from schedule -> 'refresh' and p_schedule is not null
            then clock_timestamp()
          else refresh_set_at end
    where id = p_source;
  perform catalog.schedule_reads(p_source, before);
  return query select * from catalog.sources where id = p_source;
end $$;

-- set_source_state(source, state): pauses or resumes the source and changes nothing else, for a caller that
-- may not change settings. See save_source.
create function catalog.set_source_state(p_source integer, p_state text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.save_source(p_source, null, null, p_state, null);
end $$;

-- rename_source(source, name) → the source afterwards; no row if another source has this name. Artifacts
-- stay under the keys that they have. The next copy of `latest.ndjson` is written under the new name. Alerts
-- of the source follow, so that none is sent again.
--   errors      run/active  a worker of a running run writes under the old name
create function catalog.rename_source(p_source integer, p_name text) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  former text;
begin
  select name into former from catalog.sources where id = p_source for update;
  perform catalog.assert_idle(p_source);
  return query
    update catalog.sources s
      set name = p_name, copied_run = null,
          former_names = array(
            select distinct n from unnest(s.former_names || s.name) n where n <> p_name order by n)
      where s.id = p_source and not exists (select from catalog.sources o where o.name = p_name)
      returning s.*;
  if found then
    update catalog.alerts a set source = p_name, subject = p_name where a.source = former;
  end if;
end $$;
