-- Generated from supabase/schemas/63_prior_prices.sql until the first release: do not edit.

-- The price before a reduction, which a shop in the EU must state: the lowest one of at least 30 days before
-- the reduction began (98/6/EC Article 6a; CJEU C-330/23).

-- list_price_periods(source, product, variant, price_type) → the published prices, each with the time from
-- which the supplier stated it until the next one. Prices that wait for a decision, or were rejected, are not
-- published.
create function catalog.list_price_periods(
  p_source integer, p_product text, p_variant text, p_price_type text
) returns table (amount_minor bigint, currency text, began_at timestamptz, ended_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.amount_minor, p.currency, p.observed_at,
    coalesce(lead(p.observed_at) over (order by p.observed_at, p.run_id), 'infinity')
  from catalog.prices p
  where p.source_id = p_source and p.product_external_id = p_product and p.variant_external_id = p_variant
    and p.price_type = p_price_type and p.state in ('current', 'past')
    and (p.expires_at is null or p.expires_at > now()) and catalog.is_shown(p_source, p_product)
$$;

-- count_observed_days(source, product, variant, price_type, until, days) → of these days before the instant,
-- those on which the price was known: the variant had a published price, and a run of the source that
-- succeeded on that day had requested it.
create function catalog.count_observed_days(
  p_source integer, p_product text, p_variant text, p_price_type text, p_until timestamptz, p_days integer
) returns integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select count(*)::integer
  from (
    select p_until - n * interval '1 day' as began, p_until - (n - 1) * interval '1 day' as ended
    from generate_series(1, p_days) n
  ) day
  where exists (
      select from catalog.runs r
      where r.source_id = p_source and r.state = 'succeeded' and r.kind <> 'replay'
        and r.started_at < day.ended and r.finished_at >= day.began
        and (r.keys is null or p_product = any (r.keys)))
    and exists (
      select from catalog.list_price_periods(p_source, p_product, p_variant, p_price_type) p
      where p.amount_minor is not null and p.began_at < day.ended and p.ended_at > day.began)
$$;

-- list_readers() → the roles to which the catalogue is published.
create function catalog.list_readers() returns name[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select reader from pg_policies p cross join unnest(p.roles) reader
    where p.schemaname = 'catalog' and p.tablename = 'prices' and p.policyname = 'published to ' || reader)
$$;

-- assert_reader(): refuses a caller to which the catalogue is not published.
--   errors      see assert_admitted
create function catalog.assert_reader() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('api', catalog.list_readers(), 'read the catalogue',
    'shelfsync publish --role %s')
$$;

-- prior_price(…) → one row: the lowest published price of the days before the reduction began.
--   amount_minor    null with a `reason`: no such variant, no price was observed, the currency changed, or
--                   the source keeps no history of prices
--   observed_days   of `days`; `coverage` is the text. Fewer than 30 of 30 do not meet the directive,
--                   unless the product is newer than that and the law of the country permits it
--   p_days          at least 30
--   errors          SQLSTATE 22023 · see assert_reader
create function api.prior_price(
  p_source text, p_product text, p_variant text, p_reduction_start timestamptz,
  p_price_type text default 'list', p_days integer default 30
) returns table (
  amount_minor bigint, currency text, observed_days integer, days integer, coverage text, reason text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  source_id integer := (
    select v.source_id from catalog.variants v
    join catalog.sources s on s.id = v.source_id and s.name = p_source
    join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
    where v.product_external_id = p_product and v.external_id = p_variant
      and (p.expires_at is null or p.expires_at > now()));
  from_at timestamptz := p_reduction_start - p_days * interval '1 day';
  prices record;
begin
  perform catalog.assert_reader();
  if p_days is null or p_days < 30 or p_days > 366 then
    perform catalog.refuse_call(format('p_days is %s', p_days), 'Give 30 to 366 days.');
  elsif p_reduction_start is null then
    perform catalog.refuse_call('p_reduction_start is missing',
      'Give the instant at which the reduction began.');
  end if;
  select min(p.amount_minor) as lowest, min(p.currency) as currency, count(distinct p.currency) as currencies
    into prices
    from catalog.list_price_periods(source_id, p_product, p_variant, p_price_type) p
    where p.amount_minor is not null and p.began_at < p_reduction_start and p.ended_at > from_at;
  if not catalog.keeps_price_history(source_id) then
    prices.currencies := -1;
  end if;
  amount_minor := case when prices.currencies = 1 then prices.lowest end;
  currency := case when prices.currencies = 1 then prices.currency end;
  observed_days := coalesce(catalog.count_observed_days(source_id, p_product, p_variant, p_price_type,
    p_reduction_start, p_days), 0);
  days := p_days;
  coverage := format('%s of %s days observed', observed_days, p_days);
  reason := case
    when source_id is null then 'the catalogue does not have this variant'
    when prices.currencies < 0 then format(
      '%s keeps no history of prices, which the licence of its supplier may forbid', p_source)
    when prices.currencies = 0 then format('no %s price was observed in these days', p_price_type)
    when prices.currencies > 1 then 'the currency changed in these days' end;
  return next;
end $$;
