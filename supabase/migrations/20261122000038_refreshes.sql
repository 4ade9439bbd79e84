-- Generated from supabase/schemas/38_refreshes.sql until the first release: do not edit.

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
create index product_reads_due on catalog.product_reads (source_id, due_at, external_id);
-- Products that are late, by the time of their last request.
create index product_reads_oldest on catalog.product_reads (source_id, read_at);

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
