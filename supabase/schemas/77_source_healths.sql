-- The facts by which the health of a source is judged, beside its summary: results of runs, failures beside
-- the run, and the use of quotas. src/sources/health-parts.ts describes them.

-- count_changes_today() → for each source: products that runs which ended today, by UTC, have created,
-- updated or removed, imports apart.
create function catalog.count_changes_today() returns table (source_id integer, changes bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.source_id, coalesce(sum((r.ledger ->> 'created')::bigint + (r.ledger ->> 'updated')::bigint
      + (r.ledger ->> 'removed')::bigint), 0)::bigint
  from catalog.runs r
  where r.started_at > now() - interval '7 days' and r.kind in ('full', 'incremental', 'refresh')
    and r.finished_at >= catalog.to_day(now())::timestamp at time zone 'UTC'
  group by r.source_id
$$;

-- count_failing_images() → for each source with such images: those whose newest 1,000 failed addresses have
-- failed for good, and the flagged hosts that its waiting images come from.
create function catalog.count_failing_images() returns table (
  source_id integer, failed bigint, flagged_hosts text[]
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with failed as (
    select i.source_id, count(*) as images
    from (select id from catalog.image_addresses where state = 'failed' order by id desc limit 1000) a
    join catalog.images i on i.address_id = a.id
    group by i.source_id
  ), flagged as (
    select i.source_id, array_agg(distinct l.host order by l.host) as hosts
    from catalog.image_channels l
    cross join lateral (
      select a.id from catalog.image_addresses a
      where a.channel = l.channel and a.state = 'waiting' order by a.due_at limit 100
    ) a
    join catalog.images i on i.address_id = a.id
    where l.flagged_at is not null
    group by i.source_id
  )
  select source_id, coalesce(f.images, 0), coalesce(g.hosts, '{}')
  from failed f full join flagged g using (source_id)
$$;

-- source_healths(sources) → the named sources, or all with null, by name. Counts no products, so the
-- cost depends on the number of sources and of their runs in a week only.
--   summary        see summarize_sources
--   result         newest run of the whole source (of a source that only has refreshes: the newest refresh)
--                  that succeeded, failed, is held or was rejected: {id, state, reason, error_code,
--                  finished_at}; null without one
--   runs, failures  see count_week_runs
--   changes_today   see count_changes_today
--   failed_images, flagged_hosts  see count_failing_images
--   quota, used    requests of a day that the supplier allows, and those of this day in UTC; null without a
--                  quota
create function catalog.source_healths(p_sources text[] default null)
returns table (
  source text, summary jsonb, settings jsonb, result jsonb, runs bigint, failures jsonb,
  changes_today bigint, failed_images bigint, flagged_hosts text[], quota integer, used integer
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, to_jsonb(summary), s.settings, result.run, coalesce(w.runs, 0), coalesce(w.failures, '{}'),
    coalesce(t.changes, 0), coalesce(i.failed, 0), coalesce(i.flagged_hosts, '{}'), q.per_day,
    case when q.per_day is not null then coalesce(l.used, 0) end
  from catalog.summarize_sources(null, p_sources => p_sources) summary
  join catalog.sources s on s.id = summary.id
  left join lateral (
    select jsonb_build_object('id', r.id, 'state', r.state, 'error_code', r.error_code,
      'reason', case r.state when 'failed' then catalog.show_reason(r) else r.reason end,
      'finished_at', r.finished_at) as run
    from catalog.runs r
    where r.source_id = s.id and r.state in ('succeeded', 'held', 'failed', 'rejected')
      and (r.keys is null or r.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by r.id desc limit 1
  ) result on true
  left join catalog.count_week_runs() w on w.source_id = s.id
  left join catalog.count_changes_today() t on t.source_id = s.id
  left join catalog.count_failing_images() i on i.source_id = s.id
  left join catalog.source_quotas q on q.source_id = s.id
  left join catalog.limits l on l.scope = q.scope and l.key = q.key and l.day = catalog.to_day(now())
  order by s.name
$$;

-- list_source_runs(sources, limit) → the newest `p_limit` runs of the whole of each named source, and the
-- refreshes of a source that has only those, the oldest first.
--   ledger      null before the run settles
--   bytes       that it has archived, before compression
create function catalog.list_source_runs(p_sources text[], p_limit integer) returns table (
  source text, id bigint, kind text, state text, started_at timestamptz, finished_at timestamptz,
  ledger jsonb, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, r.id, r.kind, r.state, r.started_at, r.finished_at, r.ledger,
    (select coalesce(sum(p.raw_bytes), 0)::bigint from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.id)
  from unnest(p_sources) named
  join catalog.sources s on s.name = named
  cross join lateral (
    select * from catalog.runs r
    where r.source_id = s.id and (r.keys is null or r.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by r.id desc limit p_limit
  ) r
  order by s.name, r.id
$$;
