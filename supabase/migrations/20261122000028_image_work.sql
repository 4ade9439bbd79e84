-- Generated from supabase/schemas/28_image_work.sql until the first release: do not edit.

-- The work on images. A new image gets the row of its address, which is fetched once for all images that
-- name it. One process at a time works on a channel, under a lease with a fencing token: a process that lost
-- its lease changes nothing. All times are milliseconds.

-- list_sources_with_new_images() → the sources of the images that `list_new_images` returns. It reads one
-- entry of the index for each source that has any, for any number of sources and images.
create function catalog.list_sources_with_new_images() returns setof integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive found (id) as (
    select min(i.source_id) from catalog.images i where i.address_id is null and i.state = 'new'
    union all
    select (
      select min(i.source_id) from catalog.images i
      where i.address_id is null and i.state = 'new' and i.source_id > f.id)
    from found f where f.id is not null
  )
  select s.id from found f join catalog.sources s on s.id = f.id
  where s.policy -> 'storeImages' is distinct from 'false'
$$;

-- list_new_images(limit) → images that are not looked at yet, of sources whose policy lets them be stored
create function catalog.list_new_images(p_limit integer)
returns table (source_id integer, product_external_id text, image_position integer, url text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.* from catalog.list_sources_with_new_images() s (id) cross join lateral (
    select i.source_id, i.product_external_id, i.position, i.url from catalog.images i
    where i.source_id = s.id and i.address_id is null and i.state = 'new'
      and not exists (
        select from catalog.products e
        where e.source_id = i.source_id and e.external_id = i.product_external_id and e.expires_at <= now())
    limit p_limit
  ) i limit p_limit
$$;

-- read_new_images(images) → the list that `link_images` gets as rows
create function catalog.read_new_images(p_images jsonb) returns table (
  source_id integer, product_external_id text, image_position integer, url text, key bytea, address text,
  version numeric, channel text, host text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select r.source_id, r.product_external_id, r.image_position, r.url, decode(r.key, 'hex'), r.address,
    r.version, r.channel, r.host
  from jsonb_to_recordset(p_images) r (source_id integer, product_external_id text, image_position integer,
    url text, key text, address text, version numeric, channel text, host text)
$$;

-- link_images(images) → number of images that now name their address
--   images      a list of {source_id, product_external_id, image_position, url, key, address, version,
--               channel, host}: `key` in hexadecimal digits; a null `key` means that the image cannot be
--               fetched
--   idempotent  an image whose URL has changed meanwhile is left to the next call
--   versions    an address is fetched again only for a version that is newer than the stored one
--   ordering    channels are locked first, as by the functions that record results
create function catalog.link_images(p_images jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  linked bigint;
begin
  insert into catalog.image_channels as l (channel, host, due_at)
    select distinct n.channel, n.host, present from catalog.read_new_images(p_images) n
    where n.channel is not null order by 1
    on conflict (channel) do update set due_at = least(l.due_at, excluded.due_at);
  insert into catalog.image_addresses as a (key, url, version, channel, due_at, changed_at)
    select distinct on (n.key) n.key, n.address, n.version, n.channel, present, present
    from catalog.read_new_images(p_images) n where n.key is not null
    order by n.key, n.version desc nulls last
    on conflict (key) do update
      set unused_since = null,
        url = case when a.version < excluded.version then excluded.url else a.url end,
        state = case when a.version < excluded.version then 'waiting' else a.state end,
        attempts = case when a.version < excluded.version then 0 else a.attempts end,
        due_at = case when a.version < excluded.version then present else a.due_at end,
        version = greatest(a.version, excluded.version)
      where a.unused_since is not null or a.version < excluded.version;
  update catalog.images i
    set address_id = a.id, sha256 = b.sha256, cdn_url = b.cdn_url,
      state = case when n.key is null then 'failed' when a.state = 'waiting' then 'new' else a.state end
    from catalog.read_new_images(p_images) n
      left join catalog.image_addresses a on a.key = n.key
      left join catalog.blobs b on b.sha256 = a.sha256 and a.state = 'stored'
    where i.source_id = n.source_id and i.product_external_id = n.product_external_id
      and i.position = n.image_position and i.url = n.url and i.address_id is null;
  get diagnostics linked = row_count;
  return linked;
end $$;

-- claim_images(limit, lease) → due addresses of one channel, which is leased to the caller, if there are any
--   sha256      of the stored copy, if the address was stored before
--   flagged     the host has refused several requests: this is its one request of the day
create function catalog.claim_images(p_limit integer, p_lease double precision) returns table (
  channel text, host text, token bigint, refusals integer, flagged boolean, id bigint, url text,
  attempts integer, sha256 bytea, etag text, last_modified text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  claimed catalog.image_channels;
begin
  loop
    select * into claimed from catalog.image_channels l
      where l.due_at <= present and coalesce(l.paused_until, present) <= present
        and coalesce(l.leased_until, present) <= present
      order by l.due_at limit 1 for update skip locked;
    exit when claimed.channel is null;
    update catalog.image_channels l
      set token = l.token + 1, leased_until = present + make_interval(secs => p_lease / 1000)
      where l.channel = claimed.channel returning * into claimed;
    return query
      select a.channel, claimed.host, claimed.token, claimed.refusals, claimed.flagged_at is not null, a.id,
        a.url, a.attempts, a.sha256, a.etag, a.last_modified
      from catalog.image_addresses a
      where a.channel = claimed.channel and a.state = 'waiting' and a.due_at <= present
      order by a.due_at limit p_limit;
    exit when found;
    perform catalog.release_images(claimed.channel, claimed.token, claimed.refusals, 0, claimed.flag_reason);
  end loop;
end $$;

-- holds_images(channel, token) → whether the lease with this token is the newest one; its row is locked
create function catalog.holds_images(p_channel text, p_token bigint) returns boolean
language sql set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.image_channels where channel = p_channel and token = p_token for update)
$$;

-- renew_images(channel, token, lease) → false if another process has the channel
create function catalog.renew_images(p_channel text, p_token bigint, p_lease double precision) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with renewed as (
    update catalog.image_channels set leased_until = clock_timestamp() + make_interval(secs => p_lease / 1000)
      where channel = p_channel and token = p_token returning 1)
  select exists (select from renewed)
$$;

-- release_images(channel, token, refusals, pause, flag): ends the lease. The channel is due again when the
-- first of its addresses is, and not before `p_pause` has passed.
--   flag        the reason for which the host is flagged; null if it is not
create function catalog.release_images(
  p_channel text, p_token bigint, p_refusals integer, p_pause double precision, p_flag text
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.image_channels l
    set leased_until = null, refusals = p_refusals,
      paused_until = clock_timestamp() + make_interval(secs => p_pause / 1000),
      flagged_at = case when p_flag is not null then coalesce(l.flagged_at, clock_timestamp()) end,
      flag_reason = p_flag,
      due_at = (
        select a.due_at from catalog.image_addresses a where a.channel = l.channel and a.state = 'waiting'
        order by a.due_at limit 1)
    where l.channel = p_channel and l.token = p_token
$$;

-- find_blob(sha256) → the stored copy with this content; no row without one
create function catalog.find_blob(p_sha256 bytea)
returns table (target text, object text, cdn_url text, removing boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select target, object, cdn_url, removing_at is not null from catalog.blobs where sha256 = p_sha256
$$;

-- store_image(channel, token, id, blob, etag, last_modified) → `stored`, `lost` (the lease), or `removing`:
-- the copy with this content is being removed, so the address has to be tried again later.
--   blob        {sha256, type, bytes, width, height, target, object, cdn_url}; null: the copy that the
--               address had is still right
--   atomic      the copy, its address and all images that name it
--   idempotent  a copy is one row, however often and by however many addresses it is stored
create function catalog.store_image(
  p_channel text, p_token bigint, p_id bigint, p_blob jsonb, p_etag text, p_last_modified text
) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  content bytea := decode(p_blob ->> 'sha256', 'hex');
  kept catalog.blobs;
begin
  if not catalog.holds_images(p_channel, p_token) then return 'lost'; end if;
  if p_blob is null then
    select a.sha256 into content from catalog.image_addresses a where a.id = p_id;
    select * into kept from catalog.blobs b where b.sha256 = content and b.removing_at is null for share;
  else
    insert into catalog.blobs as b (sha256, type, bytes, width, height, target, object, cdn_url, stored_at)
      select content, r.type, r.bytes, r.width, r.height, r.target, r.object, r.cdn_url, clock_timestamp()
      from jsonb_to_record(p_blob) r (type text, bytes bigint, width integer, height integer, target text,
        object text, cdn_url text)
      on conflict (sha256) do update
        set target = excluded.target, object = excluded.object, cdn_url = excluded.cdn_url,
          -- A removal that has chosen this copy at the same moment finds it new, and leaves it.
          stored_at = excluded.stored_at
        where b.removing_at is null
      returning * into kept;
  end if;
  if kept.sha256 is null then return 'removing'; end if;
  update catalog.image_addresses a
    set state = 'stored', attempts = 0, code = null, reason = null, sha256 = content, etag = p_etag,
      last_modified = p_last_modified, changed_at = clock_timestamp()
    where a.id = p_id;
  update catalog.images i set state = 'stored', sha256 = content, cdn_url = kept.cdn_url
    where i.address_id in (select a.id from catalog.image_addresses a where a.sha256 = content)
      and (i.address_id = p_id or i.state = 'stored')
      and (i.state, i.sha256, i.cdn_url) is distinct from ('stored', content, kept.cdn_url);
  return 'stored';
end $$;

-- fail_image(channel, token, id, code, reason, attempts, delay): records a failed attempt.
--   attempts    that have failed now
--   delay       until the next attempt; null: there is none, and the images that name the address have failed
create function catalog.fail_image(
  p_channel text, p_token bigint, p_id bigint, p_code text, p_reason text, p_attempts integer,
  p_delay double precision
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.holds_images(p_channel, p_token) then return; end if;
  update catalog.image_addresses
    set state = case when p_delay is null then 'failed' else 'waiting' end, attempts = p_attempts,
      code = p_code, reason = p_reason, changed_at = clock_timestamp(),
      due_at = clock_timestamp() + make_interval(secs => coalesce(p_delay, 0) / 1000)
    where id = p_id;
  if p_delay is null then
    update catalog.images set state = 'failed', sha256 = null, cdn_url = null where address_id = p_id;
  end if;
end $$;
