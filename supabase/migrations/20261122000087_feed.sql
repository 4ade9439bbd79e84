-- Generated from supabase/schemas/87_feed.sql until the first release: do not edit.

-- The change feed: published changes of all sources in one order, which consumers read by position.

-- lock_feed() → the last position. Until the transaction ends, no other one gives positions: so positions are
-- committed in their order, and a reader that remembers the highest one it has read skips none, however many
-- writers there are. It is taken last, because other sources wait for it.
create function catalog.lock_feed() returns bigint
language sql set search_path = pg_catalog, pg_temp as $$
  select last_position from catalog.feed for update
$$;

-- advance_feed(last): records the last position that the caller has given, under lock_feed. The commit wakes
-- the readers that listen to the channel `shelfsync_changes`.
create function catalog.advance_feed(p_last bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.feed set last_position = p_last where last_position < p_last;
  if found then
    perform pg_notify('shelfsync_changes', '');
  end if;
end $$;

-- publish_decision(review, kind, detail): publishes the change that a person's decision on a review makes to
-- a product, at once. Its values end with those of the review.
--   ordering    see lock_feed; the caller has locked the review
create function catalog.publish_decision(p_review catalog.reviews, p_kind text, p_detail jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  next_position bigint := catalog.lock_feed() + 1;
begin
  insert into catalog.changes
      (source_id, run_id, product_external_id, review_id, kind, position, detail, expires_at)
    values (p_review.source_id, p_review.run_id, p_review.product_external_id, p_review.id, p_kind,
      next_position, p_detail, p_review.expires_at);
  perform catalog.advance_feed(next_position);
end $$;

-- assert_cursor(after): fails with `feed/cursor-expired` when changes after this position have been removed.
create function catalog.assert_cursor(p_after bigint) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  expired bigint := (select expired_position from catalog.feed);
begin
  if p_after < expired then
    perform catalog.fail('feed/cursor-expired', format(
      'The changes after position %s have been removed by their age: the oldest cursor is %s', p_after,
      expired));
  end if;
end $$;

-- to_feed_change(change) → the change as the feed shows it: without a price that waits for a decision, and
-- without expired content.
--   product_id  uuid of the product in schema api
--   expired     whether values or the title are left out because their licence has ended
--   planned once in a session: planning takes longer than the rest
create function catalog.to_feed_change(p_change catalog.changes) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select jsonb_build_object(
    'position', p_change.position, 'source', s.name, 'run', p_change.run_id,
    'product', p_change.product_external_id, 'title', catalog.show_title(p),
    'product_id', md5(p.source_id::text || ' ' || p.external_id)::uuid, 'kind', p_change.kind,
    'changed_at', p_change.changed_at,
    'expired', p_change.expires_at <= now() is true or p.expires_at <= now() is true,
    'detail', d.shown, 'currencies', catalog.load_price_currencies(
      p_change.source_id, p_change.product_external_id, p_change.run_id, d.shown))
  from catalog.sources s
  left join catalog.products p
    on p.source_id = p_change.source_id and p.external_id = p_change.product_external_id
  cross join lateral (
    select coalesce(jsonb_object_agg(key, value), '{}') as shown
    from jsonb_each(case when p.expires_at <= now() then catalog.hide_detail(p_change.detail)
      else catalog.show_detail(p_change) end)
    where not (key like 'price:%' and jsonb_array_length(value) > 2) and key <> 'provenance'
  ) d
  where s.id = p_change.source_id);
end $$;

-- read_feed(after, limit, source, kinds, product) → {changes, next, last}: published changes after the
-- position, in their order. Each filter may be null.
--   next        the cursor of the next call. It passes changes that the filters leave out, so that an empty
--               page moves it too; a call looks at 100,000 positions at most
--   last        the last position of the feed: nothing follows when `next` is the same
--   errors      feed/cursor-expired · source/unknown
create function catalog.read_feed(
  p_after bigint, p_limit integer, p_source text, p_kinds text[], p_product text
) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  -- The newest position that every reader can see: positions are committed in their order.
  last bigint := (select last_position from catalog.feed);
  reached bigint := least(last, p_after + 100000);
  of_source integer := (select id from catalog.sources where name = p_source);
  changes jsonb;
begin
  perform catalog.assert_cursor(p_after);
  if p_source is not null and of_source is null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_source));
  end if;
  select coalesce(jsonb_agg(catalog.to_feed_change(page) order by page.position), '[]') into changes
    from (
      select c.* from catalog.changes c
      where c.position > p_after and c.position <= reached
        and (of_source is null or c.source_id = of_source)
        and (p_kinds is null or c.kind = any (p_kinds))
        and (p_product is null or c.product_external_id = p_product)
      order by c.position limit p_limit
    ) page;
  return jsonb_build_object('changes', changes, 'last', last, 'next',
    case when jsonb_array_length(changes) = p_limit then changes -> -1 -> 'position'
      else to_jsonb(greatest(reached, p_after)) end);
