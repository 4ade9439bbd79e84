-- Generated from supabase/schemas/72_metrics.sql until the first release: do not edit.

-- Readers for the metrics.

-- measure_sources() → each source by name. The columns of the active run are null without one.
--   ledger       of the newest run that settled
--   removals_off label of the reason why the newest full run could not detect missing products
--   open_state   state of the run that is active, or that the next sync resumes
create function catalog.measure_sources() returns table (
  id integer, source text, age_seconds double precision, ledger jsonb, reviews bigint, quarantine bigint,
  copy_failures integer, removals_off text, open_state text, failures integer, failure_class text,
  expected bigint, fetched bigint, applied bigint, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.name,
    case s.state when 'active'
      then extract(epoch from clock_timestamp() - coalesce(summary.last_good_at, s.created_at)) end,
    (select l.ledger from catalog.runs l where l.source_id = s.id and l.ledger is not null
      order by l.id desc limit 1),
    summary.open_reviews, summary.open_quarantine, s.copy_failures,
    (select case when a.complete then 'unreadable' else 'incomplete' end
      from catalog.find_settled_full_run(s.id) f
      join catalog.artifacts a on a.source_id = f.source_id and a.run_id = f.artifact_run
      where f.removals_off is not null),
    (select n.state from catalog.runs o cross join lateral catalog.derive_run_state(o) n
      where o.source_id = s.id and o.state in ('running', 'interrupted', 'fetched') and o.keys is null),
    s.failures, s.failure_class,
    active.*
  from catalog.summarize_sources(null) summary
  join catalog.sources s on s.id = summary.id
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
