-- Generated from supabase/schemas/76_freshness.sql until the first release: do not edit.

-- Counts of the products of a source that refreshes its due products, and the number that its quota can keep
-- fresh.

-- measure_freshness(source, interval, now) → one row; none for a source that does not refresh due products.
-- Counts every product of the source.
--   products    those that are refreshed, `hot` of them more often
--   due         now; late: see has_late_products
--   oldest_at   the request that returned the oldest content
--   capacity    number of products that the quota keeps fresh even when one request in twenty fails: each
--               needs its turn within nine tenths of the time after which it is due (18 hours of 20). Hot
--               ones use more turns. Null without a quota
--   p_interval  between two refreshes
create function catalog.measure_freshness(
  p_source text, p_interval interval, p_now timestamptz default clock_timestamp()
) returns table (
  products bigint, hot bigint, due bigint, late bigint, oldest_at timestamptz, capacity bigint,
  per_day integer, left_today integer, sharing bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.*, (
      select floor(least(
          (s.schedule #>> '{refresh,atMost}')::double precision * turn.seconds
            / extract(epoch from p_interval),
          turn.seconds / 86400 * q.share * least(q.per_day, q.per_second * 86400) * q.products_per_request)
        -- A hot product takes the turns of several others.
        - r.hot * (extract(epoch from a.age) / extract(epoch from a.hot_age) - 1))::bigint),
    q.per_day, q.left_today, q.sharing
  from catalog.sources s
  cross join lateral catalog.load_refresh_ages(s.schedule) a
  cross join lateral (select 0.9 * extract(epoch from a.age) as seconds) turn
  cross join lateral (
    select count(*) as products, count(*) filter (where r.hot) as hot,
      count(*) filter (where r.due_at <= p_now) as due,
      count(*) filter (where r.read_at < p_now - 1.2 * a.age or r.hot and r.due_at < p_now - a.hot_age)
        as late,
      min(r.read_at) as oldest_at
    from catalog.product_reads r where r.source_id = s.id
  ) r
  left join lateral catalog.load_quota(s.id, p_now) q on true
  where s.name = p_source and a.age is not null
$$;
