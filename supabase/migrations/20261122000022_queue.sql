-- Generated from supabase/schemas/22_queue.sql until the first release: do not edit.

-- Readers for the queue and the scheduler: which runs have work left, and which sources are due.

-- find_active_run(…): the run that is under way, or that the next sync goes on with. `owner`: who holds it, or some of its tasks, and `leased`: whether still.
create function catalog.find_active_run(p_source integer)
returns table (id bigint, kind text, state text, queued boolean, artifact_run bigint, options jsonb, owner text, leased boolean, started_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.kind, r.state, r.queued, r.artifact_run, r.options, l.owner, r.state = 'running' and l.expires_at > clock_timestamp(), r.started_at
  from catalog.runs r
  left join lateral (
    select * from catalog.leases where source_id = r.source_id and run_id = r.id order by expires_at desc limit 1
  ) l on true
  where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
$$;

-- load_run(…): a queued run as its workers need it.
create function catalog.load_run(p_source integer, p_run bigint)
returns table (kind text, since timestamptz, artifact_run bigint, first_load boolean, started_at timestamptz, options jsonb, correlation_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select kind, since, artifact_run, first_load, started_at, options, correlation_id from catalog.runs where source_id = p_source and id = p_run
$$;

-- list_due_sources(): since when each active source may be due, for whoever keeps the schedules: when it was last begun with, or when its schedule was
-- set, if that was later. `at` is the one clock that counts. A run that was resumed and interrupted again waits for the next time; one that was
-- resumed and ended does not stand for the time at which it was resumed.
create function catalog.list_due_sources() returns table (source text, schedule jsonb, last_run bigint, since timestamptz, at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0), greatest(case when r.state in ('interrupted', 'fetched') then r.last_started_at else r.started_at end, s.schedule_set_at), clock_timestamp()
  from catalog.sources s
  left join lateral (
    select id, state, started_at, last_started_at from catalog.runs where source_id = s.id and kind in ('full', 'incremental') order by id desc limit 1
  ) r on true
  where s.state = 'active'
$$;

-- list_queued_runs(run): what the queue has to do, for whoever fills it: each run, or that one, with the parts that are not applied to their end.
create function catalog.list_queued_runs(p_run bigint default null)
returns table (source_id integer, source text, run_id bigint, last_started_at timestamptz, options jsonb, closed boolean, parts_left integer[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.source_id, s.name, r.id, r.last_started_at, r.options, a.state <> 'open', coalesce((
    select array_agg(p.no order by p.no) from catalog.parts p
    left join catalog.checkpoints c on c.source_id = p.source_id and c.run_id = r.id and c.part_no = p.no
    where p.source_id = r.source_id and p.run_id = r.artifact_run and not coalesce(c.done, false)), '{}')
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.state = 'running' and r.queued and (p_run is null or r.id = p_run)
$$;

-- list_obsolete_runs(runs): which of them a younger run of their source has made up for, or went with their source: what failed in them asks nothing
-- of anybody. A replay, which does not ask the supplier, makes up for replays only.
create function catalog.list_obsolete_runs(p_runs bigint[]) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select asked.id from unnest(p_runs) as asked (id)
  where not exists (
    select from catalog.runs r
    where r.id = asked.id and not exists (
      select from catalog.runs y
      where y.source_id = r.source_id and y.id >= r.id and y.state = 'succeeded' and (y.kind <> 'replay' or r.kind = 'replay')))
$$;
