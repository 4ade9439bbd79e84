-- Generated from supabase/schemas/22_queue.sql until the first release: do not edit.

-- Readers for the queue and the scheduler: runs with remaining work, and sources that may be due.

-- find_active_run(source, keys) → the run that is active, or that the next sync resumes; no row without one.
-- With keys: the refresh or import of these keys; with `p_import` the one that a person requested.
--   owner       of its last lease, if there is one
--   leased      that lease has not expired
create function catalog.find_active_run(
  p_source integer, p_keys text[] default null, p_import boolean default false
) returns table (
  id bigint, kind text, state text, queued boolean, artifact_run bigint, options jsonb, owner text,
  leased boolean, started_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.kind, r.state, r.queued, r.artifact_run, r.options, l.owner,
    r.state = 'running' and l.expires_at > clock_timestamp(), r.started_at
  from catalog.runs r
  left join lateral (
    select * from catalog.leases
    where source_id = r.source_id and run_id = r.id order by expires_at desc limit 1
  ) l on true
  where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
    and r.keys is not distinct from p_keys and r.options ? 'import' = p_import
$$;

-- load_run(source, run) → the members of a run that its workers need; no row if it does not exist.
create function catalog.load_run(p_source integer, p_run bigint)
returns table (
  kind text, since timestamptz, keys text[], artifact_run bigint, first_load boolean, started_at timestamptz,
  options jsonb, correlation_id text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select kind, since, keys, artifact_run, first_load, started_at, options, correlation_id
  from catalog.runs where source_id = p_source and id = p_run
$$;

-- list_due_sources() → the active sources that are due, or whose next time no scheduler has computed, up to
-- 1,000 of them, and the instant from which it counts.
--   last_run    newest full or incremental run; 0 without one
--   since       start of that run, or the last change of the schedule if that was later. An interrupted run
--               counts from its last resumption; one that was resumed and has ended counts from its first
--               start. Of a flagged source, not before find_earliest_run
--   at          the database's clock, by which a source is due
create function catalog.list_due_sources()
returns table (
  source text, schedule jsonb, last_run bigint, since timestamptz, schedule_set_at timestamptz, at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0),
    greatest(case when r.state in ('interrupted', 'fetched') then r.last_started_at else r.started_at end,
      s.schedule_set_at, catalog.find_earliest_run(s.failures, s.failed_at)),
    s.schedule_set_at, clock_timestamp()
  from (
    -- Two conditions, so that each has the index.
    select * from catalog.sources where state = 'active' and due_at <= now()
    union all
    select * from catalog.sources where state = 'active' and due_at is null
      -- Such a source only has refreshes, see FullOn.
      and schedule ->> 'fullOn' is distinct from 'never'
    limit 1000
  ) s
  left join lateral (
    select id, state, started_at, last_started_at from catalog.runs
    where source_id = s.id and kind in ('full', 'incremental') order by id desc limit 1
  ) r on true
$$;

-- save_due_times(sources, set_at, due_at): the next times of these sources, whose schedules were set at the
-- times of `p_set_at`. A source whose schedule has changed meanwhile is computed again.
create function catalog.save_due_times(p_sources text[], p_set_at timestamptz[], p_due_at timestamptz[])
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources s set due_at = d.due_at
  from unnest(p_sources, p_set_at, p_due_at) as d (source, set_at, due_at)
  where s.name = d.source and date_trunc('milliseconds', s.schedule_set_at) = d.set_at
$$;

-- list_due_refreshes() → each active source with a refresh schedule and without a running run (of a source
-- that refreshes due products: without a running refresh), and the instant from which the schedule's next
-- time counts. Due products have a licence that ends, so failures of the host do not space their refreshes
-- out: the circuit breaker protects it.
--   last_run    newest refresh by schedule; 0 without one
--   after       the product up to which that run went; empty without one
--   since       start of that run, or the last change of the refresh schedule if that was later
create function catalog.list_due_refreshes()
returns table (source text, schedule jsonb, last_run bigint, after text, since timestamptz, at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0), coalesce(r.options ->> 'refreshTo', ''),
    greatest(r.last_started_at, s.refresh_set_at,
      case when s.schedule #>> '{refresh,products}' <> 'due'
        then catalog.find_earliest_run(s.failures, s.failed_at) end),
    clock_timestamp()
  from catalog.sources s
  left join lateral (
    select id, options, last_started_at from catalog.runs
    where source_id = s.id and kind = 'refresh' and options ? 'refreshTo' order by id desc limit 1
  ) r on true
  where s.state = 'active' and s.schedule ? 'refresh' and not exists (
    select from catalog.runs a where a.source_id = s.id and a.state = 'running'
      and (a.kind = 'refresh' or s.schedule #>> '{refresh,products}' <> 'due'))
$$;

-- list_refresh_keys(source, products, after, limit) → the products of the next refresh, in its order.
--   all         active products after `p_after`, then those from the beginning
--   changing    those whose prices changed most often in the last 30 days; none without a change
--   due         see list_due_products
create function catalog.list_refresh_keys(p_source integer, p_products text, p_after text, p_limit integer)
returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_products = 'changing' then
    return query
      select p.external_id from catalog.products p
      join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
      where p.source_id = p_source and p.status = 'active' and c.state in ('current', 'past')
        and c.observed_at > greatest(p.first_seen_at, now() - interval '30 days')
      group by p.external_id order by count(*) desc, p.external_id limit p_limit;
  elsif p_products = 'due' then
    return query select d.external_id from catalog.list_due_products(p_source, p_limit) d;
  else
    return query
      select o.external_id
      from (
        (select p.external_id, 1 as lap from catalog.products p
          where p.source_id = p_source and p.status = 'active' and p.external_id > p_after collate "C"
          order by p.external_id limit p_limit)
        union all
        (select p.external_id, 2 from catalog.products p
          where p.source_id = p_source and p.status = 'active' and p.external_id <= p_after collate "C"
          order by p.external_id limit p_limit)
      ) o order by o.lap, o.external_id limit p_limit;
  end if;
end $$;

-- list_queued_runs(run) → each running run of the queue, or only `p_run`, with its work.
--   fetched     its artifact is closed: nothing more will be fetched
--   parts_left  parts that are not completely applied, in order
create function catalog.list_queued_runs(p_run bigint default null)
returns table (
  source_id integer, source text, run_id bigint, last_started_at timestamptz, options jsonb, fetched boolean,
  parts_left integer[]
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.source_id, s.name, r.id, r.last_started_at, r.options, a.state <> 'open', coalesce((
    select array_agg(p.no order by p.no)
    from catalog.parts p
    left join catalog.checkpoints c on c.source_id = p.source_id and c.run_id = r.id and c.part_no = p.no
    where p.source_id = r.source_id and p.run_id = r.artifact_run and not coalesce(c.done, false)), '{}')
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.state = 'running' and r.queued and (p_run is null or r.id = p_run)
$$;

-- list_obsolete_runs(runs) → those whose dead letters are obsolete: their source has succeeded since, or was
-- removed. A replay does not fetch from the supplier, so its success counts for replays only. A refresh or an
-- import counts for those of the same keys or of fewer, and a full run for all of them.
create function catalog.list_obsolete_runs(p_runs bigint[]) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select asked.id from unnest(p_runs) as asked (id)
  where not exists (
    select from catalog.runs r
    where r.id = asked.id and not exists (
      select from catalog.runs y
      where y.source_id = r.source_id and y.id >= r.id and y.state = 'succeeded'
        and case
          when r.keys is not null then y.kind = 'full' or y.keys @> r.keys
          when y.keys is not null then false
          else y.kind <> 'replay' or r.kind = 'replay'
        end))
$$;
