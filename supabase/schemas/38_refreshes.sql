-- Refreshes of single products: when each product was read last and is due again, and the state of each
-- refresh of a product. Both are written with one statement for a run, never with one for each product.

-- When a product was read by its key, and when it is due again. Only of sources that refresh due products.
create table catalog.product_reads (
  source_id           integer not null,
  external_id         text collate "C" not null,
  -- Start of the request that returned it last.
  read_at             timestamptz not null,
  due_at              timestamptz not null,
  hot                 boolean not null default false, -- due again after the shorter time of the source
  -- Refreshes without a result since then, in a row.
  failures            integer not null default 0,
  primary key (source_id, external_id)
) with (fillfactor = 80);
create index product_reads_due on catalog.product_reads (source_id, due_at, external_id)
  include (read_at, hot);
-- Products that are late, by the time of their last request.
create index product_reads_oldest on catalog.product_reads (source_id, read_at);
create index product_reads_hot on catalog.product_reads (source_id, due_at) where hot;

-- The daily quota that keyed runs of a source use, as the last fetch found it: the supplier's limit belongs
-- to a credential, which only the process that fetches has. Sources with the same bucket share its quota.
create table catalog.source_quotas (
  source_id           integer primary key,
  scope               text not null,
  key                 text not null,                 -- of its bucket in `limits`
  per_day             integer not null,
  per_second          double precision not null,
  reserve             double precision not null,     -- the share that is kept for imports
  products_per_request integer not null
);
create index source_quotas_bucket on catalog.source_quotas (scope, key);

-- The refresh of one product by one run. Kept for seven days. It holds no content of the supplier.
create table catalog.refresh_jobs (
  source_id             integer not null,
  run_id                bigint not null,
  product_external_id   text collate "C" not null,
  -- When the product was due; of a refresh that a person started, the start of the run.
  scheduled_at          timestamptz not null,
  started_at            timestamptz,
  completed_at          timestamptz,
  -- skipped: no request was sent for it, because the circuit breaker is open or the quota is used up.
  status                text not null default 'pending'
                        check (status in ('pending', 'running', 'success', 'failed', 'skipped')),
  retry_count           integer not null default 0,
  error_code            text,
  error_message         text,
  circuit_breaker_state text check (circuit_breaker_state in ('closed', 'open', 'half-open')),
  created_at            timestamptz not null default clock_timestamp(),
  primary key (source_id, run_id, product_external_id)
);
create index refresh_jobs_created on catalog.refresh_jobs (source_id, created_at);
create index refresh_jobs_product on catalog.refresh_jobs (source_id, product_external_id, run_id);

-- load_refresh_ages(schedule) → (age, hot_age) after which a product, or a hot one, is due again; null for
-- a source that does not refresh due products. See RefreshSchedule in src/core/schedule.ts.
create function catalog.load_refresh_ages(p_schedule jsonb, out age interval, out hot_age interval)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select make_interval(mins => coalesce((r ->> 'ageMinutes')::integer, 1200)),
    make_interval(mins => coalesce((r ->> 'hotMinutes')::integer, 50))
  from (values (p_schedule -> 'refresh')) as v (r) where r ->> 'products' = 'due'
$$;

-- spread_first(id) → a share between 0.05 and 1 that is always the same for one id. The first refreshes of
-- products that were imported together are spread by it over the whole time until they are due.
create function catalog.spread_first(p_id text) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select 0.05 + 0.95 * ('x' || left(md5(p_id), 7))::bit(28)::integer / 268435456
$$;

