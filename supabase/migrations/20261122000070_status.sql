-- Generated from supabase/schemas/70_status.sql until the first release: do not edit.

-- Readers of the state of sources and runs, for the status, the metrics and the command line. Every number comes from rows,
-- so a restart loses nothing.

-- find_lease_lapse(…) → since when nothing has been heard of whoever works on a run that is under way; null while its lease lasts. A queued run may
-- wait for workers without any lease, and one that a worker left goes to another a few seconds after that.
create function catalog.find_lease_lapse(p_source integer, p_run bigint, p_queued boolean) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when count(*) = 0 and p_queued then null
      when max(expires_at) + case when p_queued then interval '5 seconds' else interval '0' end > clock_timestamp() then null
      else coalesce(max(expires_at), clock_timestamp())
    end
  from catalog.leases where source_id = p_source and run_id = p_run
$$;

-- derive_run_state(run) → its state as it is to be told: what nobody works on any more is interrupted, though nobody was left to write that down.
create function catalog.derive_run_state(p_run catalog.runs, out state text, out reason text, out finished_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  state := p_run.state;
  reason := p_run.reason;
  finished_at := p_run.finished_at;
  if p_run.state = 'running' then
    finished_at := catalog.find_lease_lapse(p_run.source_id, p_run.id, p_run.queued);
    if finished_at is not null then
      state := 'interrupted';
      reason := 'its worker has been silent for longer than its lease: another worker, or the next sync, resumes the run';
    end if;
  end if;
end $$;

-- run_progress(source, run) → how far one run has come, or no row. With `p_run` that one; else one that is under way, else the newest, of
-- the source `p_source` or of all. `counts` has the lines by outcome, and of a settled run all of its ledger.
create function catalog.run_progress(p_source text, p_run bigint) returns table (
  run bigint, source text, kind text, state text, reason text, error_code text, correlation_id text, options jsonb,
  started_at timestamptz, finished_at timestamptz, measured_at timestamptz, fetched_all boolean, expected bigint, fetched bigint, counts jsonb,
  removals_off text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  of_source integer := (select id from catalog.sources where name = p_source);
  chosen bigint := p_run;
begin
  if chosen is null then
    select r.id into chosen from catalog.runs r
      where r.state = 'running' and (p_source is null or r.source_id = of_source) and catalog.find_lease_lapse(r.source_id, r.id, r.queued) is null
      order by r.id desc limit 1;
  end if;
  -- Apart, so that each has its index: the runs of years are not looked through twice a second.
  if chosen is null and p_source is null then
    select r.id into chosen from catalog.runs r order by r.id desc limit 1;
  elsif chosen is null then
    select r.id into chosen from catalog.runs r where r.source_id = of_source order by r.id desc limit 1;
  end if;
  return query
    select r.id, s.name, r.kind, n.state, n.reason, r.error_code, r.correlation_id, r.options, r.started_at, n.finished_at, clock_timestamp(),
      a.state <> 'open', a.expected,
      coalesce((r.ledger ->> 'fetched')::bigint, (select sum(p.line_count) from catalog.parts p where p.source_id = a.source_id and p.run_id = a.run_id), 0)::bigint,
      coalesce(r.ledger, catalog.sum_run_counts(r.source_id, r.id)), r.removals_off
    from catalog.runs r
    cross join lateral catalog.derive_run_state(r) n
    join catalog.sources s on s.id = r.source_id
    join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
    where r.id = chosen;
end $$;

-- find_settled_full_run(source) → the newest full run that settled: what it says about removals holds until the next one settles.
create function catalog.find_settled_full_run(p_source integer) returns setof catalog.runs
language sql stable set search_path = pg_catalog, pg_temp as $$
  select * from catalog.runs where source_id = p_source and kind = 'full' and ledger is not null order by id desc limit 1
$$;

-- source_standings(source) → every source, or the one, by name: its last run, what is needed to tell whether it is late, and what is held.
create function catalog.source_standings(p_source text) returns table (
  source text, connector text, state text, schedule jsonb, last_good_at timestamptz, due_since timestamptz,
  last_run bigint, last_kind text, last_state text, last_started_at timestamptz, last_finished_at timestamptz,
  held_runs bigint[], held_prices bigint, copied_run bigint, copy_error text, removals_off text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.connector, s.state, s.schedule, good.started_at, greatest(good.started_at, s.schedule_set_at),
    r.id, r.kind, n.state, r.started_at, n.finished_at,
    array(select h.id from catalog.runs h where h.source_id = s.id and h.state = 'held' order by h.id),
    (select count(*) from catalog.reviews v where v.source_id = s.id and v.state = 'open' and v.kind = 'price'),
    s.copied_run, s.copy_error, (select f.removals_off from catalog.find_settled_full_run(s.id) f)
  from catalog.sources s
  left join lateral (select * from catalog.runs r where r.source_id = s.id order by r.id desc limit 1) r on true
  left join lateral catalog.derive_run_state(r) n on r.id is not null
  left join lateral (
    select started_at from catalog.runs g where g.source_id = s.id and g.state = 'succeeded' and g.kind <> 'replay' order by g.id desc limit 1
  ) good on true
  where p_source is null or s.name = p_source
  order by s.name
$$;

-- source_measures(): each source by name, for the metrics. `ledger` is that of the last run that settled; `removals_off` says in
-- a word why the newest full run could not tell what is missing; what is under way is null without a run. `open_state`: of the run that is under
-- way, or that the next sync goes on with.
create function catalog.source_measures() returns table (
  id integer, source text, age_seconds double precision, ledger jsonb, reviews bigint, quarantine bigint,
  copy_failures integer, removals_off text, open_state text, expected bigint, fetched bigint, applied bigint, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.name,
    case s.state when 'active' then extract(epoch from clock_timestamp() - coalesce(
      (select g.started_at from catalog.runs g where g.source_id = s.id and g.state = 'succeeded' and g.kind <> 'replay' order by g.id desc limit 1),
      s.created_at)) end,
    (select l.ledger from catalog.runs l where l.source_id = s.id and l.ledger is not null order by l.id desc limit 1),
    (select count(*) from catalog.reviews v where v.source_id = s.id and v.state = 'open'),
    (select count(*) from catalog.quarantine q where q.source_id = s.id and q.state = 'open'),
    s.copy_failures,
    (select case when a.complete then 'unreadable' else 'incomplete' end from catalog.find_settled_full_run(s.id) f
      join catalog.artifacts a on a.source_id = f.source_id and a.run_id = f.artifact_run where f.removals_off is not null),
    (select n.state from catalog.runs o cross join lateral catalog.derive_run_state(o) n where o.source_id = s.id and o.state in ('running', 'interrupted', 'fetched')),
    active.*
  from catalog.sources s
  left join lateral (
    select a.expected, p.fetched,
      (select coalesce(sum(lines_done), 0)::bigint from catalog.checkpoints c where c.source_id = s.id and c.run_id = r.id),
      -- An earlier end of the same run has counted its own.
      p.bytes - (select coalesce(sum(bytes), 0)::bigint from catalog.run_ends e where e.source_id = s.id and e.run_id = r.id)
    from catalog.runs r
    left join catalog.artifacts a on a.source_id = s.id and a.run_id = r.artifact_run
    cross join lateral (
      select coalesce(sum(line_count), 0)::bigint as fetched, coalesce(sum(raw_bytes) filter (where p.run_id = r.id), 0)::bigint as bytes
      from catalog.parts p where p.source_id = s.id and p.run_id = r.artifact_run
    ) p
    where r.source_id = s.id and r.state in ('running', 'interrupted')
  ) active on true
  order by s.name
$$;

-- list_run_ends(after) → how runs ended since the end number `p_after`, the oldest first; 5,000 at most. A run has a ledger where it settled.
create function catalog.list_run_ends(p_after bigint) returns table (
  no bigint, source_id integer, state text, seconds double precision, ledger jsonb, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.no, e.source_id, e.state, e.seconds, case when e.state in ('succeeded', 'held') then r.ledger end, e.bytes
  from catalog.run_ends e
  join catalog.runs r on r.source_id = e.source_id and r.id = e.run_id
  where e.no > p_after order by e.no limit 5000
$$;

-- list_runs(source, state, limit) → the newest first, of all sources and in every state when null. `seconds` runs on while the run does.
create function catalog.list_runs(p_source text, p_state text, p_limit integer) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, started_at timestamptz, finished_at timestamptz, ledger jsonb,
  seconds double precision, removals_off text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, r.kind, n.state, n.reason, r.error_code, r.started_at, n.finished_at, r.ledger,
    extract(epoch from coalesce(n.finished_at, clock_timestamp()) - r.started_at), r.removals_off
  from catalog.runs r join catalog.sources s on s.id = r.source_id cross join lateral catalog.derive_run_state(r) n
  where (p_source is null or s.name = p_source) and (p_state is null or n.state = p_state)
  order by r.id desc limit p_limit
$$;

-- list_status(): how every source stands. Counts every product once.
create function catalog.list_status() returns table (
  source text, products jsonb, last_run jsonb, last_good_at timestamptz, due_since timestamptz, held_runs bigint[], open_reviews bigint,
  open_quarantine bigint, copied_run bigint, copy_error text, removals_off text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.name,
    '{"draft": 0, "active": 0, "unavailable": 0, "removed": 0}' || coalesce((select jsonb_object_agg(status, n)
      from (select status, count(*) as n from catalog.products p where p.source_id = s.id group by status) k), '{}'),
    (select to_jsonb(l) from catalog.list_runs(s.name, null, 1) l),
    good.started_at, greatest(good.started_at, s.schedule_set_at),
    array(select r.id from catalog.runs r where r.source_id = s.id and r.state = 'held' order by r.id),
    (select count(*) from catalog.reviews v where v.source_id = s.id and v.state = 'open' and v.kind = 'price'),
    (select count(*) from catalog.quarantine q where q.source_id = s.id and q.state = 'open'),
    s.copied_run, s.copy_error, (select f.removals_off from catalog.find_settled_full_run(s.id) f)
  from catalog.sources s
  cross join lateral (
    select max(r.started_at) as started_at from catalog.runs r where r.source_id = s.id and r.state = 'succeeded' and r.kind <> 'replay'
  ) good
  order by s.name
$$;
