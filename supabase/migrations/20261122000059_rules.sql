-- Generated from supabase/schemas/59_rules.sql until the first release: do not edit.

-- Rules on the change feed: each states an event and a scope, and names the receiver of its messages.
-- Each change of the feed is compared with them.

create table catalog.rules (
  id           bigint generated always as identity primary key,
  name         text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  event        text not null
               check (event in ('price-down', 'price-up', 'new-low', 'new-high', 'back-in-stock',
                                'out-of-stock', 'gone', 'new', 'returned')),
  -- Least difference in percent of the price before, for price-down and price-up.
  percent      numeric check (percent > 0),
  -- Least difference in minor units of `currency`, for price-down and price-up.
  amount_minor bigint check (amount_minor > 0),
  currency     text check (currency ~ '^[A-Z]{3}$'),
  source_id    integer references catalog.sources (id), -- null: every source
  product      text collate "C",               -- external id; null: every product
  words        text,                           -- in the title or the brand of the product; null: any
  -- Event `new`: whether a first load fires it, once for the whole load.
  first_load   boolean not null default false,
  webhook_id   integer not null references catalog.webhooks (id),
  state        text not null default 'off' check (state in ('on', 'off')),
  cursor       bigint not null default 0,      -- position up to which it has been evaluated while it was on
  fired        bigint not null default 0,      -- times, since it was added
  fired_at     timestamptz,                    -- last time
  created_at   timestamptz not null default now(),
  created_by   text not null,
  check (event in ('price-down', 'price-up') or percent is null and amount_minor is null),
  check ((amount_minor is null) = (currency is null)),
  check (first_load is false or event = 'new')
);
create index rules_on on catalog.rules (id) where state = 'on';
create index rules_webhook on catalog.rules (webhook_id);
create index rules_source on catalog.rules (source_id);

-- is_price_event(rule, before, after, low, high) → whether a price that changes from `before` to `after`
-- fires the rule. `low` and `high` are the bounds of the 30 days before; null: unknown.
create function catalog.is_price_event(
  p_rule catalog.rules, p_before bigint, p_after bigint, p_currency text, p_low bigint, p_high bigint
) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(case p_rule.event
    when 'price-down' then p_after < p_before
      and (p_rule.percent is null or 100 * (p_before - p_after)::numeric >= p_rule.percent * p_before)
      and (p_rule.amount_minor is null
        or p_currency = p_rule.currency and p_before - p_after >= p_rule.amount_minor)
    when 'price-up' then p_after > p_before
      and (p_rule.percent is null or 100 * (p_after - p_before)::numeric >= p_rule.percent * p_before)
      and (p_rule.amount_minor is null
        or p_currency = p_rule.currency and p_after - p_before >= p_rule.amount_minor)
    when 'new-low' then p_after < p_low
    when 'new-high' then p_after > p_high
  end, false)
$$;

