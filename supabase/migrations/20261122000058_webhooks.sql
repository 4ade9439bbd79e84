-- Generated from supabase/schemas/58_webhooks.sql until the first release: do not edit.

-- The change feed and its deliveries. Consumers read the feed by position, or get each change by a webhook.
-- 87_feed.sql and 88_deliveries.sql work on these tables.

-- The state of the feed: one row, which is locked while positions are given.
create table catalog.feed (
  is_only          boolean primary key default true check (is_only),
  last_position    bigint not null default 0,  -- of the newest published change
  -- Changes up to this position were removed by their age: a cursor before it has expired.
  expired_position bigint not null default 0
);
insert into catalog.feed default values;

-- A receiver: an address that gets each change, or only the messages of rules. Secrets are in the environment
-- of the deliverer, never here: WEBHOOK_SECRET_<NAME>, and WEBHOOK_ADDRESS_<NAME> where the address is one.
create table catalog.webhooks (
  id            integer generated always as identity primary key,
  name          text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  format        text not null check (format in ('standard', 'slack')),
  url           text,                          -- null: the address is a secret of the environment
  -- False: only the messages of rules.
  gets_changes  boolean not null,
  sources       integer[],                     -- sources whose changes it gets; null: all
  kinds         text[],                        -- kinds of changes that it gets; null: all
  state         text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  -- Why it is paused or disabled, as text.
  reason        text,
  -- Begins the ids of its messages, so that no other database gives the same ids.
  key           text not null default left(replace(gen_random_uuid()::text, '-', ''), 12),
  cursor        bigint not null,               -- position up to which its deliveries are in the table
  failures      integer not null default 0,    -- failed requests in a row
  failing_since timestamptz,                   -- time of the first of these
  paused_until  timestamptz,                   -- no request before
  delivered_at  timestamptz,                   -- of the last success
  last_error    text,                          -- of the last failure; null after a success
  created_at    timestamptz not null default now(),
  created_by    text not null,
  check ((failures = 0) = (failing_since is null))
);

-- One message to one receiver. It names its changes; their values are read when it is sent, so that expired
-- content is never kept here.
create table catalog.deliveries (
  id            bigint generated always as identity (sequence name catalog.deliveries_id_seq) unique,
  webhook_id    integer not null references catalog.webhooks (id),
  -- Position of the change, or of the last one of a digest. Negative: a test message.
  position      bigint not null,
  rule_id       bigint not null default 0,     -- the rule that fired; 0: the change itself
  source_id     integer not null,              -- of the change; 0 for a digest or a test message
  product       text collate "C" not null,     -- external id; empty for others than a change of a product
  -- All changes of a digest, the newest 20 at most. Null: only that of `position`.
  digest        bigint[],
  digest_count  integer,                       -- number of changes of a digest, with those left out
  state         text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
  -- Next attempt; while a process sends it, when another one may. Null while it waits for an earlier
  -- change of its product, and once it is over.
  due_at        timestamptz,
  attempts      integer not null default 0,
  token         bigint not null default 0,     -- fencing token of the newest lease
  status        integer,                       -- HTTP status of the last response
  error         text,                          -- of the last attempt; null after a success
  created_at    timestamptz not null default clock_timestamp(),
  finished_at   timestamptz,
  primary key (webhook_id, position, rule_id)
);
create index deliveries_due on catalog.deliveries (webhook_id, due_at) where due_at is not null;
create index deliveries_waiting on catalog.deliveries (webhook_id, source_id, product, position, rule_id)
  where state = 'waiting';
create index deliveries_dead on catalog.deliveries (webhook_id, id) where state = 'dead';
create index deliveries_over on catalog.deliveries (finished_at) where state <> 'waiting';
create index deliveries_newest on catalog.deliveries (webhook_id, id);
create index deliveries_of_source on catalog.deliveries (source_id);

-- load_webhook(name) → the receiver.
--   errors      webhook/unknown
create function catalog.load_webhook(p_name text) returns catalog.webhooks
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  found_webhook catalog.webhooks;
begin
  select * into found_webhook from catalog.webhooks where name = p_name;
  if found_webhook.id is null then
    perform catalog.fail('webhook/unknown', format('The webhook "%s" does not exist', p_name));
  end if;
  return found_webhook;
end $$;

