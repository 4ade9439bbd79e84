-- The read model of runs and sources, for the command line, HTTP and the metrics. Each fact has one reader.
-- Every number comes from rows, so a restart loses nothing.

-- find_lease_lapse(…) → when the lease of a running run's worker expired; null while it lasts. A queued run
-- may wait for workers without a lease, and one whose worker left gets another within five seconds.
create function catalog.find_lease_lapse(p_source integer, p_run bigint, p_queued boolean) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when count(*) = 0 and p_queued then null
      when max(expires_at) + case when p_queued then catalog.takeover_grace() else interval '0' end
        > clock_timestamp() then null
      else coalesce(max(expires_at), clock_timestamp())
    end
  from catalog.leases where source_id = p_source and run_id = p_run
$$;

-- derive_run_state(run) → the state of a run as of now. A running run without a live worker is interrupted,
-- although no worker was left to record that.
create function catalog.derive_run_state(
  p_run catalog.runs, out state text, out reason text, out finished_at timestamptz
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  state := p_run.state;
  reason := catalog.show_reason(p_run);
  finished_at := p_run.finished_at;
  if p_run.state = 'running' then
    finished_at := catalog.find_lease_lapse(p_run.source_id, p_run.id, p_run.queued);
    if finished_at is not null then
      state := 'interrupted';
      reason := 'the lease of its worker has expired: another worker, or the next sync, resumes the run';
    end if;
  end if;
end $$;

-- summarize_runs(runs) → these runs, the newest first.
--   state        as of now, see derive_run_state
--   fetched      archived lines; fetched_all: the fetch has ended
--   counts       lines by outcome so far; of a settled run, its ledger
create function catalog.summarize_runs(p_runs bigint[]) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, correlation_id text,
  options jsonb, since timestamptz, key_count integer, artifact_run bigint,
  started_at timestamptz, finished_at timestamptz,
  measured_at timestamptz, fetched_all boolean, expected bigint, fetched bigint, counts jsonb,
  ledger jsonb, removals_off text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, r.kind, n.state, n.reason, r.error_code, r.correlation_id, r.options,
    r.since, cardinality(r.keys), r.artifact_run, r.started_at, n.finished_at, clock_timestamp(),
    coalesce(a.state <> 'open', false), a.expected,
    coalesce((r.ledger ->> 'fetched')::bigint, (
      select sum(p.line_count) from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.artifact_run), 0)::bigint,
    coalesce(r.ledger, catalog.sum_run_counts(r.source_id, r.id)), r.ledger, r.removals_off
  from catalog.runs r
  cross join lateral catalog.derive_run_state(r) n
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.id = any (p_runs) order by r.id desc
$$;

-- list_runs(…) → runs, the newest first: of one source, in one state, of one kind and started since an
-- instant, or of all with null, older than `p_before`.
create function catalog.list_runs(
  p_source text, p_state text, p_before bigint, p_limit integer, p_kind text default null,
  p_since timestamptz default null
) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, correlation_id text,
  options jsonb, since timestamptz, key_count integer, artifact_run bigint,
  started_at timestamptz, finished_at timestamptz,
  measured_at timestamptz, fetched_all boolean, expected bigint, fetched bigint, counts jsonb,
  ledger jsonb, removals_off text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  of_source integer := (select id from catalog.sources where name = p_source);
  before bigint := coalesce(p_before, catalog.max_id());
  -- Ids follow the times of the starts.
  oldest bigint := case when p_since is null then 0
    else coalesce((select min(r.id) from catalog.runs r where r.started_at >= p_since), before) end;
begin
  return query select * from catalog.summarize_runs(case
    -- A branch for each filter, so that each has its index. The stored state is filtered first, then the
    -- state as of now.
    when p_source is not null then array(
      select r.id from catalog.runs r
      where r.source_id = of_source and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (p_state is null or (select n.state from catalog.derive_run_state(r) n) = p_state)
      order by r.id desc limit p_limit)
    when p_state is null then array(
      select r.id from catalog.runs r
      where r.id < before and r.id >= oldest and (p_kind is null or r.kind = p_kind)
      order by r.id desc limit p_limit)
    when p_state = 'interrupted' then array(
      select r.id from catalog.runs r
      where r.state in ('running', 'interrupted') and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (select n.state from catalog.derive_run_state(r) n) = p_state
      order by r.id desc limit p_limit)
    else array(
      select r.id from catalog.runs r
      where r.state = p_state and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (select n.state from catalog.derive_run_state(r) n) = p_state
      order by r.id desc limit p_limit)
  end);
end $$;

-- find_current_run(source) → the active run, otherwise the newest one, of the source or of all with null. A
-- keyed run counts only before the first run of a whole source.
create function catalog.find_current_run(p_source text) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  of_source integer := (select id from catalog.sources where name = p_source);
begin
  return coalesce(
    (select r.id from catalog.runs r
      where r.state = 'running' and r.keys is null and (p_source is null or r.source_id = of_source)
        and catalog.find_lease_lapse(r.source_id, r.id, r.queued) is null
      order by r.id desc limit 1),
    -- Separate queries, so that each has its index: this is called twice a second, and the table is large.
    case when p_source is null
      then (select r.id from catalog.runs r where r.keys is null order by r.id desc limit 1)
      else (select r.id from catalog.runs r
        where r.source_id = of_source and r.keys is null order by r.id desc limit 1)
    end,
    case when p_source is null
      then (select r.id from catalog.runs r order by r.id desc limit 1)
      else (select r.id from catalog.runs r where r.source_id = of_source order by r.id desc limit 1)
    end);
end $$;

-- find_settled_full_run(source) → the newest full run that settled. Its `removals_off` is valid until the
-- next one settles.
create function catalog.find_settled_full_run(p_source integer) returns setof catalog.runs
language sql stable set search_path = pg_catalog, pg_temp as $$
  select * from catalog.runs where source_id = p_source and kind = 'full' and ledger is not null
  order by id desc limit 1
$$;

-- outline_run(run, state, finished_at) → a run with its state as of now; null for a run that does not exist.
create function catalog.outline_run(p_run catalog.runs, p_state text, p_finished_at timestamptz) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_run.id is not null then jsonb_build_object('id', p_run.id, 'kind', p_run.kind,
    'state', coalesce(p_state, p_run.state), 'started_at', p_run.started_at,
    'finished_at', case p_run.state when 'running' then p_finished_at else p_run.finished_at end) end
$$;

-- find_longest_run(source) → seconds that the longest of its last ten successful runs took, interruptions
-- included; null without one. Keyed runs do not count.
create function catalog.find_longest_run(p_source integer) returns double precision
language sql stable set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from max(r.finished_at - r.started_at))::double precision
  from (
    select started_at, finished_at from catalog.runs
    where source_id = p_source and keys is null and state = 'succeeded' order by id desc limit 10
  ) r
