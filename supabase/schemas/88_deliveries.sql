-- The work on deliveries. queue_deliveries turns changes into messages, a deliverer claims and sends them. In
-- the messages of one receiver, a product has at most one that is due: the next follows when it is over.
-- Advisory lock ('catalog.deliveries', webhook): exclusive while messages are added, shared while one ends,
-- so that none is left without a time. try_rule shows which messages a rule would have had.

-- release_heads(webhook, sources, products): makes the first waiting message of each product due, unless one
-- of the product is due already.
create function catalog.release_heads(p_webhook integer, p_sources integer[], p_products text[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.deliveries d set due_at = clock_timestamp()
    from (select distinct source, product from unnest(p_sources, p_products) k (source, product)) k
    cross join lateral (
      select h.position, h.rule_id, h.due_at from catalog.deliveries h
      where h.webhook_id = p_webhook and h.source_id = k.source and h.product = k.product
        and h.state = 'waiting'
      order by h.position, h.rule_id limit 1
    ) h
    where d.webhook_id = p_webhook and d.position = h.position and d.rule_id = h.rule_id and d.due_at is null
      and d.state = 'waiting' and not exists (
        select from catalog.deliveries o
        where o.webhook_id = p_webhook and o.source_id = k.source and o.product = k.product
          and o.state = 'waiting' and o.due_at is not null)
$$;

-- queue_changes(webhook, until): adds a message for each change in (cursor, until] that the receiver gets.
create function catalog.queue_changes(p_webhook catalog.webhooks, p_until bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  sources integer[];
  products text[];
begin
  with added as (
    insert into catalog.deliveries (webhook_id, position, source_id, product)
      select p_webhook.id, c.position, c.source_id, c.product_external_id from catalog.changes c
      where c.position > p_webhook.cursor and c.position <= p_until
        and (p_webhook.sources is null or c.source_id = any (p_webhook.sources))
        and (p_webhook.kinds is null or c.kind = any (p_webhook.kinds))
      order by c.position
      on conflict do nothing
      returning source_id, product)
  select array_agg(source_id), array_agg(product) into sources, products from added;
  update catalog.webhooks set cursor = p_until where id = p_webhook.id;
  perform catalog.release_heads(p_webhook.id, sources, products);
end $$;

-- queue_firings(webhook, rule, until): adds a message for each change in (cursor, until] that fires the rule;
-- for Slack, one digest of all of them.
create function catalog.queue_firings(p_webhook catalog.webhooks, p_rule catalog.rules, p_until bigint)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  places bigint[];
  sources integer[];
  products text[];
begin
  select array_agg((f.change).position order by (f.change).position),
      array_agg((f.change).source_id order by (f.change).position),
      array_agg((f.change).product_external_id order by (f.change).position)
    into places, sources, products
    from catalog.list_firings(p_rule, p_rule.cursor, p_until, null) f;
  if places is not null and p_webhook.format = 'slack' then
    insert into catalog.deliveries (webhook_id, position, rule_id, source_id, product, digest, digest_count)
      values (p_webhook.id, places[cardinality(places)], p_rule.id, 0, '',
        places[greatest(1, cardinality(places) - 19):], cardinality(places))
      on conflict do nothing;
    perform catalog.release_heads(p_webhook.id, '{0}', '{""}');
  elsif places is not null then
    insert into catalog.deliveries (webhook_id, position, rule_id, source_id, product)
      select p_webhook.id, place, p_rule.id, source, product
      from unnest(places, sources, products) n (place, source, product)
      on conflict do nothing;
    perform catalog.release_heads(p_webhook.id, sources, products);
  end if;
  update catalog.rules
    set cursor = p_until, fired = fired + coalesce(cardinality(places), 0),
        fired_at = case when places is null then fired_at else clock_timestamp() end
    where id = p_rule.id;
end $$;

-- queue_deliveries(limit) → whether changes remain. Adds messages for at most `p_limit` changes to each
-- active receiver. One with 10,000 waiting messages gets none: its changes wait in the feed.
--   atomic      the messages and the cursors
create function catalog.queue_deliveries(p_limit integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  last constant bigint := (select last_position from catalog.feed);
  webhook catalog.webhooks;
  rule catalog.rules;
  behind integer;
  remains boolean := false;
begin
  for behind in
    select w.id from catalog.webhooks w
    where w.state = 'active' and (w.gets_changes and w.cursor < last or exists (
      select from catalog.rules r where r.webhook_id = w.id and r.state = 'on' and r.cursor < last))
    order by w.id
  loop
    perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), behind);
    select * into webhook from catalog.webhooks w where w.id = behind for update;
    continue when webhook.id is null or webhook.state <> 'active' or (
      select count(*) from (
        select from catalog.deliveries d where d.webhook_id = behind and d.state = 'waiting' limit 10000
      ) waiting) = 10000;
    if webhook.gets_changes and webhook.cursor < last then
      perform catalog.queue_changes(webhook, least(last, webhook.cursor + p_limit));
      remains := remains or webhook.cursor + p_limit < last;
    end if;
    for rule in
      select * from catalog.rules r
      where r.webhook_id = behind and r.state = 'on' and r.cursor < last order by r.id for update
    loop
      perform catalog.queue_firings(webhook, rule, least(last, rule.cursor + p_limit));
      remains := remains or rule.cursor + p_limit < last;
    end loop;
  end loop;
  return remains;
end $$;

-- load_message(webhook, delivery) → {id, webhook, format, url, position, rule, event, changes, count} of a
-- delivery; `changes` is empty if they have been removed by their age.
create function catalog.load_message(p_webhook catalog.webhooks, p_delivery catalog.deliveries) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules;
begin
  select * into rule from catalog.rules r where r.id = p_delivery.rule_id;
  return jsonb_build_object('id', p_delivery.id, 'message', format('%s-%s', p_webhook.key,
      concat_ws('-', p_delivery.position, nullif(p_delivery.rule_id, 0))),
    'webhook', p_webhook.name, 'format', p_webhook.format, 'url', p_webhook.url, 'token', p_delivery.token,
    'attempts', p_delivery.attempts, 'position', p_delivery.position, 'rule', rule.name, 'event', rule.event,
    'count', coalesce(p_delivery.digest_count, 1), 'created_at', p_delivery.created_at,
    'changes', coalesce((
      select jsonb_agg(catalog.to_feed_change(c) || jsonb_build_object('event',
        case when rule.id is not null then catalog.find_event(rule, c) end) order by c.position)
      from catalog.changes c
      where c.position = any (coalesce(p_delivery.digest, array[p_delivery.position]))), '[]'));
end $$;

-- claim_deliveries(limit, lease, except) → due messages of one receiver, see load_message, leased to the
-- caller for `p_lease` milliseconds: another process may then send them. A receiver that failed three times
-- in a row gets one message at a time, when its pause is over.
--   p_except    names of receivers that are left out
create function catalog.claim_deliveries(
  p_limit integer, p_lease double precision, p_except text[]
) returns setof jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  lease_end constant timestamptz := present + make_interval(secs => p_lease / 1000);
  webhook catalog.webhooks;
begin
  for webhook in
    select * from catalog.webhooks w
    where w.state = 'active' and coalesce(w.paused_until, present) <= present
      and w.name <> all (p_except) and exists (
        select from catalog.deliveries d where d.webhook_id = w.id and d.due_at <= present)
    order by random()
  loop
    if webhook.failures >= 3 then
      update catalog.webhooks set paused_until = lease_end
        where id = webhook.id and coalesce(paused_until, present) <= present;
      continue when not found;
    end if;
    return query
      with claimed as (
        update catalog.deliveries d set token = d.token + 1, due_at = lease_end
          where d.id = any (array(
            select n.id from catalog.deliveries n
            where n.webhook_id = webhook.id and n.due_at <= present
            order by n.due_at, n.position
            limit case when webhook.failures >= 3 then 1 else p_limit end
            for update skip locked))
          returning d.*)
      select catalog.load_message(webhook, c) from claimed c order by c.position, c.rule_id;
    exit when found;
  end loop;
end $$;

-- next_pause(failures) → the pause of a receiver after so many failed requests in a row: none after the first
-- two, then 5 s, doubled up to 15 minutes.
create function catalog.next_pause(p_failures integer) returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_failures < 3 then interval '0'
    else least(interval '15 minutes', interval '5 seconds' * 2 ^ least(p_failures - 3, 20)) end
$$;

-- finish_delivery(id, token, state, status, error, delay, pause, disable) → false if another process has
-- claimed the message since: nothing is written. Ends an attempt, and makes the next message of the product
-- due once this one is over.
--   state       delivered, dead, or waiting for the next attempt after `p_delay` milliseconds
--   p_pause     milliseconds for which the receiver accepts no requests
--   p_disable   why the receiver gets no more messages; null: it does. One that has only failed for three
--               days is disabled too
create function catalog.finish_delivery(
  p_id bigint, p_token bigint, p_state text, p_status integer, p_error text, p_delay double precision,
  p_pause double precision, p_disable text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  ended catalog.deliveries;
begin
  perform pg_advisory_xact_lock_shared(hashtext('catalog.deliveries'), webhook_id)
    from catalog.deliveries where id = p_id;
  update catalog.deliveries d
    set state = p_state, attempts = d.attempts + 1, status = p_status, error = p_error,
        due_at = case when p_state = 'waiting' then present + make_interval(secs => p_delay / 1000) end,
        finished_at = case when p_state <> 'waiting' then present end
    where d.id = p_id and d.token = p_token and d.state = 'waiting' returning * into ended;
  if ended.id is null then
    return false;
  end if;
  if p_state <> 'waiting' then
    perform catalog.release_heads(ended.webhook_id, array[ended.source_id], array[ended.product]);
  end if;
  if p_state = 'delivered' then
    update catalog.webhooks w
      set failures = 0, failing_since = null, paused_until = null, last_error = null, delivered_at = present
      -- Most successes leave the row as it is: the workers of a receiver would wait for each other.
      where w.id = ended.webhook_id
        and (w.failures > 0 or w.delivered_at is null or w.delivered_at < present - interval '10 seconds');
  else
    update catalog.webhooks w
      set failures = w.failures + 1, failing_since = coalesce(w.failing_since, present), last_error = p_error,
          paused_until = present + greatest(catalog.next_pause(w.failures + 1),
            make_interval(secs => p_pause / 1000)),
          state = case when w.state = 'active' and (p_disable is not null
            or w.failing_since < present - interval '3 days') then 'disabled' else w.state end,
          reason = case when w.state <> 'active' then w.reason when p_disable is not null then p_disable
            when w.failing_since < present - interval '3 days'
              then 'every request has failed for three days: ' || p_error end
      where w.id = ended.webhook_id;
  end if;
  return true;
end $$;

-- remove_old_deliveries(limit) → messages removed: delivered ones after 7 days, dead ones after 30.
create function catalog.remove_old_deliveries(p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed bigint;
begin
  delete from catalog.deliveries d where d.id = any (array(
    select o.id from catalog.deliveries o
    where o.state <> 'waiting' and o.finished_at < now() - interval '7 days'
      and (o.state = 'delivered' or o.finished_at < now() - interval '30 days') limit p_limit));
  get diagnostics removed = row_count;
  return removed;
end $$;

-- try_rule(rule, name, days, limit) → {times, firings, since}: the changes of the last days that would have
-- fired it, the newest `p_limit` of them as {change, event}.
--   p_rule      see read_rule; null: the stored rule `p_name`
--   errors      see read_rule · rule/unknown
create function catalog.try_rule(p_rule jsonb, p_name text, p_days integer, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules;
  since timestamptz := now() - make_interval(days => p_days);
begin
  if p_rule is null then
    rule := catalog.load_rule(p_name);
  else
    rule := catalog.read_rule(p_rule);
  end if;
  return (
    with found as materialized (
      select (l.change).position as place, l.change, l.event
      from catalog.list_firings(rule, (select place from catalog.find_feed_place(since)),
        catalog.max_id(), null) l
    )
    select jsonb_build_object('times', (select count(*) from found), 'since', since, 'firings', coalesce((
      select jsonb_agg(jsonb_build_object('change', catalog.to_feed_change(f.change), 'event', f.event)
        order by f.place desc)
      from (select * from found order by place desc limit p_limit) f), '[]')));
end $$;