end $$;

-- read_latest_changes(before, limit, source, kind, product) → {changes, next}: published changes before the
-- position, the newest first, as the feed shows them. Each filter may be null.
--   next        `before` of the next call; null at the oldest change. A call looks at 100,000 positions at
--               most, so that a page may be empty before the end
--   errors      source/unknown
create function catalog.read_latest_changes(
  p_before bigint, p_limit integer, p_source text, p_kind text, p_product text
) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  before bigint := least(p_before, (select last_position + 1 from catalog.feed));
  reached bigint := greatest(before - 100000, (select expired_position + 1 from catalog.feed));
  of_source integer := (select id from catalog.sources where name = p_source);
  changes jsonb;
begin
  if p_source is not null and of_source is null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_source));
  end if;
  select coalesce(jsonb_agg(catalog.to_feed_change(page) order by page.position desc), '[]') into changes
    from (
      select c.* from catalog.changes c
      where c.position < before and c.position >= reached
        and (of_source is null or c.source_id = of_source)
        and (p_kind is null or c.kind = p_kind)
        and (p_product is null or c.product_external_id = p_product)
      order by c.position desc limit p_limit
    ) page;
  return jsonb_build_object('changes', changes, 'next',
    case when jsonb_array_length(changes) = p_limit then changes -> -1 -> 'position'
      when exists (select from catalog.changes c where c.position < reached) then to_jsonb(reached) end);
end $$;

-- find_feed_place(at) → (oldest, last, place): the oldest cursor, the newest, and that of an instant: the
-- changes after `place` were published at or after it. `p_at` null: `place` is the newest.
create function catalog.find_feed_place(p_at timestamptz)
returns table (oldest bigint, last bigint, place bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.expired_position, f.last_position, greatest(f.expired_position, case when p_at is null
    then f.last_position else coalesce((
      select min(c.position) - 1 from catalog.changes c
      where c.position is not null and c.changed_at >= p_at), f.last_position) end)
  from catalog.feed f
$$;

-- remove_old_changes(days, limit) → changes removed: published ones that are older, at most `p_limit` in one
-- call, the oldest first. `loaded` stays, because it states that a first load has been published.
create function catalog.remove_old_changes(p_days integer, p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed bigint;
  reached bigint;
begin
  with old as (
    select position, changed_at from catalog.changes
    where position > (select expired_position from catalog.feed)
    order by position limit p_limit
  )
  select max(position) into reached from old where changed_at < now() - make_interval(days => p_days);
  if reached is null then
    return 0;
  end if;
  perform catalog.lock_feed();
  update catalog.feed set expired_position = reached where expired_position < reached;
  delete from catalog.changes where position <= reached and kind <> 'loaded';
  get diagnostics removed = row_count;
  return removed;
end $$;

-- list_rules() → every rule by name, with the names of its source and its receiver.
create function catalog.list_rules() returns table (
  name text, event text, percent numeric, amount_minor bigint, currency text, source text, product text,
  words text, first_load boolean, webhook text, state text, fired bigint, fired_at timestamptz,
  created_by text, created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.name, r.event, r.percent, r.amount_minor, r.currency, s.name, r.product, r.words, r.first_load,
    w.name, r.state, r.fired, r.fired_at, r.created_by, r.created_at
  from catalog.rules r
  join catalog.webhooks w on w.id = r.webhook_id
  left join catalog.sources s on s.id = r.source_id
  order by r.name
$$;