-- add_webhook(…): adds a receiver, which gets the changes after the position `p_after`.
--   p_url       null: the address is in the environment
--   p_sources, p_kinds   null: all
--   p_after     null: from now on
--   errors      webhook/exists · source/unknown · feed/cursor-expired
create function catalog.add_webhook(
  p_name text, p_format text, p_url text, p_gets_changes boolean, p_sources text[], p_kinds text[],
  p_after bigint, p_by text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  unknown text := (
    select n from unnest(p_sources) n where n not in (select name from catalog.sources) limit 1);
begin
  if exists (select from catalog.webhooks where name = p_name) then
    perform catalog.fail('webhook/exists', format('The webhook "%s" exists already', p_name));
  elsif unknown is not null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', unknown));
  end if;
  perform catalog.assert_cursor(p_after);
  insert into catalog.webhooks (name, format, url, gets_changes, sources, kinds, cursor, created_by)
    select p_name, p_format, p_url, p_gets_changes, case when p_sources is not null then array(
        select id from catalog.sources where name = any (p_sources)) end, p_kinds,
      coalesce(p_after, f.last_position), p_by
    from catalog.feed f;
end $$;

-- pause_webhook(name, reason): sends nothing until resume_webhook. Changes wait in the feed.
--   errors      webhook/unknown
create function catalog.pause_webhook(p_name text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  update catalog.webhooks set state = 'paused', reason = p_reason where id = webhook.id;
end $$;

-- resume_webhook(name, skip): sends again, at once.
--   p_skip      continues with the next change of the feed; the changes since the pause are left out
--   errors      webhook/unknown · feed/cursor-expired
create function catalog.resume_webhook(p_name text, p_skip boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  if webhook.gets_changes and not p_skip then
    perform catalog.assert_cursor(webhook.cursor);
  end if;
  update catalog.webhooks
    set state = 'active', reason = null, failures = 0, failing_since = null, paused_until = null,
        cursor = case when p_skip then (select last_position from catalog.feed) else cursor end
    where id = webhook.id;
end $$;

-- remove_webhook(name): removes the receiver with its deliveries and its rules.
--   errors      webhook/unknown
create function catalog.remove_webhook(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), webhook.id);
  delete from catalog.rules where webhook_id = webhook.id;
  delete from catalog.deliveries where webhook_id = webhook.id;
  delete from catalog.webhooks where id = webhook.id;
end $$;

-- forget_feed_source(source): removes the rules of a source that is about to be removed, and the source from
-- the filters of receivers. One that was limited to it is paused, because without a filter it would get all.
create function catalog.forget_feed_source(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from catalog.rules where source_id = p_source;
  update catalog.webhooks
    set sources = array_remove(sources, p_source),
        state = case when sources = array[p_source] then 'paused' else state end,
        reason = case when sources = array[p_source] then 'its only source was removed' else reason end
    where p_source = any (sources);
end $$;

-- queue_test(name) → the id of a delivery that sends a test message.
--   errors      webhook/unknown
create function catalog.queue_test(p_name text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
  queued bigint;
begin
  insert into catalog.deliveries (webhook_id, position, source_id, product, due_at)
    values (webhook.id, -nextval('catalog.deliveries_id_seq'), 0, '', clock_timestamp())
    returning id into queued;
  return queued;
end $$;

-- replay_deliveries(name, id, from, to, dead) → messages that are sent again, with the ids that they had.
--   p_id        one delivery; null: all in [from, to]. Those of changes that were removed from the table by
--               their age are added again
--   p_dead      only dead letters
--   errors      webhook/unknown · delivery/unknown · feed/cursor-expired · usage/invalid (more than 10,000
--               positions)
create function catalog.replay_deliveries(
  p_name text, p_id bigint, p_from bigint, p_to bigint, p_dead boolean
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
  until constant bigint := least(coalesce(p_to, p_from), webhook.cursor);
  sources integer[];
  products text[];
begin
  perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), webhook.id);
  if p_id is null and not p_dead and webhook.gets_changes then
    perform catalog.assert_cursor(p_from - 1);
    if until - p_from >= 10000 then
      perform catalog.fail('usage/invalid', format('%s changes are too many to replay at once: name at most '
        '10,000, or read the feed by cursor', until - p_from + 1));
    end if;
    insert into catalog.deliveries (webhook_id, position, source_id, product, state)
      select webhook.id, c.position, c.source_id, c.product_external_id, 'delivered' from catalog.changes c
      where c.position between p_from and until
        and (webhook.sources is null or c.source_id = any (webhook.sources))
        and (webhook.kinds is null or c.kind = any (webhook.kinds))
      on conflict do nothing;
  end if;
  with again as (
    update catalog.deliveries d
      set state = 'waiting', due_at = null, attempts = 0, status = null, error = null, finished_at = null
      where d.webhook_id = webhook.id and d.state <> 'waiting' and (not p_dead or d.state = 'dead')
        and case when p_id is not null then d.id = p_id
          else d.position between coalesce(p_from, 0) and coalesce(p_to, catalog.max_id()) end
      returning d.source_id, d.product)
  select array_agg(source_id), array_agg(product) into sources, products from again;
  if p_id is not null and sources is null then
    perform catalog.fail('delivery/unknown', format(
      'The webhook "%s" has no delivery %s that is over', p_name, p_id));
  end if;
  perform catalog.release_heads(webhook.id, sources, products);
  return coalesce(cardinality(sources), 0);
end $$;

-- list_webhooks() → every receiver by name, with its messages by state.
--   retrying        waiting messages of which an attempt has failed
--   behind          positions of the feed that are not in its deliveries yet
--   oldest_seconds  age of its oldest waiting message or of the first change that is not in its deliveries;
--                   0 if none waits
create function catalog.list_webhooks() returns table (
  name text, format text, url text, gets_changes boolean, sources text[], kinds text[], state text,
  reason text, waiting bigint, retrying bigint, dead bigint, behind bigint, oldest_seconds double precision,
  rules bigint, failing_since timestamptz, paused_until timestamptz, delivered_at timestamptz,
  last_error text, created_by text, created_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select w.name, w.format, w.url, w.gets_changes, case when w.sources is not null then array(
      select s.name from catalog.sources s where s.id = any (w.sources) order by 1) end, w.kinds, w.state,
    w.reason, d.waiting, d.retrying, (
      select count(*) from catalog.deliveries x where x.webhook_id = w.id and x.state = 'dead'),
    case when w.gets_changes then f.last_position - w.cursor else 0 end,
    greatest(0, extract(epoch from clock_timestamp() - least(d.oldest, c.changed_at)))::double precision, (
      select count(*) from catalog.rules r where r.webhook_id = w.id), w.failing_since, w.paused_until,
    w.delivered_at, w.last_error, w.created_by, w.created_at
  from catalog.webhooks w
  cross join catalog.feed f
  cross join lateral (
    select count(*) as waiting, count(*) filter (where n.attempts > 0) as retrying,
      min(n.created_at) as oldest
    from catalog.deliveries n where n.webhook_id = w.id and n.state = 'waiting'
  ) d
  left join lateral (
    select n.changed_at from catalog.changes n
    where w.gets_changes and n.position > w.cursor order by n.position limit 1
  ) c on true
  order by w.name;
end $$;

-- list_deliveries(name, state, rule, before, limit) → messages of a receiver, the newest first, before the id
-- `p_before`. The state may be null; `retrying` names waiting ones of which an attempt has failed. `p_rule`
-- null: of changes and of all rules.
--   errors      webhook/unknown
create function catalog.list_deliveries(
  p_name text, p_state text, p_rule text, p_before bigint, p_limit integer
)
returns table (
  id bigint, place bigint, source text, product text, rule text, changes integer, state text,
  attempts integer, status integer, error text, due_at timestamptz, created_at timestamptz,
  finished_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  return query select d.id, d.position, s.name, d.product::text, r.name, coalesce(d.digest_count, 1), d.state,
    d.attempts, d.status, d.error, d.due_at, d.created_at, d.finished_at
  from catalog.deliveries d
  left join catalog.sources s on s.id = d.source_id
  left join catalog.rules r on r.id = d.rule_id
  where d.webhook_id = webhook.id and d.id < coalesce(p_before, catalog.max_id())
    and case p_state when 'retrying' then d.state = 'waiting' and d.attempts > 0
      else p_state is null or d.state = p_state end
    and (p_rule is null or r.name = p_rule)
  order by d.id desc limit p_limit;
end $$;
