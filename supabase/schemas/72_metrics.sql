-- Readers for the metrics.

-- count_week_runs() → for each source with runs that started in the last seven days, imports apart:
--   runs           those that requested the supplier and ended, other than cancelled and superseded ones
--   failures       those that failed, by error code; src/core/error-budget.ts has the meaning of each
create function catalog.count_week_runs() returns table (source_id integer, runs bigint, failures jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select source_id, sum(n)::bigint,
    coalesce(jsonb_object_agg(coalesce(error_code, 'internal'), n) filter (where state = 'failed'), '{}')
  from (
    select r.source_id, r.state, r.error_code, count(*) as n from catalog.runs r
    where r.started_at > now() - interval '7 days' and r.kind in ('full', 'incremental', 'refresh')
      and r.state in ('succeeded', 'held', 'rejected', 'partial', 'fetched', 'failed')
    group by r.source_id, r.state, r.error_code
  ) ended group by source_id
$$;

-- measure_sources() → each source by name. The columns of the active run are null without one.
--   ledger       of the newest run that settled
--   removals_off label of the reason why the newest full run could not detect missing products
--   open_state   state of the run that is active, or that the next sync resumes
--   copy_broken  the last attempt to write latest.ndjson failed
--   week_runs, week_failures  see count_week_runs
create function catalog.measure_sources() returns table (
  id integer, source text, age_seconds double precision, schedule jsonb, due_since timestamptz,
  late_products boolean, longest_seconds double precision, ledger jsonb, reviews bigint,
  quarantine bigint, held_runs integer,
  copy_failures integer, copy_broken boolean, removals_off text, open_state text, failures integer,
  failure_class text, week_runs bigint, week_failures jsonb,
  expected bigint, fetched bigint, applied bigint, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.name,
    case s.state when 'active'
      then extract(epoch from clock_timestamp() - coalesce(summary.last_good_at, s.created_at)) end,
    s.schedule, summary.due_since, summary.late_products, summary.longest_seconds,
    (select l.ledger from catalog.runs l where l.source_id = s.id and l.ledger is not null
      order by l.id desc limit 1),
    summary.open_reviews, summary.open_quarantine, cardinality(summary.held_runs), s.copy_failures,
    s.copy_error is not null,
    (select case when a.complete then 'unreadable' else 'incomplete' end
      from catalog.find_settled_full_run(s.id) f
      join catalog.artifacts a on a.source_id = f.source_id and a.run_id = f.artifact_run
      where f.removals_off is not null),
    (select n.state from catalog.runs o cross join lateral catalog.derive_run_state(o) n
      where o.source_id = s.id and o.state in ('running', 'interrupted', 'fetched') and o.keys is null),
    s.failures, s.failure_class, coalesce(week.runs, 0), coalesce(week.failures, '{}'),
    active.*
  from catalog.summarize_sources(null) summary
  join catalog.sources s on s.id = summary.id
  left join catalog.count_week_runs() week on week.source_id = s.id
  left join lateral (
    select a.expected, p.fetched,
      (select coalesce(sum(lines_done), 0)::bigint from catalog.checkpoints c
        where c.source_id = s.id and c.run_id = r.id),
      -- Minus the bytes that an earlier end of the same run has counted.
      p.bytes - (select coalesce(sum(bytes), 0)::bigint from catalog.run_ends e
        where e.source_id = s.id and e.run_id = r.id)
    from catalog.runs r
    left join catalog.artifacts a on a.source_id = s.id and a.run_id = r.artifact_run
    cross join lateral (
      select coalesce(sum(line_count), 0)::bigint as fetched,
        coalesce(sum(raw_bytes) filter (where p.run_id = r.id), 0)::bigint as bytes
      from catalog.parts p where p.source_id = s.id and p.run_id = r.artifact_run
    ) p
    where r.source_id = s.id and r.state in ('running', 'interrupted') and r.keys is null
  ) active on true
  order by s.name
$$;

-- list_run_ends(after) → ends of runs after the end number `p_after`, the oldest first, at most 5,000. A run
-- that settled has a ledger.
create function catalog.list_run_ends(p_after bigint) returns table (
  no bigint, source_id integer, state text, seconds double precision, ledger jsonb, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.no, e.source_id, e.state, e.seconds,
    case when e.state in ('succeeded', 'held') then r.ledger end, e.bytes
  from catalog.run_ends e
  join catalog.runs r on r.source_id = e.source_id and r.id = e.run_id
  where e.no > p_after order by e.no limit 5000
$$;

-- measure_work() → {reviews, models, breakers, images}: the queues of work besides runs, as objects by kind.
--   reviews     open ones by kind: {count, seconds}, the age of the oldest
--   models      products that wait for a language model, or have failed attempts: {waiting, retried, seconds}
--   breakers    circuit breakers that are not closed, by scope: {open, half-open, seconds} since the oldest
--   images      seconds since the oldest image was due; null if none waits
create function catalog.measure_work() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'reviews', (
      select coalesce(jsonb_object_agg(kind, jsonb_build_object('count', n, 'seconds', seconds)), '{}')
      from (
        select r.kind, count(*) as n, extract(epoch from clock_timestamp() - min(r.opened_at)) as seconds
        from catalog.reviews r where r.state = 'open' group by r.kind) k),
    'models', (
      select jsonb_build_object('waiting', count(*) filter (where w.attempts = 0),
        'retried', count(*) filter (where w.attempts > 0),
        'seconds', coalesce(greatest(extract(epoch from clock_timestamp() - min(w.due_at)), 0), 0))
      from catalog.enrichment_work w where w.due_at is not null),
    'breakers', (
      select coalesce(jsonb_object_agg(scope, jsonb_build_object(
        'open', open, 'half-open', half_open, 'seconds', seconds)), '{}')
      from (
        select b.scope, count(*) filter (where b.state = 'open') as open,
          count(*) filter (where b.state = 'half-open') as half_open,
          extract(epoch from clock_timestamp() - min(b.opened_at)) as seconds
        from catalog.list_breakers() b group by b.scope) k),
    'images', (
      select greatest(extract(epoch from clock_timestamp() - min(c.due_at)), 0)
      from catalog.image_channels c
      where c.due_at is not null and c.flagged_at is null
        and coalesce(c.paused_until, c.due_at) <= clock_timestamp()))
$$;

-- measure_storage() → {database, sources: {source: bytes}}: the size of the database, and of the archived
-- parts of each source in the store or in their rows. Reads every part, so call it rarely.
create function catalog.measure_storage() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('database', pg_database_size(current_database()), 'sources', (
    select coalesce(jsonb_object_agg(s.name, coalesce(stored.bytes, 0)), '{}')
    from catalog.sources s
    left join (
      select p.source_id, sum(p.stored_bytes)::bigint as bytes
      from catalog.artifacts a
      join catalog.parts p on p.source_id = a.source_id and p.run_id = a.run_id
      where a.state <> 'purged' group by p.source_id
    ) stored on stored.source_id = s.id))
$$;
