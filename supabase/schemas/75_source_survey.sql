-- The survey of all sources: which ones need a person most, and totals, without a summary of each.

-- rank_sources() → the urgency of each source: 6 a run is held, 5 flagged, 4 late by its stored due time,
-- 3 failed, 2 has something open, 1 runs, 0 nothing; a paused one only 6, 2 (held prices) or 0. Reads the
-- newest run of each source and nothing else of it, and what is open.
--   run_state    state of that run as of now, or of the newest refresh of a source that only has refreshes;
--                'without a run' before the first
--   unknown_due  active, and no scheduler has stored its due time
create function catalog.rank_sources() returns table (
  name text, urgency integer, run_state text, unknown_due boolean
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with prices as (
    select distinct source_id from catalog.reviews where state = 'open' and kind in ('price', 'disagreement')
  ), unverified as (
    select off.source_id
    from (select distinct source_id from catalog.runs where removals_off is not null) off
    cross join lateral catalog.find_settled_full_run(off.source_id) f
    where f.removals_off is not null
  ), noted as (
    select source_id from prices
    union select source_id from catalog.quarantine where state = 'open'
    union select source_id from unverified
    union select id from catalog.sources where copy_error is not null
  )
  select s.name,
    case
      when s.id in (select source_id from catalog.runs where state = 'held') then 6
      when s.state = 'paused' then case when s.id in (select source_id from prices) then 2 else 0 end
      when catalog.is_flagged(s.failures) then 5
      when s.due_at < now() - interval '1 hour' then 4
      when s.schedule ->> 'fullOn' = 'never' and catalog.has_late_products(s.id, s.schedule) then 4
      when s.failures > 0 or r.state = 'failed' then 3
      when s.id in (select source_id from noted) then 2
      when r.state in ('running', 'interrupted', 'fetched') then 1
      else 0
    end,
    coalesce(n.state, r.state, m.state, f.state, 'without a run'),
    s.state = 'active' and s.due_at is null and s.schedule ->> 'fullOn' is distinct from 'never'
  from catalog.sources s
  left join lateral (
    select * from catalog.runs r where r.source_id = s.id and r.keys is null order by r.id desc limit 1
  ) r on true
  left join lateral (
    select * from catalog.runs f
    where s.schedule ->> 'fullOn' = 'never' and f.source_id = s.id and f.kind = 'refresh'
    order by f.id desc limit 1
  ) f on true
  -- Called only for running runs, because of the offset.
  left join lateral (
    select state from catalog.derive_run_state(r) where r.state = 'running' offset 0
  ) n on true
  left join lateral (
    select state from catalog.derive_run_state(f) where f.state = 'running' offset 0
  ) m on true
$$;

-- survey_sources(limit) → up to `p_limit` sources, or all with null, the most urgent first, then by name, and
-- totals of all.
--   sources     [{source, urgency}], see rank_sources. Beyond the limit, up to 500 whose due time is not
--               stored: the caller computes whether they are late
--   needing     number of sources with an urgency of 2 or more
--   unexamined  number of sources whose due time is not stored, beyond those 500
--   states      number of sources by `run_state`
create function catalog.survey_sources(p_limit integer) returns table (
  sources jsonb, total bigint, needing bigint, unexamined bigint, states jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with ranked as materialized (
    select * from catalog.rank_sources()
  ), listed as (
    (select name, urgency from ranked order by urgency desc, name limit p_limit)
    union
    (select name, urgency from ranked where unknown_due order by name limit 500)
  )
  select
    (select coalesce(jsonb_agg(jsonb_build_object('source', name, 'urgency', urgency)
      order by urgency desc, name), '[]') from listed),
    count(*), count(*) filter (where urgency >= 2),
    greatest(count(*) filter (where unknown_due) - 500, 0),
    (select coalesce(jsonb_object_agg(run_state, n), '{}')
      from (select run_state, count(*) as n from ranked group by run_state) k)
  from ranked
$$;