$$;

-- summarize_sources(source, after, limit, sources) → sources by name: one, or all with null; of these, up to
-- `p_limit` after the name `p_after`; or those named in `p_sources`. Counts no products, so the cost does not
-- depend on the size of the catalogue.
--   last_run      newest run of the whole source; `last_refresh` the newest refresh
--   last_good_at  start of the last successful full or incremental run; of a source that only has refreshes,
--                 of the last successful refresh
--   due_since     the source is due at the first time of its schedule after this
--   late_products whether a product is late, see has_late_products; null unless the source only has refreshes
--   longest_seconds see find_longest_run; null unless a run of the whole source is running
--   removals_off  the reason why the newest full run could not detect missing products; else null
--   failures      see record_host_result; `not_before` see find_earliest_run
create function catalog.summarize_sources(
  p_source text, p_after text default null, p_limit integer default null, p_sources text[] default null
) returns table (
  id integer, source text, connector text, state text, schedule jsonb, watermark timestamptz,
  last_good_at timestamptz, due_since timestamptz, last_run jsonb, last_refresh jsonb, held_runs bigint[],
  held_prices bigint, open_reviews bigint, open_quarantine bigint, copied_run bigint,
  copy_error text, removals_off text, failures integer, failure_class text, failing_since timestamptz,
  failed_at timestamptz, not_before timestamptz, late_products boolean, longest_seconds double precision
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with picked as materialized (
    -- Two branches, so that each has its index; the other reads nothing.
    (select * from catalog.sources s
      where p_sources is null and (p_source is null or s.name = p_source) and s.name > coalesce(p_after, '')
      order by s.name limit p_limit)
    union all select s.* from unnest(p_sources) named join catalog.sources s on s.name = named
  ), reviews as (
    select source_id, count(*) as total,
      count(*) filter (where kind in ('price', 'disagreement')) as prices
    from catalog.reviews where state = 'open' and source_id in (select id from picked) group by source_id
  ), quarantine as (
    select source_id, count(*) as total
    from catalog.quarantine where state = 'open' and source_id in (select id from picked) group by source_id
  ), held as (
    select source_id, array_agg(id order by id) as runs
    from catalog.runs where state = 'held' and source_id in (select id from picked) group by source_id
  )
  select s.id, s.name, s.connector, s.state, s.schedule, s.watermark, good.started_at,
    greatest(case when s.schedule ->> 'fullOn' = 'never' then f.started_at else good.started_at end,
      s.schedule_set_at),
    catalog.outline_run(r, n.state, n.finished_at), catalog.outline_run(f, m.state, m.finished_at),
    coalesce(held.runs, '{}'), coalesce(reviews.prices, 0), coalesce(reviews.total, 0),
    coalesce(quarantine.total, 0), s.copied_run, s.copy_error,
    -- As find_settled_full_run, whose call for each source would take longer than all the rest.
    (select f.removals_off from catalog.runs f
      where f.source_id = s.id and f.kind = 'full' and f.ledger is not null order by f.id desc limit 1),
    s.failures, s.failure_class, s.failing_since, s.failed_at,
    catalog.find_earliest_run(s.failures, s.failed_at),
    case when s.schedule ->> 'fullOn' = 'never' then catalog.has_late_products(s.id, s.schedule) end,
    case when n.state = 'running' then catalog.find_longest_run(s.id) end
  from picked s
  left join lateral (
    select * from catalog.runs r where r.source_id = s.id and r.keys is null order by r.id desc limit 1
  ) r on true
  left join lateral (
    select * from catalog.runs f where f.source_id = s.id and f.kind = 'refresh' order by f.id desc limit 1
  ) f on true
  -- Called only for running runs, because of the offset.
  left join lateral (select * from catalog.derive_run_state(r) where r.state = 'running' offset 0) n on true
  left join lateral (select * from catalog.derive_run_state(f) where f.state = 'running' offset 0) m on true
  left join lateral (
    select started_at from catalog.runs g
    where g.source_id = s.id and g.state = 'succeeded' and (g.kind in ('full', 'incremental')
      or g.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by g.id desc limit 1
  ) good on true
  left join reviews on reviews.source_id = s.id
  left join quarantine on quarantine.source_id = s.id left join held on held.source_id = s.id
  order by s.name
$$;

-- load_status(source, after, limit) → the current run (null before the first) and a page of the sources, see
-- summarize_sources, of one source or of all, and the open circuit breakers, in one call.
create function catalog.load_status(
  p_source text, p_after text, p_limit integer, out run jsonb, out sources jsonb, out breakers jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (select to_jsonb(r) from catalog.summarize_runs(array[catalog.find_current_run(p_source)]) r),
    (select coalesce(jsonb_agg(s order by s.source), '[]')
      from catalog.summarize_sources(p_source, p_after, p_limit) s),
    (select coalesce(jsonb_agg(b), '[]') from catalog.list_breakers() b)
$$;

-- count_source(source) → what `sources remove` would remove. Reads every product of the source.
create function catalog.count_source(p_source integer) returns table (
  products bigint, artifacts bigint, stored_bytes bigint, open_reviews bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (select count(*) from catalog.products where source_id = p_source),
    (select count(*) from catalog.artifacts where source_id = p_source and state <> 'purged'),
    (select coalesce(sum(p.stored_bytes), 0)::bigint
      from catalog.parts p
      join catalog.artifacts a on a.source_id = p.source_id and a.run_id = p.run_id
      where p.source_id = p_source and a.state <> 'purged'),
    (select count(*) from catalog.reviews where source_id = p_source and state = 'open')
$$;

-- count_products(sources) → the products of these sources, or of all with null, by status. Reads every
-- product, which takes seconds on a catalogue of millions.
create function catalog.count_products(p_sources text[] default null)
returns table (source text, products jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name,
    '{"draft": 0, "active": 0, "unavailable": 0, "filtered": 0, "removed": 0}' || coalesce((
      select jsonb_object_agg(status, n) from (
        select status, count(*) as n from catalog.products p
        where p.source_id = s.id group by status) k), '{}')
  from (
    select id, name from catalog.sources where p_sources is null
    union all
    select s.id, s.name from unnest(p_sources) named join catalog.sources s on s.name = named
  ) s order by s.name
$$;