-- find_price_bounds(change, variant, price_type, currency) → (low, high): the bounds of the published prices
-- of the 30 days before the change; null without an earlier price in this currency.
create function catalog.find_price_bounds(
  p_change catalog.changes, p_variant text, p_price_type text, p_currency text, out low bigint,
  out high bigint
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select min(p.amount_minor), max(p.amount_minor)
  from (
    select c.amount_minor, c.currency, c.run_id, c.observed_at,
      lead(c.observed_at) over (order by c.observed_at, c.run_id) as ended_at,
      max(c.observed_at) filter (where c.run_id = p_change.run_id) over () as own_at
    from catalog.prices c
    where c.source_id = p_change.source_id and c.product_external_id = p_change.product_external_id
      and c.variant_external_id = p_variant and c.price_type = p_price_type
      and c.state in ('current', 'past') and (c.expires_at is null or c.expires_at > now())
  ) p
  where p.run_id <> p_change.run_id and p.currency = p_currency
    and p.observed_at <= coalesce(p.own_at, p_change.changed_at)
    and (p.ended_at is null or p.ended_at > p_change.changed_at - interval '30 days')
$$;

-- find_price_event(rule, change, detail) → {variant, type, before, after, currency} of the first price whose
-- change fires the rule, in minor units; null without one. Prices in two currencies are not compared.
create function catalog.find_price_event(p_rule catalog.rules, p_change catalog.changes, p_detail jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select jsonb_build_object('variant', m.variant, 'type', m.type, 'before', m.pair -> 0,
    'after', m.pair -> 1, 'currency', c.pair -> 1)
  from (
    select key, value as pair, split_part(key, ':', -1) as type,
      substr(key, 7, length(key) - 7 - length(split_part(key, ':', -1))) as variant
    from jsonb_each(p_detail)
    where key like 'price:%' and jsonb_array_length(value) = 2 and value ->> 0 is not null
      and value ->> 1 is not null
      -- Most prices are left out before their currencies are read.
      and (p_rule.event in ('new-low', 'new-high') or catalog.is_price_event(p_rule,
        (value ->> 0)::bigint, (value ->> 1)::bigint, p_rule.currency, null, null))
    offset 0
  ) m
  cross join lateral (
    select catalog.load_price_currencies(p_change.source_id, p_change.product_external_id, p_change.run_id,
      jsonb_build_object(m.key, m.pair)) -> m.key as pair
    offset 0
  ) c
  left join lateral (
    select b.* from (select where p_rule.event in ('new-low', 'new-high') offset 0) needed
    cross join lateral catalog.find_price_bounds(p_change, m.variant, m.type, c.pair ->> 1) b
  ) month on true
  where c.pair -> 0 = c.pair -> 1 and catalog.is_price_event(p_rule, (m.pair ->> 0)::bigint,
    (m.pair ->> 1)::bigint, c.pair ->> 1, month.low, month.high)
  order by m.key limit 1);
end $$;

-- find_stock_event(event, kind, detail) → {variant, before, after} of the first variant whose change fires
-- back-in-stock or out-of-stock; null without one. A product that its supplier makes unavailable is out of
-- stock as a whole, and its `variant` is null.
create function catalog.find_stock_event(p_event text, p_kind text, p_detail jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    case when (p_event, p_detail -> 'status' ->> 0, p_detail -> 'status' ->> 1)
        in (('back-in-stock', 'unavailable', 'active'), ('out-of-stock', 'active', 'unavailable'))
      then jsonb_build_object('variant', null, 'before', p_detail -> 'status' -> 0,
        'after', p_detail -> 'status' -> 1)
      when p_event = 'out-of-stock' and p_kind = 'unavailable'
        then '{"variant": null, "before": "active", "after": "unavailable"}' end, (
    select jsonb_build_object('variant', substring(key from 14), 'before', value -> 0, 'after', value -> 1)
    from jsonb_each(p_detail)
    where key like 'availability:%' and case p_event
      when 'back-in-stock' then value ->> 1 = 'in_stock'
        and value ->> 0 in ('out_of_stock', 'discontinued', 'preorder')
      else value ->> 0 = 'in_stock' and value ->> 1 in ('out_of_stock', 'discontinued') end
    order by key limit 1))
$$;

-- find_event(rule, change) → why the change fires the rule: see find_price_event and find_stock_event, and
-- {products} of a first load; null if it does not. Expired content fires nothing.
create function catalog.find_event(p_rule catalog.rules, p_change catalog.changes) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  detail jsonb := catalog.show_detail(p_change);
begin
  return case
    when p_rule.event in ('price-down', 'price-up', 'new-low', 'new-high')
      then catalog.find_price_event(p_rule, p_change, detail)
    when p_rule.event in ('back-in-stock', 'out-of-stock')
      then catalog.find_stock_event(p_rule.event, p_change.kind, detail)
    when p_rule.event = 'gone' and p_change.kind = 'removed'
      or p_rule.event = 'returned' and p_change.kind = 'returned'
      or p_rule.event = 'new' and p_change.kind = 'created' then '{}'::jsonb
    when p_rule.event = 'new' and p_change.kind = 'loaded' and p_rule.first_load then detail
  end;
end $$;

-- list_firings(rule, after, until, limit) → (change, event): the changes in (after, until] that fire the
-- rule, in their order. Trying a rule and executing it both use this function.
create function catalog.list_firings(p_rule catalog.rules, p_after bigint, p_until bigint, p_limit integer)
returns table (change catalog.changes, event jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  found_change catalog.changes;
  found_event jsonb;
  remaining integer := p_limit;
begin
  for found_change in
    select c.* from catalog.changes c
    where c.position > p_after and c.position <= p_until
      and (p_rule.source_id is null or c.source_id = p_rule.source_id)
      and (p_rule.product is null or c.product_external_id = p_rule.product)
      and c.kind = any (catalog.list_event_kinds(p_rule.event))
      -- Leaves out most changes without a call of find_event.
      and (p_rule.event not in ('price-down', 'price-up') or exists (
        select from jsonb_each(c.detail) d
        where d.key like 'price:%' and d.value ->> 0 is not null and d.value ->> 1 is not null
          and 100 * case p_rule.event when 'price-up' then 1 else -1 end
            * ((d.value ->> 1)::numeric - (d.value ->> 0)::numeric)
            >= coalesce(p_rule.percent, 0) * (d.value ->> 0)::numeric))
      and catalog.is_shown(c.source_id, c.product_external_id)
      and (p_rule.words is null or exists (
        select from catalog.products p
        where p.source_id = c.source_id and p.external_id = c.product_external_id
          and strpos(lower(concat_ws(' ', p.title, p.brand)), lower(p_rule.words)) > 0))
    order by c.position
  loop
    exit when remaining = 0;
    found_event := catalog.find_event(p_rule, found_change);
    if found_event is not null then
      remaining := remaining - 1;
      change := found_change;
      event := found_event;
      return next;
    end if;
  end loop;
end $$;

-- list_event_kinds(event) → the kinds of changes that can fire it.
create function catalog.list_event_kinds(p_event text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_event when 'gone' then '{removed}' when 'returned' then '{returned}'
    when 'new' then '{created,loaded}' else '{updated,repriced,unavailable,returned}' end::text[]
$$;

-- load_rule(name) → the rule.
--   errors      rule/unknown
create function catalog.load_rule(p_name text) returns catalog.rules
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  found_rule catalog.rules;
begin
  select * into found_rule from catalog.rules where name = p_name;
  if found_rule.id is null then
    perform catalog.fail('rule/unknown', format('The rule "%s" does not exist', p_name));
  end if;
  return found_rule;
end $$;

-- read_rule(rule) → the rule that a JSON object states: name, event, percent, amountMinor, currency, source,
-- product, words, firstLoad, webhook. It is not stored.
--   errors      source/unknown · webhook/unknown
create function catalog.read_rule(p_rule jsonb) returns catalog.rules
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  read catalog.rules;
begin
  read.name := p_rule ->> 'name';
  read.event := p_rule ->> 'event';
  read.percent := (p_rule ->> 'percent')::numeric;
  read.amount_minor := (p_rule ->> 'amountMinor')::bigint;
  read.currency := p_rule ->> 'currency';
  read.product := p_rule ->> 'product';
  read.words := p_rule ->> 'words';
  read.first_load := coalesce((p_rule ->> 'firstLoad')::boolean, false);
  if p_rule ->> 'source' is not null then
    select id into read.source_id from catalog.sources where name = p_rule ->> 'source';
    if read.source_id is null then
      perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_rule ->> 'source'));
    end if;
  end if;
  if p_rule ->> 'webhook' is not null then
    read.webhook_id := (catalog.load_webhook(p_rule ->> 'webhook')).id;
  end if;
  return read;
end $$;

-- add_rule(rule, by): stores a rule, see read_rule. It is off.
--   errors      see read_rule · rule/exists
create function catalog.add_rule(p_rule jsonb, p_by text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  read catalog.rules := catalog.read_rule(p_rule);
begin
  if exists (select from catalog.rules where name = read.name) then
    perform catalog.fail('rule/exists', format('The rule "%s" exists already', read.name));
  end if;
  insert into catalog.rules (name, event, percent, amount_minor, currency, source_id, product, words,
      first_load, webhook_id, created_by)
    values (read.name, read.event, read.percent, read.amount_minor, read.currency, read.source_id,
      read.product, read.words, read.first_load, read.webhook_id, p_by);
end $$;

-- switch_rule(name, on): switches a rule on or off. Switched on, it fires for changes from now on.
--   errors      rule/unknown
create function catalog.switch_rule(p_name text, p_on boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules := catalog.load_rule(p_name);
begin
  update catalog.rules
    set state = case when p_on then 'on' else 'off' end, cursor = f.last_position
    from catalog.feed f
    where id = rule.id and state = case when p_on then 'off' else 'on' end;
end $$;

-- remove_rule(name)
--   errors      rule/unknown
create function catalog.remove_rule(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules := catalog.load_rule(p_name);
begin
  delete from catalog.rules where id = rule.id;
end $$;
