-- Unused copies of images, and readers of their state.

-- mark_unused_images(limit) → number of addresses that no image names since the last call, at most `p_limit`:
-- the caller repeats a call that returns as many. Images of a source whose policy forbids storing them lose
-- their copy here; an address of no other source is unused for longer than any grace period.
create function catalog.mark_unused_images(p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  marked bigint;
begin
  with forbidden as (
    update catalog.images i set address_id = null, sha256 = null, cdn_url = null, state = 'new'
      from catalog.sources s, catalog.images old
      where s.policy -> 'storeImages' = 'false' and i.source_id = s.id and i.address_id is not null
        and old.source_id = i.source_id and old.product_external_id = i.product_external_id
        and old.position = i.position
      returning old.address_id
  ), released as (
    update catalog.image_addresses a set unused_since = '-infinity'
      from (select distinct address_id from forbidden) f
      where a.id = f.address_id and not exists (
        select from catalog.images i join catalog.sources s on s.id = i.source_id
        where i.address_id = a.id and s.policy -> 'storeImages' is distinct from 'false')
      returning a.id, a.sha256)
  update catalog.blobs b set stored_at = '-infinity'
    where b.sha256 in (select r.sha256 from released r) and not exists (
      select from catalog.image_addresses a
      where a.sha256 = b.sha256 and a.id not in (select r.id from released r));
  update catalog.image_addresses a set unused_since = clock_timestamp()
    where a.id in (
      select n.id from catalog.image_addresses n
      where n.unused_since is null and not exists (select from catalog.images i where i.address_id = n.id)
      limit p_limit);
  get diagnostics marked = row_count;
  return marked;
end $$;

-- begin_blob_removal(grace, limit) → copies whose objects the caller must remove. Deletes the addresses that
-- no image has named for `p_grace` ms; a copy without an address is then being removed.
--   repeat      a removal that a process began and did not end is returned again after an hour
create function catalog.begin_blob_removal(p_grace double precision, p_limit integer)
returns table (sha256 bytea, target text, object text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
begin
  update catalog.image_addresses a set unused_since = null
    where a.unused_since is not null and exists (select from catalog.images i where i.address_id = a.id);
  delete from catalog.image_addresses a
    where a.unused_since < present - make_interval(secs => p_grace / 1000)
      and not exists (select from catalog.images i where i.address_id = a.id);
  return query
    update catalog.blobs b set removing_at = present
      where b.sha256 in (
        select c.sha256 from catalog.blobs c
        where coalesce(c.removing_at, '-infinity') < present - interval '1 hour' and not exists (
          select from catalog.image_addresses a where a.sha256 = c.sha256)
          and (c.removing_at is not null or c.stored_at < present - make_interval(secs => p_grace / 1000))
        limit p_limit for update skip locked)
      returning b.sha256, b.target, b.object;
end $$;

-- end_blob_removal(sha256): the object of this copy does not exist any more.
create function catalog.end_blob_removal(p_sha256 bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.blobs where sha256 = p_sha256 and removing_at is not null
$$;

-- measure_images(with_copies) → (new, waiting, failed, stored, stored_bytes, flagged_hosts): addresses by
-- state, and the images that are not looked at yet, at most 100,000.
--   with_copies false: `stored` and `stored_bytes` are null, which makes the call cheap
create function catalog.measure_images(p_with_copies boolean default false) returns table (
  new bigint, waiting bigint, failed bigint, stored bigint, stored_bytes bigint, flagged_hosts bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select
    (select count(*) from (
      select from catalog.list_sources_with_new_images() s (id)
      join catalog.images i on i.source_id = s.id and i.address_id is null and i.state = 'new'
      limit 100000) n),
    (select count(*) from catalog.image_addresses where state = 'waiting'),
    (select count(*) from catalog.image_addresses where state = 'failed'),
    case when p_with_copies then (select count(*) from catalog.blobs) end,
    case when p_with_copies then (select coalesce(sum(bytes), 0)::bigint from catalog.blobs) end,
    (select count(distinct host) from catalog.image_channels where flagged_at is not null)
$$;

-- count_images(source) → the images of a source by state
create function catalog.count_images(p_source integer) returns table (state text, images bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.state, count(*) from catalog.images i where i.source_id = p_source group by i.state
$$;

-- list_image_hosts() → hosts that are flagged, or whose images wait or have failed, flagged ones first; at
-- most 100
create function catalog.list_image_hosts() returns table (
  host text, waiting bigint, failed bigint, paused_until timestamptz, flagged_at timestamptz,
  flag_reason text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with counts as (
    select channel, count(*) as waiting, 0 as failed from catalog.image_addresses where state = 'waiting'
      group by channel
    union all
    select channel, 0, count(*) from catalog.image_addresses where state = 'failed' group by channel
  ), sums as (
    select channel, sum(waiting)::bigint as waiting, sum(failed)::bigint as failed from counts
      group by channel
  )
  select l.host, coalesce(sum(n.waiting), 0)::bigint, coalesce(sum(n.failed), 0)::bigint,
    max(l.paused_until) filter (where l.paused_until > clock_timestamp()), min(l.flagged_at),
    min(l.flag_reason)
  from catalog.image_channels l left join sums n on n.channel = l.channel
  where n.channel is not null or l.flagged_at is not null
  group by l.host order by min(l.flagged_at) nulls last, 2 desc, 3 desc, 1 limit 100
$$;

-- list_image_failures(after, limit) → addresses that have failed for good, by id, after the id `p_after`
--   products    up to three that name it, as `source/product`
create function catalog.list_image_failures(p_after bigint, p_limit integer) returns table (
  id bigint, url text, code text, reason text, attempts integer, failed_at timestamptz, products text[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.id, a.url, a.code, a.reason, a.attempts, a.changed_at, array(
    select s.name || '/' || i.product_external_id from catalog.images i
    join catalog.sources s on s.id = i.source_id where i.address_id = a.id limit 3)
  from catalog.image_addresses a
  where a.state = 'failed' and a.id > coalesce(p_after, 0) order by a.id limit p_limit
$$;

-- retry_images(source, host, all) → number of addresses that are fetched again now: those that failed or wait
-- for another attempt, of one source or host, or of every one for null. Ends the pauses and flags of their
-- hosts.
--   all         the stored ones too, as if they had never been fetched
create function catalog.retry_images(p_source integer, p_host text, p_all boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  retried bigint;
begin
  perform from catalog.image_channels order by channel for update;
  with chosen as (
    update catalog.image_addresses a
      set state = 'waiting', attempts = 0, due_at = present, changed_at = present,
        etag = case when p_all then null else a.etag end,
        last_modified = case when p_all then null else a.last_modified end
      where (p_all or a.state <> 'stored')
        and (p_host is null or a.channel in (
          select l.channel from catalog.image_channels l where l.host = p_host))
        and (p_source is null or exists (
          select from catalog.images i where i.address_id = a.id and i.source_id = p_source))
      returning a.id, a.channel
  ), renewed as (
    update catalog.images i set state = 'new' from chosen c where i.address_id = c.id and i.state = 'failed'
  ), woken as (
    update catalog.image_channels l
      set due_at = present, paused_until = null, refusals = 0, flagged_at = null, flag_reason = null
      where l.channel in (select c.channel from chosen c)
  )
  select count(*) into retried from chosen;
  return retried;
end $$;