-- list_due_products(source, limit, now) → products that are due at `p_now`, up to `p_limit`, those that have
-- been due for the longest time first. Reads the index only up to there.
create function catalog.list_due_products(
  p_source integer, p_limit integer, p_now timestamptz default clock_timestamp()
) returns table (external_id text, read_at timestamptz, due_at timestamptz, hot boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select d.external_id, d.read_at, d.due_at, d.hot
  from catalog.product_reads d
  where d.source_id = p_source and d.due_at <= p_now
  order by d.due_at, d.external_id limit p_limit
$$;

-- record_reads(source, products, read_at): these products were read by requests that started at `p_read_at`.
-- Does nothing for a source that does not refresh due products.
--   idempotent  an earlier time than the recorded one changes nothing
create function catalog.record_reads(p_source integer, p_products text[], p_read_at timestamptz) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.product_reads as r (source_id, external_id, read_at, due_at)
    select s.id, k, p_read_at, p_read_at + a.age * catalog.spread_first(k)
    from catalog.sources s
    cross join lateral catalog.load_refresh_ages(s.schedule) a
    cross join unnest(p_products) as k
    where s.id = p_source and a.age is not null
    order by k
    on conflict (source_id, external_id) do update
      set read_at = excluded.read_at, failures = 0,
        due_at = excluded.read_at + (
          select case when r.hot then a.hot_age else a.age end
          from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
          where s.id = excluded.source_id)
      where r.read_at < excluded.read_at
$$;

-- record_failed_reads(source, products, now): the refresh of these products had no result. They stay the
-- oldest, so the next run tries them first; from the fifth time in a row on, each waits for a quarter of the
-- time, so that records that always fail do not keep others waiting.
create function catalog.record_failed_reads(
  p_source integer, p_products text[], p_now timestamptz default clock_timestamp()
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.product_reads r
    set failures = r.failures + 1,
      due_at = case when r.failures < 4 then r.due_at else p_now + a.age / 4 end
    from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
    where s.id = p_source and a.age is not null and r.source_id = p_source
      and r.external_id = any (p_products)
$$;

-- schedule_reads(source, schedule_before): after the source's schedule has changed. Products that have no
-- time yet get one, as if they had been read when their row was changed; if the times until products are due
-- have changed, all products are due by the new ones.
create function catalog.schedule_reads(p_source integer, p_before jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  present jsonb := (select schedule from catalog.sources where id = p_source);
  ages record;
begin
  select * into ages from catalog.load_refresh_ages(present);
  if ages.age is null
    or (present -> 'refresh') - '{cron,atMost}'::text[] = (p_before -> 'refresh') - '{cron,atMost}'::text[]
  then
    return;
  end if;
  insert into catalog.product_reads (source_id, external_id, read_at, due_at)
    select p_source, external_id, changed_at, changed_at + ages.age * catalog.spread_first(external_id)
    from catalog.products where source_id = p_source and status in ('draft', 'active', 'unavailable')
    on conflict do nothing;
  update catalog.product_reads set due_at = read_at + case when hot then ages.hot_age else ages.age end
    where source_id = p_source and (p_before -> 'refresh' ->> 'products') = 'due';
end $$;

-- mark_hot(source, products, hot) → those of the products that the source refreshes by their age, after they
-- were marked.
create function catalog.mark_hot(p_source integer, p_products text[], p_hot boolean) returns setof text
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.product_reads r
    set hot = p_hot, due_at = r.read_at + case when p_hot then a.hot_age else a.age end
    from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
    where s.id = p_source and a.age is not null and r.source_id = p_source
      and r.external_id = any (p_products)
    returning r.external_id
$$;

-- change_hot(source, by, hot, not_hot) → those of the products that the source refreshes by their age, after
-- they were marked and that was recorded; see mark_hot.
--   errors      source/unknown
create function catalog.change_hot(p_source text, p_by text, p_hot text[], p_not_hot text[])
returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  source integer := (select id from catalog.sources where name = p_source);
  hot text[];
  others text[];
begin
  if source is null then
    perform catalog.fail('source/unknown', format('Source %s does not exist', p_source));
  end if;
  hot := array(select catalog.mark_hot(source, p_hot, true));
  others := array(select catalog.mark_hot(source, p_not_hot, false));
  if hot || others <> '{}' then
    perform catalog.record_action(p_by, 'source.set', p_source, null, null,
      jsonb_build_object('hot', cardinality(hot), 'notHot', cardinality(others)));
  end if;
  return query select unnest(hot || others);
end $$;

-- record_quota(source, quota): the quota that a fetch of the source uses, or null if it has none.
--   p_quota     {scope, key, per_day, per_second, reserve, products_per_request}
create function catalog.record_quota(p_source integer, p_quota jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.source_quotas where source_id = p_source and p_quota is null;
  insert into catalog.source_quotas as q
    select p_source, r.* from jsonb_to_record(p_quota) as r (scope text, key text, per_day integer,
      per_second double precision, reserve double precision, products_per_request integer)
    where p_quota is not null
    on conflict (source_id) do update
      set scope = excluded.scope, key = excluded.key, per_day = excluded.per_day,
        per_second = excluded.per_second, reserve = excluded.reserve,
        products_per_request = excluded.products_per_request
      where q is distinct from excluded
$$;

-- load_quota(source, now) → the requests that refreshes of this source may send; no row without a quota.
--   per_day     of all sources with the same bucket, without the reserve; left_today: those that remain
--   share       of this source among them, by the number of its products
--   sharing     number of these sources
create function catalog.load_quota(p_source integer, p_now timestamptz) returns table (
  per_day integer, left_today integer, per_second double precision, products_per_request integer,
  share double precision, sharing bigint
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select q.others, greatest(least(q.others - coalesce(o.used, 0), q.per_day - coalesce(w.used, 0)), 0),
    q.per_second * (1 - q.reserve), q.products_per_request, coalesce(n.share, 1), n.sharing
  from (
    select *, floor(s.per_day * (1 - s.reserve))::integer as others from catalog.source_quotas s
    where s.source_id = p_source
  ) q
  left join catalog.limits w on w.scope = q.scope and w.key = q.key and w.day = catalog.to_day(p_now)
  left join catalog.limits o on o.scope = q.scope and o.day = catalog.to_day(p_now)
    and o.key = q.key || case when q.reserve > 0 then ' without the reserve' else '' end
  cross join lateral (
    select sum(s.next_seq) filter (where s.id = p_source) / nullif(sum(s.next_seq), 0)::double precision
        as share, count(*) as sharing
    from catalog.source_quotas other join catalog.sources s on s.id = other.source_id
    where other.scope = q.scope and other.key = q.key and (s.state = 'active' or s.id = p_source)
  ) n
$$;

-- plan_refresh(source, interval, at_most, now) → number of products that a refresh at `p_now` may request, so
-- that the rest of the day's quota lasts until midnight in UTC.
--   p_interval  the time until the next refresh
--   p_at_most   the result without a quota
create function catalog.plan_refresh(
  p_source integer, p_interval interval, p_at_most integer, p_now timestamptz default clock_timestamp()
) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select least(p_at_most, q.products_per_request * floor(least(
        q.share * q.left_today / greatest(1, extract(epoch from midnight - p_now) / seconds),
        q.per_second * seconds))::integer)
    from catalog.load_quota(p_source, p_now) q
    cross join lateral (
      select (catalog.to_day(p_now) + 1)::timestamp at time zone 'UTC' as midnight,
        extract(epoch from p_interval)::double precision as seconds) t
  ), p_at_most)
$$;

-- has_late_products(source, schedule, now) → whether a product was not read for a fifth longer than the time
-- after which it is due (24 hours instead of 20), or a hot one for twice that time. Reads one entry of an
-- index.
create function catalog.has_late_products(
  p_source integer, p_schedule jsonb, p_now timestamptz default clock_timestamp()
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Minimums, because for a condition on the rows the planner may choose to read all of them.
  select coalesce(
      (select min(r.read_at) from catalog.product_reads r where r.source_id = p_source)
        < p_now - 1.2 * a.age, false)
    or coalesce(
      (select min(r.due_at) from catalog.product_reads r where r.source_id = p_source and r.hot)
        < p_now - a.hot_age, false)
  from catalog.load_refresh_ages(p_schedule) a
$$;
